"""What a caisse makes of a sheet: each code of rejection, deferral and signal, with its place; paid when all holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fse.identifiers import Nir
from fse.lifecycle import PaperKind
from fse.noemie import Outcome, SheetKind, rejections
from fse.noemie.rejections import RejectionKind
from fse.rules import catalogue
from fse.sheet import Beneficiary, Cause, Illness, Line
from gateway.simulator.adri import SimulatedRights
from gateway.simulator.judgement import Files, code_of_rule
from tests.fse import sheet_builders as build
from tests.gateway.accounts_bench import TODAY, CaisseBench, reasons
from tests.gateway.bench import ARTOIS, OPALE

if TYPE_CHECKING:
    from fse.sheet import Sheet

MARC = "1850362041999"
SERIAL = "990000000001"
COD, G, MEG = (
    Line(on=TODAY, code="COD", fee_cents=3500, rate_percent=100, amo_cents=3500),
    Line(on=TODAY, code="G", fee_cents=3000, rate_percent=70, amo_cents=2100),
    Line(on=TODAY, code="MEG", fee_cents=500, rate_percent=70, amo_cents=350),
)


def belongs_to(organism: str | None) -> Files:
    """Return the files of a caisse for which everybody belongs to ``organism``."""

    def affiliation(nir: str, on: date) -> str | None:
        assert (nir, on) == (MARC, TODAY)
        return organism

    return Files(affiliation=affiliation)


def opposed(serial: str, on: date) -> bool:
    """Oppose the card of Marc from the day of care on."""
    return serial == SERIAL and on >= TODAY


def consultation(number: int = 7, *lines: Line, **changes: object) -> Sheet:
    """Return a consultation under illness: G and MEG unless other lines are given."""
    facts = {"cover": Illness(), "lines": lines or (G, MEG), "number": number}
    return build.example_sheet(None, **(facts | changes))


def test_a_sound_sheet_is_paid() -> None:
    """Every act in full, by number, lot, day, nature and insured; no reason and no signal."""
    bench = CaisseBench(belongs_to(ARTOIS))
    bench.send(consultation())
    line = bench.answer()
    assert (line.kind, line.number, line.lot, line.lot_day) == (SheetKind.SECURED, 7, 1, TODAY)
    assert (line.outcome, line.requested_cents, line.paid_cents) == (Outcome.PAID, 2450, 2450)
    assert [(act.line, act.code, act.paid_cents) for act in line.acts] == [(1, "G", 2100), (2, "MEG", 350)]
    assert (line.nature, line.drawn_up_on, line.insured) == ("AS", TODAY, build.example_sheet().insured)
    assert (reasons(line), line.signals) == ([], ())


FOREIGN = build.cps("medecin", build.THEIRS)
AFTER_RECEIPT = datetime(2025, 3, 4, 20, tzinfo=UTC)
BROKEN: dict[str, tuple[bytes, str, str]] = {
    "content changed": (
        replace(build.secured(), payload=build.secured().payload.replace(b">3500<", b">3600<")).encode(),
        "9001",
        "SEAL-CONTENT",
    ),
    "vitale missing": (replace(build.secured(), patient=None).encode(), "9002", "SEAL-VITALE-MISSING"),
    "vitale of another family": (build.seal(patient=build.vitale("fictif")).encode(), "9002", "SEAL-PATIENT"),
    "card of a stranger": (build.seal(professional=FOREIGN).encode(), "9003", "TRUST-UNKNOWN"),
    "card without the right": (
        build.seal(professional=build.cps("medecin_sans_droit")).encode(),
        "9005",
        "SEAL-ENTITLEMENT",
    ),
    "signed after its receipt": (build.seal(at=AFTER_RECEIPT).encode(), "9007", "SEAL-TIME"),
    "no sheet": (b"?", "9007", "FILE-FORM"),
    "another lot": (build.seal(build.example_sheet(specification="1.31")).encode(), "9008", "LOT-MIXED"),
}


@pytest.mark.parametrize(("data", "code", "rule"), BROKEN.values(), ids=BROKEN)
def test_a_sheet_that_cannot_be_believed_is_rejected_without_its_acts(data: bytes, code: str, rule: str) -> None:
    """The code for the rule that it broke on reception, the rule as detail; amounts and identity are not repeated."""
    bench = CaisseBench()
    bench.send(data, numbers=(7,))
    line = bench.answer()
    assert (line.outcome, line.acts, line.insured, line.drawn_up_on) == (Outcome.REJECTED, (), None, None)
    assert reasons(line) == [(0, code, rule)]


def test_a_revoked_card_is_named_as_such() -> None:
    """Revoked when it signed the sheet: 9004. The lot is signed by another card, else all of it would be refused."""
    pki = build.new_pki()
    pki.revoke(build.vitale().certificate, datetime(2025, 3, 1, tzinfo=UTC))
    bench = CaisseBench(trust=type(build.trust()).load(build.trust_files(pki)))
    bench.send(consultation())
    assert reasons(bench.answer()) == [(0, "9004", "TRUST-REVOKED")]


def test_every_rule_of_a_seal_has_a_code_that_rejects_a_whole_sheet() -> None:
    """Whatever a sheet breaks on reception, a code of the table stands for it."""
    for rule in catalogue():
        known = rejections()[code_of_rule(rule)]
        assert (known.kind, known.level) == (RejectionKind.REJECTION, "F"), rule


WHOLE: dict[str, tuple[Files, Sheet, str, str]] = {
    "opposed card": (Files(opposed=opposed), consultation(), "9006", ""),
    "another caisse": (belongs_to(OPALE), consultation(), "9101", OPALE),
    "somebody unknown": (belongs_to(None), consultation(), "9201", ""),
}


@pytest.mark.parametrize(("files", "sheet", "code", "detail"), WHOLE.values(), ids=WHOLE)
def test_what_stands_against_the_whole_sheet(files: Files, sheet: Sheet, code: str, detail: str) -> None:
    """Nothing is paid, every act is rejected with the sheet; the wrong caisse names the right one."""
    bench = CaisseBench(files)
    bench.send(sheet)
    line = bench.answer()
    assert (line.outcome, line.paid_cents, line.requested_cents) == (Outcome.REJECTED, 0, 2450)
    assert reasons(line) == [(0, code, detail)]


def test_a_site_outside_the_convention_is_named() -> None:
    """SITE-01: a structure that no list holds on the day of care."""
    tables = Files().tables
    without = replace(tables, sites=replace(tables.sites, lines=(), numbers=()))
    bench = CaisseBench(Files(tables=without))
    bench.send(consultation())
    assert reasons(bench.answer()) == [(0, "9103", "629990003")]


@pytest.mark.parametrize(
    ("version", "outcome", "expected"),
    [
        # 1.40 came out on 15 January 2015: 1.31 was to be left by 15 July 2016
        ("1.31", Outcome.REJECTED, [(0, "9102", "1.31")]),
        ("9.99", Outcome.REJECTED, [(0, "9102", "9.99")]),
        ("1.40", Outcome.PAID, []),
    ],
)
def test_a_cahier_des_charges_lives_eighteen_months(
    version: str, outcome: Outcome, expected: list[tuple[int, str, str]]
) -> None:
    """VERS-02: a version that should have been left, or that nobody knows, is not accepted."""
    bench = CaisseBench()
    bench.send(consultation(specification=version), specification=version)
    line = bench.answer()
    assert (line.outcome, reasons(line), line.signals) == (outcome, expected, ())


@pytest.mark.parametrize(
    ("day", "outcome", "signals"),
    [
        # 1.50 comes out on 1 July 2026: 18 months end with 1 January 2028 (A44)
        (date(2026, 6, 30), Outcome.PAID, ()),
        (date(2026, 7, 1), Outcome.PAID, ("9702",)),
        (date(2028, 1, 1), Outcome.PAID, ("9702",)),
        (date(2028, 1, 2), Outcome.REJECTED, ()),
    ],
)
def test_the_last_day_of_a_version_is_included(day: date, outcome: Outcome, signals: tuple[str, ...]) -> None:
    """The day of drawing up decides: signalled as soon as a newer version is out, refused the day after the end."""
    bench = CaisseBench()
    bench.clock.move_to(datetime(day.year, day.month, day.day, 10, tzinfo=UTC))
    one = replace(G, on=day)
    sheet = consultation(7, one, drawn_up_on=day, delay_from=day, beneficiary=Beneficiary(None, date(2024, 6, 1), 1))
    sheet = replace(sheet, mode=replace(sheet.mode, cause=Cause.NO_CARD))
    bench.send(build.seal(sheet, at=bench.clock.now()).encode(), numbers=(7,), mode="degrade")
    bench.paper(PaperKind.TWIN, day)
    line = bench.answer(day + timedelta(days=20))
    assert (line.outcome, line.signals) == (outcome, signals)


def test_a_sheet_that_comes_late_is_judged_like_any_other() -> None:
    """A5: Friday 14 March is the 8th jour ouvré; on Monday 17 it is signalled (9701), and paid all the same."""
    for day, signals in ((14, ()), (17, ("9701",))):
        bench = CaisseBench()
        data = build.seal(consultation()).encode()
        bench.clock.move_to(datetime(2025, 3, day, 10, tzinfo=UTC))
        bench.send(data, numbers=(7,))
        line = bench.answer(date(2025, 4, 10))
        assert (line.outcome, line.signals) == (Outcome.PAID, signals)


def test_rights_are_asked_for_on_the_day_of_each_act() -> None:
    """Rights that ended on 3 March: the act of that day is paid, that of the 4th rejected (9202)."""
    rights = SimulatedRights({MARC: ((date(2020, 1, 1), date(2025, 3, 3)),)})
    bench = CaisseBench(Files(rights=rights))
    bench.send(consultation(7, replace(G, on=date(2025, 3, 3)), replace(MEG, on=date(2025, 3, 3)), G))
    line = bench.answer()
    assert (line.outcome, line.paid_cents) == (Outcome.PARTLY_PAID, 2450)
    assert reasons(line) == [(3, "9202", "")]


def test_rights_that_nobody_can_tell_are_examined() -> None:
    """Deferred once (9501), said once, and paid on the first accounting day on which the service answers."""
    rights = SimulatedRights({MARC: ((date(2020, 1, 1), date(2025, 12, 31)),)}, down=True)
    bench = CaisseBench(Files(rights=rights))
    bench.send(consultation())
    first = bench.answer()
    assert (first.outcome, first.paid_cents, reasons(first)) == (Outcome.DEFERRED, 0, [(0, "9501", "")])
    assert bench.close(date(2025, 3, 25)) is None
    rights.down = False
    assert bench.answer(date(2025, 3, 26)).outcome is Outcome.PAID


def test_an_act_that_was_paid_is_not_paid_again() -> None:
    """Same child, day, professional and act under another number: 9402 names the sheet that was paid."""
    bench = CaisseBench()
    bench.send(build.example_sheet(number=7), build.example_sheet(number=8, order=2))
    first, second = bench.returned().sheets
    assert (first.outcome, second.outcome) == (Outcome.PAID, Outcome.REJECTED)
    assert reasons(second) == [(1, "9402", "000000007")]


def test_what_differs_in_one_thing_is_no_double() -> None:
    """Another child, another day, another act: all paid. A rejected act does not stand in the way of its correction."""
    bench = CaisseBench()
    monday = date(2025, 3, 3)
    bench.send(
        consultation(7, replace(G, code="XYZ")),
        consultation(8, G, order=2),
        consultation(9, replace(G, on=monday), order=3),
        consultation(10, MEG, order=4),
    )
    outcomes = [line.outcome for line in bench.returned().sheets]
    assert outcomes == [Outcome.REJECTED, Outcome.PAID, Outcome.PAID, Outcome.PAID]


def test_acts_that_do_not_go_together_are_not_paid_together() -> None:
    """One examination a day: the second is rejected (9304) and names the first; a supplement alone names its act."""
    bench = CaisseBench()
    bench.send(consultation(7, replace(COD, exemption="3"), G), consultation(8, replace(MEG, on=date(2025, 3, 3))))
    first, second = bench.returned().sheets
    assert (first.paid_cents, reasons(first)) == (3500, [(2, "9304", "COD")])
    assert (second.paid_cents, reasons(second)) == (0, [(1, "9304", "G")])


def test_secret_care_names_nobody() -> None:
    """Contraception of a minor, number …042: no rights and no affiliation to look up, and no number in the return."""
    bench = CaisseBench(belongs_to(None))
    line = Line(on=TODAY, code="CCP", fee_cents=4750, rate_percent=100, amo_cents=4750)
    sheet = build.example_sheet(
        Cause.SECRET,
        titre="II",
        insured=Nir.parse("2555555999042"),
        beneficiary=Beneficiary(birth_date=date(2009, 2, 1), birth_rank=1),
        lines=(line,),
    )
    bench.send(sheet, mode="degrade")
    bench.paper(PaperKind.TWIN)
    found = bench.answer()
    assert (found.outcome, found.paid_cents, found.insured) == (Outcome.PAID, 4750, None)


def test_a_sheet_that_a_return_cannot_repeat_is_rejected() -> None:
    """An act of 1999, which two digits of a year would make one of 2099: rejected as a whole; the day goes on."""
    bench = CaisseBench()
    bench.send(consultation(7, replace(G, on=date(1999, 3, 4)), G), consultation(8))
    first, second = bench.returned().sheets
    assert (first.acts, reasons(first)) == ((), [(0, "9007", "date")])
    assert second.outcome is Outcome.PAID
