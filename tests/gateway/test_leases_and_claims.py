"""Who sends what: a lot is in one pair of hands, and is taken over when those have held it for a whole lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from gateway.journal import tables
from gateway.journal.claims import Claim
from gateway.leases import LEASE_SECONDS, Leases
from gateway.transport import _SECONDS
from tests.gateway.bench import patient, visit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.gateway.bench import Bench

BOTH_DATABASES = True

READY, LEAVING = ("signed", "reemission_due"), ("emission_started",)
NOW = 1_741_082_400


class Watch:
    """A monotonic clock that moves when it is told."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.at


@pytest.fixture
def watch() -> Watch:
    """Return a clock that stands still."""
    return Watch()


@pytest.fixture
def three(bench: Bench) -> Bench:
    """Return a bench with three signed lots, for three caisses."""
    bench.submit(visit("A"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    bench.submit(visit("C", patient=patient("mutuel")), "mutuel")
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    return bench


def _take(
    bench: Bench, worker: str, *, now: int = NOW, lapsed: Iterable[Claim] = (), passing: Iterable[int] = ()
) -> int | None:
    with bench.journal.claims() as claims:
        return claims.take(worker, now, ready=READY, interrupted=LEAVING, lapsed=lapsed, passing=passing)


def _held(bench: Bench) -> list[Claim]:
    with bench.journal.claims() as claims:
        return list(claims.held())


def _let_go(bench: Bench, worker: str, lot: int) -> None:
    with bench.journal.claims() as claims:
        claims.let_go(worker, lot)


def _change(bench: Bench, *numbers: int, **values: object) -> None:
    """Write what a worker that died left behind into these lots."""
    with bench.journal.write() as tx:
        table = tables.lots
        tx._connection.execute(update(table).where(table.c.number.in_(numbers)).values(**values))  # noqa: SLF001 - behind the back of the code


# ------------------------------------------------------------------------------------------------------------- leases


def test_a_lease_is_longer_than_a_sending_may_take() -> None:
    """Connecting and waiting for the answer take 15 seconds each at most: whoever is at work is not taken for gone."""
    assert LEASE_SECONDS > 2 * _SECONDS


def test_a_lease_lapses_after_its_seconds_and_not_before(watch: Watch) -> None:
    """Counted from the first time that this worker saw the hold, by its own clock: 60 seconds, to the second."""
    leases, claim = Leases("me", 60, watch), Claim(1, "other", 4)
    assert leases.lapsed([claim]) == ()
    watch.at += 59.9
    assert leases.lapsed([claim]) == ()
    watch.at += 0.1
    assert leases.lapsed([claim]) == (claim,)


def test_another_hold_is_another_lease(watch: Watch) -> None:
    """The same worker with a higher beat, another worker, or another lot: its lease begins when it is first seen."""
    leases = Leases("me", 60, watch)
    leases.lapsed([Claim(1, "other", 4)])
    watch.at += 60
    others = [Claim(1, "other", 5), Claim(1, "third", 4), Claim(2, "other", 4)]
    assert leases.lapsed(others) == ()
    watch.at += 60
    assert leases.lapsed(others) == tuple(others)


def test_what_was_let_go_of_begins_anew(watch: Watch) -> None:
    """A hold that was gone for a moment is not the same hold: somebody is alive."""
    leases, claim = Leases("me", 60, watch), Claim(1, "other", 4)
    leases.lapsed([claim])
    watch.at += 59
    leases.lapsed([])
    watch.at += 1
    assert leases.lapsed([claim]) == ()


def test_its_own_name_on_a_lot_lapses_too(watch: Watch) -> None:
    """A lot that could not be let go of, or that an earlier process of this name held, is not lost to a lone worker."""
    leases, claim = Leases("me", 60, watch), Claim(1, "me", 4)
    assert leases.lapsed([claim]) == ()
    watch.at += 60
    assert leases.lapsed([claim]) == (claim,)


# ------------------------------------------------------------------------------------------------------------- claims


def test_each_lot_is_in_one_pair_of_hands(three: Bench) -> None:
    """Oldest first, each once, until there is none left; its beat rises with each time that it is taken."""
    assert [_take(three, worker) for worker in ("a", "b", "a", "b")] == [1, 2, 3, None]
    assert _held(three) == [Claim(1, "a", 1), Claim(2, "b", 1), Claim(3, "a", 1)]
    _let_go(three, "a", 1)
    assert _take(three, "b") == 1
    assert _held(three)[0] == Claim(1, "b", 2)


def test_only_its_own_hands_open(three: Bench) -> None:
    """Letting go of what somebody else has by now changes nothing."""
    _take(three, "a")
    _let_go(three, "b", 1)
    assert _held(three) == [Claim(1, "a", 1)]
    _let_go(three, "a", 1)
    assert _held(three) == []


def test_lots_that_are_left_alone(three: Bench) -> None:
    """One that was tried in this round, one that waits until later, one that a person holds: the next one is taken."""
    _change(three, 2, not_before=NOW + 1)
    assert _take(three, "a", passing=[1]) == 3
    assert _take(three, "a", passing=[1]) is None
    assert _take(three, "a", now=NOW + 1, passing=[1]) == 2
    _change(three, 1, hold="HTTP 403")
    assert _take(three, "a", now=NOW + 1) is None


def test_only_the_very_hold_that_lapsed_is_taken_over(three: Bench) -> None:
    """Between the look and the taking another worker was faster: worker and beat no longer agree, so it is left."""
    _take(three, "a")
    left = [2, 3]
    assert _take(three, "b", lapsed=[Claim(1, "a", 2)], passing=left) is None
    assert _take(three, "b", lapsed=[Claim(1, "c", 1)], passing=left) is None
    assert _take(three, "b", lapsed=[Claim(2, "a", 1)], passing=left) is None
    assert _take(three, "b", lapsed=[Claim(1, "a", 1)], passing=left) == 1
    assert _take(three, "c", lapsed=[Claim(1, "a", 1)], passing=left) is None
    assert _held(three) == [Claim(1, "b", 2)]


@pytest.mark.parametrize(
    ("state", "free", "lapsed"),
    [
        ("to_sign", False, False),
        ("signed", True, True),
        ("emission_started", False, True),
        ("sent", False, False),
        ("positive", False, False),
        ("refused", False, False),
        ("reemission_due", True, True),
        ("abandoned", False, False),
    ],
)
def test_what_may_be_taken(three: Bench, state: str, free: bool, lapsed: bool) -> None:  # noqa: FBT001 - hypothesis gives it by its name
    """Only a lot that may leave; one that is leaving only from hands that are gone; an answered one never."""
    _change(three, 1, state=state)
    assert _take(three, "a", passing=[2, 3]) == (1 if free else None)
    _change(three, 1, worker="dead", beat=7)
    assert _take(three, "a", passing=[2, 3]) is None
    assert _take(three, "a", lapsed=[Claim(1, "dead", 7)], passing=[2, 3]) == (1 if lapsed else None)


def test_an_interrupted_sending_that_was_put_off_is_taken_again(three: Bench) -> None:
    """Whoever took it over could not finish and put it off: after that moment anybody goes on with it."""
    _change(three, 1, 2, 3, state="emission_started", not_before=NOW)
    assert _take(three, "a", now=NOW - 1) is None
    assert _take(three, "a", now=NOW) == 1


def test_claims_leave_no_trace_in_what_happened(three: Bench) -> None:
    """Taking and letting go write no event and change no record: they are no part of the history."""
    before = (
        three.rows("SELECT * FROM events ORDER BY id"),
        three.rows("SELECT number, state, record FROM lots ORDER BY number"),
    )
    _take(three, "a")
    _let_go(three, "a", 1)
    assert (
        three.rows("SELECT * FROM events ORDER BY id"),
        three.rows("SELECT number, state, record FROM lots ORDER BY number"),
    ) == before


def test_who_works_alone_takes_over_at_its_start(three: Bench) -> None:
    """A lone process that starts again waits for no lease: what its former life held is lapsed at once."""
    assert _take(three, "former") == 1
    three.reopen()
    with three.journal.claims() as claims:
        held = claims.held()
    assert three.gateway.dispatch.leases.lapsed(held) == tuple(held) != ()
