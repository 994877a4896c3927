"""
The accounts of a caisse: returns that tie to the cent, delays, pairs paid once, debts and recalls, the bank.

Amounts by hand: COD 35.00 at 100 %; G 30.00 at 70 % = 21.00; both on 4 March 2025. The day of payment is 24 March.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.lifecycle import PaperKind, SheetState
from fse.noemie import DebtOperation, OtherPayment, Outcome, SheetKind, verify_return
from fse.sheet import Cause, Illness, Line, Sheet
from gateway.bank_statement import read_statement
from gateway.envelopes import open_envelope
from gateway.simulation import Simulation
from gateway.simulator.concentrator import RETURNS, Concentrator
from gateway.simulator.faults import Fault, FaultKind, FaultPlan
from tests.fse import sheet_builders as build
from tests.gateway.accounts_bench import PAY_DAY, TODAY, CaisseBench, reasons
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


def test_a_return_ties_to_its_transfer_and_to_the_bank() -> None:
    """Two sheets of one lot, one of another: one return, one transfer of 35.00 + 21.00, one line of the statement."""
    bench = CaisseBench()
    bench.send(examination(7), build.example_sheet(number=9, order=9, lines=(replace(G, code="XYZ"),)))
    bench.send(dear(8, MONDAY))
    found = bench.returned()
    assert (found.organism, found.biller, found.accounting_day) == (ARTOIS, build.BILLER, PAY_DAY)
    assert [(one.number, one.lot, one.paid_cents) for one in found.sheets] == [(7, 1, 3500), (9, 1, 0), (8, 2, 2100)]
    assert found.transfer_cents == 5600
    (line,) = read_statement(bench.bank.statement(build.BILLER))
    assert (line.on, line.reference, line.cents) == (PAY_DAY, found.reference, 5600)
    assert ARTOIS in line.label
    assert bench.bank.statement("629990003") == b"date;reference;libelle;montant\n"


def test_a_statement_writes_euros_and_two_digits_of_cents() -> None:
    """Whole euros and single cents keep their two digits, line by line."""
    bench = CaisseBench()
    bench.send(examination(7))
    bench.returned()
    bench.accounts.pay_apart(build.BILLER, OtherPayment("00001", 205, "FORFAIT"))
    bench.returned(NEXT)
    text = bench.bank.statement(build.BILLER).decode().splitlines()
    assert [row.split(";")[3] for row in text[1:]] == ["35,00", "2,05"]


def test_every_sheet_is_answered_once_on_its_day() -> None:
    """Not the day before the 20th, on the day itself, and never again; a day without anything due makes no file."""
    bench = CaisseBench()
    bench.send(examination(7))
    assert bench.close(PAY_DAY - timedelta(days=1)) is None
    assert bench.answer().outcome is Outcome.PAID
    assert bench.close(NEXT) is None
    assert [one.day for one in bench.bank.transfers] == [PAY_DAY]


def test_a_day_of_rejections_moves_no_money() -> None:
    """A return without a transfer has no reference, and the bank sees nothing."""
    bench = CaisseBench()
    bench.send(build.example_sheet(lines=(replace(G, code="XYZ"),)))
    found = bench.returned()
    assert (found.transfer_cents, found.reference, bench.bank.transfers) == (0, "", [])


def test_files_and_transfers_have_names_of_their_own() -> None:
    """Each file its number, each transfer its reference, with the caisse in it: one statement holds them all."""
    bench = CaisseBench()
    bench.send(examination(7))
    first = bench.returned()
    bench.accounts.pay_apart(build.BILLER, OtherPayment("00001", 100, "FORFAIT"))
    second = bench.returned(NEXT)
    assert (first.number, second.number) == (1, 2)
    assert first.reference != second.reference
    assert all(ARTOIS in one.reference for one in (first, second))


def test_a_sheet_that_comes_again_is_counted_from_its_first_day() -> None:
    """The same bytes in a later lot change neither day nor lot, and are paid once."""
    bench = CaisseBench()
    data = build.seal(examination(7)).encode()
    bench.send(data, numbers=(7,))
    bench.clock.move_to(datetime(2025, 3, 20, 10, tzinfo=UTC))
    bench.send(data, numbers=(7,))
    assert (bench.answer().lot, bench.close(date(2025, 4, 9))) == (1, None)


def test_the_file_is_for_the_biller_alone() -> None:
    """Signed by the caisse, enveloped for the biller: no NIR in clear outside; nobody else opens it."""
    bench = CaisseBench()
    bench.send(examination(7))
    file = bench.close()
    assert file is not None
    nir = build.example_sheet().insured.number.encode()
    assert nir not in file
    signed = open_envelope(file, party_of(build.party(build.BILLER)))
    assert nir in signed
    assert verify_return(signed, build.trust()).organism == ARTOIS
    with pytest.raises(Exception, match="ENVELOPE"):
        open_envelope(file, party_of(build.party(OPALE)))


def test_one_seed_makes_the_same_return() -> None:
    """Two worlds of one seed: the signed bytes are equal; only the envelope differs."""
    signed = []
    for _ in range(2):
        bench = CaisseBench()
        bench.send(examination(7), dear(8, MONDAY))
        file = bench.close()
        assert file is not None
        signed.append(open_envelope(file, party_of(build.party(build.BILLER))))
    assert signed[0] == signed[1]


# ------------------------------------------------------------ delays


def test_a_caisse_that_is_late_pays_after_the_month() -> None:
    """S10.1: «pay-late» strikes one sheet of two; it is paid 40 days after its receipt, on 13 April."""
    bench = CaisseBench(faults=(Fault(FaultKind.PAY_LATE, ARTOIS, "securise"),))
    bench.send(examination(7), examination(8, MONDAY))
    assert [one.number for one in bench.returned().sheets] == [8]
    assert bench.close(date(2025, 4, 12)) is None
    assert bench.answer(date(2025, 4, 13)).number == 7


def test_a_control_holds_the_payment() -> None:
    """Under control (9502): said once, paid when the control is over."""
    bench = CaisseBench()
    bench.send(examination(7))
    bench.accounts.under_control.add((build.BILLER, 7))
    line = bench.answer()
    assert (line.outcome, reasons(line)) == (Outcome.DEFERRED, [(0, "9502", "")])
    assert bench.close(NEXT) is None
    bench.accounts.under_control.clear()
    assert bench.answer(NEXT + timedelta(days=1)).paid_cents == 3500


# ------------------------------------------------------------ pairs


def test_a_degraded_sheet_waits_for_its_paper() -> None:
    """S2.5: deferred (9503) while the twin is missing, said once; paid once, 20 days after the paper has come."""
    bench = CaisseBench()
    bench.send(examination(7, cause=Cause.NO_CARD), mode="degrade")
    line = bench.answer()
    assert (line.kind, line.outcome, reasons(line)) == (SheetKind.DEGRADED, Outcome.DEFERRED, [(0, "9503", "")])
    assert [act.paid_cents for act in line.acts] == [0]
    bench.paper(PaperKind.TWIN, date(2025, 3, 26))
    bench.paper(PaperKind.TWIN, date(2025, 4, 2))
    assert bench.close(date(2025, 4, 14)) is None
    paid = bench.answer(date(2025, 4, 15))
    assert (paid.outcome, paid.paid_cents) == (Outcome.PAID, 3500)
    assert bench.close(date(2025, 5, 15)) is None


def test_a_degraded_sheet_whose_paper_was_there_is_paid_at_once() -> None:
    """The twin came the day after: the month counts from the later half (A23); no deferral in between."""
    bench = CaisseBench()
    bench.send(examination(7, cause=Cause.NO_CARD), mode="degrade")
    bench.paper(PaperKind.TWIN, date(2025, 3, 5))
    assert bench.close(PAY_DAY) is None
    assert bench.answer(NEXT).outcome is Outcome.PAID


def test_a_paper_of_another_kind_claims_nothing() -> None:
    """A form 708 or a plain paper is no half of a sheet; neither is a duplicata that cannot be read."""
    bench = CaisseBench()
    bench.send(examination(7, cause=Cause.NO_CARD), mode="degrade")
    bench.paper(PaperKind.PLAIN)
    bench.paper(PaperKind.DUPLICATA)
    assert bench.answer().outcome is Outcome.DEFERRED
    assert bench.close(NEXT) is None


def test_a_duplicata_is_paid_and_the_original_that_surfaces_is_a_double() -> None:
    """S5.5: paid on the paper, under type P; the original of the same number is rejected (9401); no debt."""
    bench = CaisseBench()
    bench.paper(PaperKind.DUPLICATA, sheet=examination(7), lot=4, lot_day=TODAY)
    line = bench.answer()
    assert (line.kind, line.number, line.lot, line.paid_cents) == (SheetKind.DUPLICATA, 7, 4, 3500)
    bench.send(examination(7))
    again = bench.answer(date(2025, 4, 14))
    assert (again.kind, again.outcome, reasons(again)) == (
        SheetKind.SECURED,
        Outcome.REJECTED,
        [(0, "9401", "duplicata")],
    )
    assert bench.accounts.corrections.owed(build.BILLER) == 0
    assert sum(one.cents for one in bench.bank.transfers) == 3500


def test_an_original_is_paid_and_the_duplicata_that_follows_is_a_double() -> None:
    """The other way round; a duplicata of a sheet that was rejected is judged for itself."""
    bench = CaisseBench()
    bench.send(examination(7), build.example_sheet(number=8, order=8, lines=(replace(G, code="XYZ"),)))
    for sheet in (examination(7), dear(8, MONDAY)):
        bench.paper(PaperKind.DUPLICATA, date(2025, 3, 6), sheet.number, sheet=sheet, lot=1, lot_day=TODAY)
    assert [one.outcome for one in bench.returned().sheets] == [Outcome.PAID, Outcome.REJECTED]
    first, second = bench.returned(date(2025, 3, 26)).sheets
    assert (first.kind, reasons(first)) == (SheetKind.DUPLICATA, [(0, "9401", "feuille")])
    assert (second.kind, second.paid_cents) == (SheetKind.DUPLICATA, 2100)


# ------------------------------------------------------------ debts and recalls


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
