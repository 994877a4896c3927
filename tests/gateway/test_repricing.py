"""
The caisse prices each act anew from what the sheet says: amounts worked by hand from the public tariffs.

On 4 March 2025: COD 35.00 at 100 % (exempted, code 3), COE 54.00, G 30.00 at 70 %, MEG 5.00 at 70 %, midwife C 23.00
and MSF 3.50 at 70 %, SP 12 = 38.40 at 70 %, EPP = C 2.5 = 57.50 in maternity, FHV 74.00, FMV 83.57 before the 6th week
and 96.53 in the 6th and 7th, CCP 47.50. Before 22 December 2024: COD 31.50, G 26.50.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from fse.act_table import act_table
from fse.identifiers import Nir
from fse.noemie import ActState, rejections
from fse.noemie.rejections import RejectionKind
from fse.rules import catalogue
from fse.sheet import Accident, Beneficiary, Illness, Line, Maternity, MaternityFrom
from gateway.simulator.repricing import CODES, reprice
from tests.fse import sheet_builders as build

if TYPE_CHECKING:
    from fse.noemie import ActReturn
    from fse.sheet import Sheet

DAY = build.TODAY
EMMA = date(2021, 5, 2)
NOVEMBER = date(2024, 11, 12)
DELIVERED = Maternity(MaternityFrom.DELIVERY, date(2025, 2, 26))
EXPECTING = Maternity(MaternityFrom.PREGNANCY_START, date(2024, 8, 1))


def line(code: str, fee: int, rate: int, amo: int, **changes: Any) -> Line:  # noqa: ANN401 - items of any type
    """Return one line of a sheet."""
    return replace(Line(on=DAY, code=code, fee_cents=fee, rate_percent=rate, amo_cents=amo), **changes)


def sheet(*lines: Line, profession: str = "medecin", **changes: Any) -> Sheet:  # noqa: ANN401 - items of any type
    """Return a sheet with these lines, under illness without exemption unless changed."""
    who = replace(build.example_sheet().professional, profession=profession)
    return build.example_sheet(None, **{"cover": Illness(), "professional": who, "lines": lines} | changes)


def priced(one: Sheet, born: date | None = EMMA, rank: int = 1, *, local_scheme: bool = False) -> ActReturn:
    """Return what the caisse answers of the act of that rank."""
    return reprice(rank, one, act_table(), born, local_scheme=local_scheme).answer


EXEMPT = Illness("3")
MIDWIFE = "sage-femme"
# name: sheet, birth date known, paid cents, base, rate
PAID: dict[str, tuple[Sheet, date | None, int, int, int]] = {
    "child examination": (sheet(line("COD", 3500, 100, 3500), cover=EXEMPT), EMMA, 3500, 3500, 100),
    "consultation": (sheet(line("G", 3000, 70, 2100)), EMMA, 2100, 3000, 70),
    "supplement": (sheet(line("MEG", 500, 70, 350)), EMMA, 350, 500, 70),
    "twice the letter": (sheet(line("G", 6000, 70, 4200, quantity=2)), EMMA, 4200, 6000, 70),
    "midwife": (sheet(line("C", 2300, 70, 1610), profession=MIDWIFE), None, 1610, 2300, 70),
    "supplement of a midwife": (sheet(line("MSF", 350, 70, 245), profession=MIDWIFE), None, 245, 350, 70),
    "half a cent goes up": (sheet(line("G", 25, 70, 18)), EMMA, 18, 25, 70),
    "letter and coefficient": (
        sheet(line("SP", 3840, 70, 2688, coefficient=Decimal(12)), profession=MIDWIFE),
        None,
        2688,
        3840,
        70,
    ),
    "the same letter, another act": (
        sheet(line("C", 5750, 100, 5750, coefficient=Decimal("2.50")), cover=EXPECTING),
        date(1990, 7, 21),
        5750,
        5750,
        100,
    ),
    "maternity after delivery": (
        sheet(line("C", 2300, 100, 2300), profession=MIDWIFE, cover=DELIVERED),
        date(1990, 7, 21),
        2300,
        2300,
        100,
    ),
    "maternity from the 6th month": (
        sheet(line("C", 2300, 100, 2300), profession=MIDWIFE, cover=EXPECTING),
        date(1990, 7, 21),
        2300,
        2300,
        100,
    ),
    "newborn": (sheet(line("COE", 5400, 100, 5400), cover=DELIVERED), date(2025, 2, 26), 5400, 5400, 100),
    "ivg, week unknown to the caisse": (
        sheet(line("FMV", 9653, 100, 9653), cover=EXEMPT, titre="II"),
        date(1990, 7, 21),
        9653,
        9653,
        100,
    ),
    "ivg, the cheaper forfait": (
        sheet(line("FMV", 8357, 100, 8357), cover=EXEMPT, titre="II"),
        date(1990, 7, 21),
        8357,
        8357,
        100,
    ),
    "age unknown, examination of a child": (sheet(line("COE", 5400, 100, 5400), cover=EXEMPT), None, 5400, 5400, 100),
    "age unknown, supplement for a child": (sheet(line("MEG", 500, 70, 350)), None, 350, 500, 70),
    "consultation of a child in titre II": (
        sheet(line("CCP", 4750, 100, 4750), cover=EXEMPT, titre="II"),
        None,
        4750,
        4750,
        100,
    ),
    "paediatrician, whom the sheet does not tell": (
        sheet(line("COK", 3500, 100, 3500), cover=EXEMPT),
        EMMA,
        3500,
        3500,
        100,
    ),
    "exemption of its own line": (sheet(line("COD", 3500, 100, 3500, exemption="3")), EMMA, 3500, 3500, 100),
    "tariff of its day": (sheet(line("G", 2650, 70, 1855, on=NOVEMBER)), EMMA, 1855, 2650, 70),
    "less than the tariff": (sheet(line("G", 2500, 70, 1750)), EMMA, 1750, 2500, 70),
    "less than its part": (sheet(line("G", 3000, 70, 2000)), EMMA, 2000, 3000, 70),
}


@pytest.mark.parametrize(("one", "born", "paid", "base", "rate"), PAID.values(), ids=PAID)
def test_what_is_asked_for_rightly_is_paid(one: Sheet, born: date | None, paid: int, base: int, rate: int) -> None:
    """Paid in full, with base and rate of the table, whatever the caisse cannot know."""
    found = priced(one, born)
    assert (found.state, found.paid_cents, found.base_cents, found.rate_percent) == (ActState.PAID, paid, base, rate)
    assert found.reasons == ()
    assert found.requested_cents == one.lines[0].amo_cents


REDUCED: dict[str, tuple[Sheet, int, list[str]]] = {
    # the tariff of 22 December 2024, used in November: 30.00 for 26.50; 70 % of 26.50 = 18.55
    "above the tariff of its day": (sheet(line("G", 3000, 70, 2100, on=NOVEMBER)), 1855, ["9306"]),
    # 100 % of 30.00 asked for, 70 % due
    "above the rate": (sheet(line("G", 3000, 100, 3000)), 2100, ["9307"]),
    "an exemption of nobody's": (
        sheet(line("G", 3000, 100, 3000), cover=Illness("4")),
        2100,
        ["9203"],
    ),
    "an exemption written beside the act": (sheet(line("G", 3000, 100, 3000, exemption="4")), 2100, ["9203"]),
    "above tariff and rate": (sheet(line("G", 4000, 100, 4000)), 2100, ["9306", "9307"]),
    "one cent too many": (sheet(line("G", 3000, 70, 2101)), 2100, ["9307"]),
    # two of 35.00 billed as 71.00
    "above twice the tariff": (
        sheet(line("COD", 7100, 100, 7100, quantity=2), cover=EXEMPT),
        7000,
        ["9306"],
    ),
}


@pytest.mark.parametrize(("one", "paid", "codes"), REDUCED.values(), ids=REDUCED)
def test_what_is_asked_for_too_much_is_reduced(one: Sheet, paid: int, codes: list[str]) -> None:
    """Paid at the tariff and the rate of the day of care, with the code that says which of the two."""
    found = priced(one)
    assert (found.state, found.paid_cents, [why.code for why in found.reasons]) == (ActState.PAID, paid, codes)


REJECTED: dict[str, tuple[Sheet, date | None, str, str]] = {
    "outside the table": (sheet(line("XYZ", 3000, 70, 2100)), EMMA, "9301", "PRICING-UNKNOWN"),
    "a coefficient that no act has": (
        sheet(line("C", 6900, 70, 4830, coefficient=Decimal(3)), profession=MIDWIFE),
        None,
        "9301",
        "PRICING-UNKNOWN",
    ),
    "not in force yet": (
        sheet(line("COK", 3500, 100, 3500, on=NOVEMBER), cover=EXEMPT),
        EMMA,
        "9301",
        "PRICING-PERIOD",
    ),
    "paid on another form": (sheet(line("VACCIN", 2000, 65, 1300)), EMMA, "9301", "PRICING-PAPER"),
    "another titre": (sheet(line("COD", 3500, 100, 3500), cover=EXEMPT, titre="II"), EMMA, "9301", "PRICING-TITRE"),
    "another profession": (
        sheet(line("COD", 3500, 100, 3500), cover=EXEMPT, profession=MIDWIFE),
        EMMA,
        "9302",
        "PRICING-PROFESSION",
    ),
    "outside its age": (sheet(line("COE", 5400, 100, 5400), cover=EXEMPT), EMMA, "9303", "PRICING-AGE"),
    "six years": (sheet(line("G", 3000, 70, 2100)), date(2019, 3, 4), "9303", "PRICING-CHILD"),
    "no delivery to count from": (
        sheet(line("SFR", 4500, 100, 4500), profession=MIDWIFE),
        None,
        "9303",
        "PRICING-FACT",
    ),
    "born after the act": (sheet(line("G", 3000, 70, 2100)), date(2025, 3, 5), "9303", "PRICING-DATES"),
    "maternity claimed before the 6th month": (
        sheet(
            line("C", 2300, 100, 2300),
            profession=MIDWIFE,
            cover=Maternity(MaternityFrom.PREGNANCY_START, date(2024, 12, 1)),
        ),
        date(1990, 7, 21),
        "9305",
        "maladie",
    ),
    "illness claimed for maternity care": (
        sheet(line("C", 5750, 100, 5750, coefficient=Decimal("2.5"))),
        date(1990, 7, 21),
        "9305",
        "maternite",
    ),
    "a work accident": (sheet(line("G", 3000, 100, 3000), cover=Accident(on=DAY)), EMMA, "9305", "maladie"),
}


@pytest.mark.parametrize(("one", "born", "code", "detail"), REJECTED.values(), ids=REJECTED)
def test_what_is_not_paid_says_why(one: Sheet, born: date | None, code: str, detail: str) -> None:
    """Rejected with the code of our table, and the rule of pricing or the right nature as its detail."""
    found = priced(one, born)
    assert (found.state, found.paid_cents) == (ActState.REJECTED, 0)
    assert [(why.code, why.detail) for why in found.reasons] == [(code, detail)]


def test_a_member_of_the_regime_local_is_paid_at_its_rate() -> None:
    """90 % of 30.00 for a member that the caisse has in its file; the same sheet of another is brought down to 70 %."""
    one = sheet(line("G", 3000, 90, 2700))
    assert priced(one, local_scheme=True).paid_cents == 2700
    assert [why.code for why in priced(one).reasons] == ["9307"]


def test_the_second_act_is_priced_like_the_first() -> None:
    """The rank counts from 1 and is the line of the answer."""
    one = sheet(line("G", 3000, 70, 2100), line("MEG", 500, 70, 350))
    found = priced(one, rank=2)
    assert (found.line, found.code, found.paid_cents) == (2, "MEG", 350)


def test_somebody_known_by_nir_alone_has_no_age_here() -> None:
    """A beneficiary with a NIR of his own, no card: his age is in doubt, and the doubt is for the biller."""
    who = Beneficiary(nir=Nir.parse("286016204199449"))
    one = sheet(line("COD", 3500, 100, 3500), cover=EXEMPT, beneficiary=who)
    assert priced(one, None).paid_cents == 3500


def test_every_rule_of_pricing_has_its_code() -> None:
    """A rule of pricing that is added needs a code of the table, but for the one that the caisse cannot check."""
    rules = {one for one in catalogue() if one.startswith("PRICING-")}
    assert rules - set(CODES) == {"PRICING-SECRET"}
    assert set(CODES) <= rules
    assert {rejections()[code].kind for code in CODES.values()} == {RejectionKind.REJECTION}
