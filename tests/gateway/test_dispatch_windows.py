"""When a lot leaves: in the hours of its caisse, at its cut-off, one after the other, after a pause, or when told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.destinations import Destination
from gateway.transport import Sending
from tests.gateway.bench import ARTOIS, OPALE, patient, visit

if TYPE_CHECKING:
    from tests.gateway.bench import Bench

BOTH_DATABASES = True

FAILED = (Sending.NOT_TAKEN, "connexion refusée")
OFFICE = Destination(organism=ARTOIS, opens=time(8, 30), closes=time(18), working_days=True)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _serve(bench: Bench, *destinations: Destination) -> None:
    """Have the profile say this of its caisses."""
    bench.profile = replace(bench.profile, destinations={one.organism: one for one in destinations})
    bench.reopen()


def _signed(bench: Bench, *references: str, family: str = "dutest") -> None:
    """Make a signed lot of one sheet for each reference."""
    for reference in references:
        changes = {} if family == "dutest" else {"patient": patient(family)}
        bench.submit(visit(reference, **changes), family)
        bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())


def _sent(bench: Bench) -> list[int]:
    """Return the lots that were sent, in order."""
    return [label.lot_number for label, _ in bench.wire.sent]


def _states(bench: Bench) -> dict[int, str]:
    return dict(bench.rows("SELECT number, state FROM lots"))


def test_a_lot_waits_for_the_opening_to_the_second(bench: Bench) -> None:
    """Signed on Friday at 19.00 in Paris: it leaves on Monday at 8.30 (7.30 in UTC), not a second before."""
    _serve(bench, OFFICE)
    bench.clock.move_to(_at("2025-03-07T18:00"))
    _signed(bench, "A")
    bench.gateway.dispatch.run()
    opening = _at("2025-03-10T07:30")
    assert (_sent(bench), bench.lot().not_before, bench.gateway.dispatch.next_due()) == ([], opening, opening)
    assert bench.lot().record.attempts == 0  # a closed door is no attempt
    bench.clock.move_to(opening - timedelta(seconds=1))
    bench.gateway.dispatch.run()
    assert _sent(bench) == []
    bench.clock.move_to(opening)
    bench.gateway.dispatch.run()
    assert (_sent(bench), bench.state()) == ([1], "sent")


def test_a_closed_caisse_holds_up_no_other(bench: Bench) -> None:
    """One caisse sleeps, another takes files all night."""
    _serve(bench, OFFICE)
    bench.clock.move_to(_at("2025-03-07T18:00"))
    _signed(bench, "A")
    _signed(bench, "B", family="imaginaire")
    bench.gateway.dispatch.run()
    assert _states(bench) == {1: "signed", 2: "sent"}


def test_a_window_does_not_move_the_limit(bench: Bench) -> None:
    """
    The caisse opens at 8.30 only on Monday 17 March; the window of an act of 4 March ends with Friday the 14th.

    The limit is of the law: the lot is given up at the end of that day and its duplicata falls due.
    """
    _serve(bench, OFFICE)
    bench.clock.move_to(_at("2025-03-14T17:30"))
    _signed(bench, "A")
    bench.gateway.dispatch.run()
    assert bench.lot().not_before == _at("2025-03-17T07:30")
    limit = _at("2025-03-14T23:00")
    assert bench.gateway.dispatch.next_due() == limit
    bench.clock.move_to(limit)
    bench.gateway.dispatch.run()
    bench.clock.move_to(_at("2025-03-17T07:30"))
    bench.gateway.dispatch.run()
    assert (_sent(bench), bench.lot().record.state, bench.state()) == ([], "abandoned", "duplicata_due")


# ------------------------------------------------------------------------------------------------------------ cut-offs


def _open_lots(bench: Bench) -> list[tuple[int, str]]:
    return bench.rows("SELECT number, organism FROM lots ORDER BY number")


def test_the_cut_off_closes_the_lots_of_its_caisse(bench: Bench) -> None:
    """At five in Paris, 16.00 in UTC, not before; only what is queued for that caisse; once."""
    _serve(bench, Destination(organism=ARTOIS, cut_off=time(17)))
    bench.gateway.dispatch.run()
    bench.submit(visit("A"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    cut_off = _at("2025-03-04T16:00")
    assert bench.gateway.dispatch.next_due() == cut_off
    bench.clock.move_to(cut_off - timedelta(seconds=1))
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == []
    bench.clock.move_to(cut_off)
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == [(1, ARTOIS)]
    assert (bench.state(1), bench.state(2)) == ("in_lot", "queued")
    bench.submit(visit("C"))
    bench.gateway.dispatch.run()
    bench.clock.move_to(_at("2025-03-04T22:00"))
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == [(1, ARTOIS)]  # what came later waits for the cut-off of tomorrow
    bench.clock.move_to(_at("2025-03-05T16:00"))
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == [(1, ARTOIS), (2, ARTOIS)]


def test_each_caisse_has_its_own_cut_off(bench: Bench) -> None:
    """Noon for one, five for the other."""
    _serve(bench, Destination(organism=ARTOIS, cut_off=time(17)), Destination(organism=OPALE, cut_off=time(12)))
    bench.gateway.dispatch.run()
    bench.submit(visit("A"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    bench.clock.move_to(_at("2025-03-04T11:00"))
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == [(1, OPALE)]
    bench.clock.move_to(_at("2025-03-04T16:00"))
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == [(1, OPALE), (2, ARTOIS)]


def test_a_cut_off_that_nobody_saw_is_made_up_for(bench: Bench) -> None:
    """The program was off from before the cut-off until the next morning: the lots are closed when it is back."""
    _serve(bench, Destination(organism=ARTOIS, cut_off=time(17)))
    bench.submit(visit("A"))
    bench.gateway.dispatch.run()
    bench.clock.move_to(_at("2025-03-05T07:00"))
    bench.reopen()
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == [(1, ARTOIS)]


def test_an_interrupted_cut_off_is_not_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends while it closes the lots: the next look closes them, not the cut-off of tomorrow."""
    _serve(bench, Destination(organism=ARTOIS, cut_off=time(17)))
    bench.gateway.dispatch.run()
    bench.submit(visit("A"))
    bench.clock.move_to(_at("2025-03-04T16:00"))

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("gateway.lots.LotDesk.close", cut)
        with pytest.raises(KeyboardInterrupt):
            bench.gateway.dispatch.run()
    assert _open_lots(bench) == []
    bench.reopen()
    bench.gateway.dispatch.run()
    assert _open_lots(bench) == [(1, ARTOIS)]


def test_without_a_cut_off_nothing_closes_by_itself(bench: Bench) -> None:
    """A person closes the lots then, and nothing is written about cut-offs."""
    bench.submit(visit("A"))
    bench.clock.move_to(_at("2025-03-06T20:00"))
    bench.gateway.dispatch.run()
    assert (_open_lots(bench), bench.rows("SELECT * FROM marks WHERE name LIKE 'cut-off%'")) == ([], [])


# ------------------------------------------------------------------------------------------------------- one at a time


@pytest.mark.parametrize("answer", ["positive", "refused"])
def test_the_second_lot_waits_for_the_answer_to_the_first(bench: Bench, answer: str) -> None:
    """Positive or negative, an acknowledgement lets the next lot go; another caisse is not held up meanwhile."""
    _serve(bench, Destination(organism=ARTOIS, one_at_a_time=True))
    _signed(bench, "A", "B")
    _signed(bench, "C", family="imaginaire")
    bench.gateway.dispatch.run()
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 3], {1: "sent", 2: "signed", 3: "sent"})
    assert bench.lot(2).record.attempts == 0
    bench.wire.put(bench.arl() if answer == "positive" else bench.refused())
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 3, 2], {1: answer, 2: "sent", 3: "sent"})


def test_a_lot_that_nobody_answered_keeps_its_turn(bench: Bench) -> None:
    """After 2 jours ouvrés of silence the first lot goes again; while it cannot leave, the second still waits."""
    _serve(bench, Destination(organism=ARTOIS, one_at_a_time=True))
    _signed(bench, "A", "B")
    bench.gateway.dispatch.run()
    bench.wire.results = [FAILED]
    bench.clock.move_to(_at("2025-03-06T23:00"))
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 1], {1: "reemission_due", 2: "signed"})
    bench.gateway.dispatch.hurry()
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 1, 1], {1: "sent", 2: "signed"})
    bench.wire.put(bench.arl())
    bench.gateway.dispatch.run()
    assert _states(bench) == {1: "positive", 2: "sent"}


def test_an_altered_lot_that_cannot_leave_lets_the_next_one_go(bench: Bench) -> None:
    """«Altered» is an answer: nothing is on its way, and the second lot need not wait for the first to leave again."""
    _serve(bench, Destination(organism=ARTOIS, one_at_a_time=True))
    _signed(bench, "A", "B")
    bench.gateway.dispatch.run()
    bench.wire.put(bench.altered())
    bench.wire.results = [FAILED]
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 1, 2], {1: "reemission_due", 2: "sent"})
