"""The life of a card: what may follow what, and what a reload keeps."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from card_sim.errors import CardLifeError
from card_sim.life import CardEvent, CardLife, CardState

DAY = date(2025, 3, 4)

# Written by hand: rows are states, columns update, expire, oppose, replace, withdraw; "-" is refused.
BY_HAND = """
in-use     in-use  in-use  opposed  replaced  withdrawn
opposed    -       -       -        replaced  withdrawn
replaced   -       -       -        -         withdrawn
withdrawn  -       -       -        -         -
"""


def test_every_state_and_event_as_written_by_hand() -> None:
    """Protects the table: an opposition is never lifted, a replaced card never comes back, all 20 pairs."""
    rows = {CardState(row.split()[0]): row.split()[1:] for row in BY_HAND.split("\n") if row}
    for (state, expected), (rank, event) in product(rows.items(), enumerate(CardEvent)):
        life = CardLife(state, date(2025, 1, 1))
        if expected[rank] == "-":
            with pytest.raises(CardLifeError) as caught:
                life.after(event, DAY)
            assert caught.value.place == state
        else:
            after = life.after(event, DAY, "9970000099")
            assert after.state == expected[rank]
            assert after.since == (life.since if after.state is state else DAY)


@pytest.mark.parametrize("life", [CardLife(), CardLife(CardState.REPLACED, DAY, "9970000099")])
def test_a_life_is_read_back(life: CardLife) -> None:
    """Protects the stored form: plain values give the same life again."""
    assert CardLife.from_dict(life.to_dict()) == life


@pytest.mark.parametrize("raw", [None, [], {}, {"state": "lost"}, {"state": "opposed", "since": "hier"}, {"more": 1}])
def test_anything_else_is_refused(raw: object) -> None:
    """Protects loading: a life that is none is a ValueError, which the storage tells with its file."""
    with pytest.raises(ValueError, match=r"."):
        CardLife.from_dict(raw)
