"""
The accounts of a caisse: returns that tie to the cent, delays, pairs paid once, debts and recalls, the bank.

Amounts by hand: COD 35.00 at 100 %; G 30.00 at 70 % = 21.00; both on 4 March 2025. The day of payment is 24 March.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from fse.lifecycle import PaperKind
from fse.noemie import OtherPayment, Outcome, SheetKind, verify_return
from fse.sheet import Cause, Illness, Line, Sheet
from gateway.bank_statement import read_statement
from gateway.envelopes import open_envelope
from gateway.simulator.faults import Fault, FaultKind
from tests.fse import sheet_builders as build
from tests.gateway.accounts_bench import PAY_DAY, TODAY, CaisseBench, reasons
from tests.gateway.bench import ARTOIS, OPALE, party_of

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
