"""Accounts of a caisse, later: debts and recalls, returns on their way, and the books that balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.lifecycle import SheetState
from fse.noemie import DebtOperation, OtherPayment, Outcome, SheetKind, verify_return
from fse.sheet import Cause, Illness, Line, Sheet
from gateway.envelopes import open_envelope
from gateway.simulation import Simulation
from gateway.simulator.concentrator import RETURNS, Concentrator
from gateway.simulator.faults import Fault, FaultKind, FaultPlan
from tests.fse import sheet_builders as build
from tests.gateway.accounts_bench import PAY_DAY, TODAY, CaisseBench
from tests.gateway.bench import ARTOIS, OPALE, TUESDAY, party_of, patient, visit

if TYPE_CHECKING:
    from pathlib import Path

    from fse.noemie import Debt

NEXT = PAY_DAY + timedelta(days=1)
MONDAY, FRIDAY = date(2025, 3, 3), date(2025, 2, 28)
G = Line(on=TODAY, code="G", fee_cents=3000, rate_percent=70, amo_cents=2100)


def examination(number: int, on: date = TODAY, cause: Cause | None = None) -> Sheet:
    """Return the examination of Emma on a day: 35.00."""
    (line,) = build.example_sheet().lines
    return build.example_sheet(cause, number=number, order=number, lines=(replace(line, on=on),))


def dear(number: int = 7, on: date = TODAY) -> Sheet:
    """Return a consultation billed at 100 % although 70 % are due: 30.00 asked for, 21.00 paid."""
    line = replace(G, on=on, rate_percent=100, amo_cents=3000)
    return build.example_sheet(number=number, order=number, cover=Illness(), lines=(line,))


def _paid_bench() -> CaisseBench:
    """Return a caisse that has paid sheet 7 (35.00) on the day of payment."""
    bench = CaisseBench()
    bench.send(examination(7))
    assert bench.returned().transfer_cents == 3500
    return bench


def test_a_debt_is_notified_then_recovered_without_a_negative_transfer() -> None:
    """S10.2: 35.00 claimed back; a transfer of 21.00 gives 21.00 of them, the next one of 35.00 the last 14.00."""
    bench = _paid_bench()
    debt = bench.accounts.notify_debt(build.BILLER, 7, NEXT)
    assert debt is not None
    found = bench.returned(NEXT)
    assert (found.transfer_cents, found.debts) == (0, (debt,))
    assert (debt.operation, debt.nature, debt.amount_cents, debt.balance_cents) == ("NOT", "CTL", 3500, 3500)

    bench.send(dear(8, MONDAY))
    found = bench.returned(date(2025, 4, 14))
    (taken,) = found.debts
    assert (found.transfer_cents, found.reference) == (0, "")
    assert (taken.operation, taken.reference) == (DebtOperation.RECOVERED, debt.reference)
    assert (taken.amount_cents, taken.balance_cents, bench.accounts.corrections.owed(build.BILLER)) == (
        2100,
        1400,
        1400,
    )

    bench.send(examination(9, FRIDAY))
    found = bench.returned(date(2025, 5, 5))
    assert [(one.amount_cents, one.balance_cents) for one in found.debts] == [(1400, 0)]
    assert found.transfer_cents == 2100
    assert bench.accounts.corrections.owed(build.BILLER) == 0
    assert [one.cents for one in bench.bank.transfers] == [3500, 2100]


def test_no_more_is_claimed_back_than_was_paid() -> None:
    """10.00, then all that is left (25.00), then nothing; a sheet that was never paid leaves no debt."""
    bench = _paid_bench()
    claims = [bench.accounts.notify_debt(build.BILLER, 7, NEXT, cents=cents, line=1) for cents in (1000, 9999, 1)]
    assert [None if one is None else one.amount_cents for one in claims] == [1000, 2500, None]
    assert bench.accounts.notify_debt(build.BILLER, 7, NEXT) is None
    assert bench.accounts.notify_debt(build.BILLER, 8, NEXT) is None
    assert [one.line for one in bench.returned(NEXT).debts] == [1, 1]


def test_a_debt_that_is_given_up_is_due_no_more() -> None:
    """Cancelled in the return that notifies it, or later; what was given up may be claimed again."""
    bench = _paid_bench()
    debt = bench.accounts.notify_debt(build.BILLER, 7, NEXT, nature="DRT")
    assert debt is not None
    bench.accounts.corrections.cancel(build.BILLER, debt.reference)
    bench.accounts.corrections.cancel(build.BILLER, debt.reference)
    operations = [(one.operation, one.balance_cents) for one in bench.returned(NEXT).debts]
    assert operations == [(DebtOperation.NOTIFIED, 3500), (DebtOperation.CANCELLED, 0)]
    again = bench.accounts.notify_debt(build.BILLER, 7, NEXT)
    assert again is not None
    assert again.reference != debt.reference


def test_what_lacks_is_recalled_up_to_what_was_asked_for() -> None:
    """S10.2: 21.00 paid of 30.00; 4.00, then 5.00 and no more, in one line of type E, with the transfer of 9.00."""
    bench = CaisseBench()
    bench.send(dear())
    assert bench.answer().paid_cents == 2100
    given = [bench.accounts.recall(build.BILLER, 7, 1, cents) for cents in (400, 9999, 1)]
    assert given == [400, 500, 0]
    found = bench.returned(NEXT)
    (line,) = found.sheets
    assert (line.kind, line.number, line.lot, line.outcome) == (SheetKind.RECALL, 7, 1, Outcome.PAID)
    assert (line.requested_cents, line.paid_cents, found.transfer_cents) == (900, 900, 900)
    claimed = bench.accounts.notify_debt(build.BILLER, 7, NEXT)
    assert claimed is not None
    assert claimed.amount_cents == 3000


def test_what_was_not_paid_at_all_is_not_recalled() -> None:
    """A rejected act, an act that is not there, a sheet that is not there: nothing, and no file."""
    bench = CaisseBench()
    bench.send(build.example_sheet(lines=(replace(G, code="XYZ"),)))
    bench.returned()
    given = [bench.accounts.recall(build.BILLER, number, line, 100) for number, line in ((7, 1), (7, 2), (8, 1))]
    assert (given, bench.close(NEXT)) == ([0, 0, 0], None)


# ------------------------------------------------------------ delivery


def _mailbox(concentrator: Concentrator) -> list[bytes]:
    return list(concentrator._mailboxes[build.BILLER].values())  # noqa: SLF001 - what the biller would be given


def _route(*faults: Fault) -> Concentrator:
    return Concentrator({}, frozenset({build.BILLER}), FaultPlan(faults))


def test_a_return_is_put_into_its_mailbox() -> None:
    """As it was made, for a biller under contract; nothing is kept for another."""
    concentrator = _route()
    concentrator.deliver(build.BILLER, b"return", ARTOIS)
    concentrator.deliver("629990003", b"nobody's", ARTOIS)
    assert _mailbox(concentrator) == [b"return"]


@pytest.mark.parametrize(
    ("kind", "at_once", "later"),
    [
        (FaultKind.LOSE_RETURN, [b"2"], [b"2"]),
        (FaultKind.DELAY_RETURN, [b"2"], [b"2", b"1"]),
        (FaultKind.DUPLICATE_RETURN, [b"1", b"1", b"2"], [b"1", b"1", b"2"]),
    ],
)
def test_a_return_is_lost_late_or_doubled_as_asked(kind: FaultKind, at_once: list[bytes], later: list[bytes]) -> None:
    """The first return of the Artois, once; that of another caisse is not touched."""
    concentrator = _route(Fault(kind, ARTOIS, RETURNS), Fault(kind, OPALE, RETURNS, times=0))
    concentrator.deliver(build.BILLER, b"1", ARTOIS)
    concentrator.deliver(build.BILLER, b"2", OPALE)
    assert _mailbox(concentrator) == at_once
    concentrator.deliver_delayed()
    concentrator.deliver_delayed()
    assert _mailbox(concentrator) == later


def test_a_return_that_was_changed_is_not_believed() -> None:
    """A bit of the signed return flipped: refused by whoever verifies it, wherever the bit stands."""
    bench = _paid_bench()
    bench.accounts.pay_apart(build.BILLER, OtherPayment("00001", 100, "FORFAIT"))
    file = bench.close(NEXT)
    assert file is not None
    signed = open_envelope(file, party_of(build.party(build.BILLER)))
    accepted = build.accepted_changes(
        signed, range(0, len(signed) * 8, 997), lambda data: verify_return(data, build.trust())
    )
    assert accepted == []


# -------------------------------------------------------------------------------------------------------- all together


@given(
    days=st.lists(
        st.tuples(st.integers(0, 2000), st.none() | st.integers(1, 2000), st.booleans()), min_size=1, max_size=6
    )
)
def test_the_books_balance_whatever_is_claimed_back(days: list[tuple[int, int | None, bool]]) -> None:
    """
    Payments apart, debts and cancellations of any amounts, day after day, over one paid sheet of 35.00.

    Never a negative transfer; the bank holds what was paid less what was recovered; what is still owed is what was
    claimed less what was recovered and given up. Every file passes the checks of its own layout, or it would not be.
    """
    bench = _paid_bench()
    apart = claimed = 0
    operations: list[Debt] = []
    for rank, (cents, claim, cancel) in enumerate(days, 1):
        if cents:
            bench.accounts.pay_apart(build.BILLER, OtherPayment("00001", cents, "FORFAIT"))
            apart += cents
        debt = None if claim is None else bench.accounts.notify_debt(build.BILLER, 7, PAY_DAY, cents=claim)
        if debt is not None:
            claimed += debt.amount_cents
            if cancel:
                bench.accounts.corrections.cancel(build.BILLER, debt.reference)
        if cents or debt is not None:
            operations += bench.returned(PAY_DAY + timedelta(days=rank)).debts
    moved = {kind: sum(one.amount_cents for one in operations if one.operation is kind) for kind in DebtOperation}
    owed = claimed - moved[DebtOperation.RECOVERED] - moved[DebtOperation.CANCELLED]
    assert all(one.cents > 0 for one in bench.bank.transfers)
    assert sum(one.cents for one in bench.bank.transfers) == 3500 + apart - moved[DebtOperation.RECOVERED]
    assert bench.accounts.corrections.owed(build.BILLER) == owed >= 0
    assert moved[DebtOperation.NOTIFIED] == claimed


def test_in_the_whole_world_a_sheet_is_paid_by_the_evening_of_its_day(tmp_path: Path) -> None:
    """Acknowledged on 4 March, paid by the closing of 24 March, a Monday, over the wire: the sender's sheet says so."""
    with Simulation(tmp_path / "world", TUESDAY, second_route=(OPALE,)) as world:
        (here,) = world.acknowledge(visit("A1"))
        (there,) = world.acknowledge(visit("A2", patient=patient("imaginaire")))
        numbers = [int(one.number) for one in (here, there)]
        world.run_until(datetime(2025, 3, 24, 17, 29, tzinfo=UTC))
        assert [world.gateway.sheet(one).state for one in numbers] == [SheetState.ACKNOWLEDGED] * 2
        world.run_until(datetime(2025, 3, 24, 17, 30, tzinfo=UTC))
        assert [world.gateway.sheet(one).state for one in numbers] == [SheetState.PAID] * 2
        assert [(one.day, one.organism, one.cents) for one in world.bank.transfers] == [
            (PAY_DAY, ARTOIS, 3500),
            (PAY_DAY, OPALE, 3500),
        ]


def test_accounts_are_closed_on_working_evenings_alone(tmp_path: Path) -> None:
    """Received on 31 March 2025: 20 plain days later is Easter Sunday."""
    with Simulation(tmp_path / "world", datetime(2025, 3, 31, 10, tzinfo=UTC)) as world:
        world.acknowledge(visit("A1", at="2025-03-31T12:00:00+02:00"))
        # Easter Monday is a holiday: the first working evening is that of Tuesday 22 April, within the month
        world.run_until(datetime(2025, 4, 22, 16, 29, tzinfo=UTC))
        assert world.bank.transfers == []
        world.run_until(datetime(2025, 4, 22, 16, 30, tzinfo=UTC))
        assert [one.day for one in world.bank.transfers] == [date(2025, 4, 22)]
