"""Prices: both sides of each change of tariff, worked by hand from the published amounts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.act_table import ActTable, act_table
from fse.pricing import PricedAct, PricingError, PricingQuestion, price

TABLE = act_table()
FICTITIOUS = act_table("tables_fictitious")


def ask(code: str, on: str, profession: str = "medecin", table: ActTable = TABLE, **facts: Any) -> PricedAct:  # noqa: ANN401 - facts of any type
    """Return the price of an act; dates among the facts are ISO texts."""
    known: dict[str, Any] = {
        name: date.fromisoformat(value) if isinstance(value, str) else value for name, value in facts.items()
    }
    return price(PricingQuestion(code=code, on=date.fromisoformat(on), profession=profession, **known), table)


def refused(code: str, on: str, profession: str = "medecin", table: ActTable = TABLE, **facts: Any) -> PricingError:  # noqa: ANN401 - facts of any type
    """Return the refusal of an act; its messages must be complete in both languages."""
    with pytest.raises(PricingError) as caught:
        ask(code, on, profession, table, **facts)
    assert caught.value.message("fr") != caught.value.message("en")
    return caught.value


SAGE = "sage-femme"
NEW = "beneficiary_birth_date"
CHILD: dict[str, Any] = {NEW: "2020-06-15"}
BABY: dict[str, Any] = {NEW: "2024-04-10"}
PEDIATRICIAN: dict[str, Any] = {"pediatrician": True}

# code, day, profession, facts, price of one act, rate, part of the compulsory insurance
STEPS: list[tuple[str, str, str, dict[str, Any], int, int, int]] = [
    ("G", "2017-05-01", "medecin", {}, 2500, 70, 1750),
    ("G", "2023-10-31", "medecin", {}, 2500, 70, 1750),
    ("G", "2023-11-01", "medecin", {}, 2650, 70, 1855),
    ("G", "2024-12-21", "medecin", {}, 2650, 70, 1855),
    ("G", "2024-12-22", "medecin", {}, 3000, 70, 2100),
    ("MEG", "2025-03-04", "medecin", CHILD, 500, 70, 350),
    ("COE", "2017-10-31", "medecin", {NEW: "2017-01-20"}, 3900, 100, 3900),
    ("COE", "2017-11-01", "medecin", {NEW: "2017-01-20"}, 4600, 100, 4600),
    ("COE", "2023-10-31", "medecin", {NEW: "2023-02-01"}, 4600, 100, 4600),
    ("COE", "2023-11-01", "medecin", {NEW: "2023-02-01"}, 4750, 100, 4750),
    ("COE", "2024-12-21", "medecin", BABY, 4750, 100, 4750),
    ("COE", "2024-12-22", "medecin", BABY, 5400, 100, 5400),
    ("COE", "2025-06-30", "medecin", {NEW: "2024-10-01"}, 5400, 100, 5400),
    ("COE", "2025-07-01", "medecin", {NEW: "2024-10-01"}, 6000, 100, 6000),
    ("COE", "2025-03-04", "medecin", {NEW: "2023-03-04"} | PEDIATRICIAN, 5400, 100, 5400),
    ("COD", "2019-09-01", "medecin", {NEW: "2016-09-01"}, 3000, 100, 3000),
    ("COD", "2023-10-31", "medecin", CHILD, 3000, 100, 3000),
    ("COD", "2023-11-01", "medecin", CHILD, 3150, 100, 3150),
    ("COD", "2024-12-21", "medecin", CHILD, 3150, 100, 3150),
    ("COD", "2024-12-22", "medecin", CHILD, 3500, 100, 3500),
    ("COH", "2023-10-31", "medecin", {NEW: "2023-08-31"} | PEDIATRICIAN, 3200, 100, 3200),
    ("COH", "2023-11-01", "medecin", {NEW: "2023-08-31"} | PEDIATRICIAN, 3850, 100, 3850),
    ("COH", "2024-12-21", "medecin", CHILD | PEDIATRICIAN, 3850, 100, 3850),
    ("COK", "2024-12-22", "medecin", CHILD | PEDIATRICIAN, 3500, 100, 3500),
    ("COH", "2024-12-22", "medecin", {NEW: "2024-10-22"} | PEDIATRICIAN, 4500, 100, 4500),
    ("COH", "2025-06-30", "medecin", {NEW: "2025-03-30"} | PEDIATRICIAN, 4500, 100, 4500),
    ("COH", "2025-07-01", "medecin", {NEW: "2025-03-30"} | PEDIATRICIAN, 5000, 100, 5000),
    ("C", "2018-12-31", SAGE, {}, 2100, 70, 1470),
    ("C", "2019-01-01", SAGE, {}, 2300, 70, 1610),
    ("MSF", "2024-02-21", SAGE, {}, 200, 70, 140),
    ("MSF", "2024-02-22", SAGE, {}, 350, 70, 245),
    ("EPP", "2025-03-04", "medecin", {}, 5750, 100, 5750),
    ("SP12", "2024-02-21", SAGE, {}, 3600, 70, 2520),
    ("SP12", "2024-02-22", SAGE, {}, 3720, 70, 2604),
    ("SP12", "2024-12-31", SAGE, {}, 3720, 70, 2604),
    ("SP12", "2025-01-01", SAGE, {}, 3840, 70, 2688),
    ("SP14", "2022-07-01", SAGE, {}, 4200, 70, 2940),
    ("SP14", "2024-02-22", SAGE, {}, 4340, 70, 3038),
    ("SP14", "2025-01-01", SAGE, {}, 4480, 70, 3136),
    ("SFR", "2025-03-04", SAGE, {"delivery_date": "2025-02-20"}, 4500, 100, 4500),
    ("CCP", "2024-02-21", SAGE, {NEW: "2007-05-05"}, 4600, 100, 4600),
    ("CCP", "2024-02-22", SAGE, {NEW: "2007-05-05"}, 4750, 100, 4750),
    ("CCP", "2025-03-04", "medecin", {NEW: "1999-03-05"}, 4750, 100, 4750),
    ("IC", "2024-03-01", "medecin", {}, 2500, 100, 2500),
    ("IC", "2024-03-02", SAGE, {}, 2650, 100, 2650),
    ("FHV", "2024-03-01", SAGE, {"weeks_of_pregnancy": 5}, 5000, 100, 5000),
    ("FHV", "2024-03-02", "medecin", {"weeks_of_pregnancy": 7}, 7400, 100, 7400),
    ("FMV", "2019-12-18", "medecin", {"weeks_of_pregnancy": 5}, 8357, 100, 8357),
    ("FMV", "2024-03-01", "medecin", {"weeks_of_pregnancy": 6}, 8357, 100, 8357),
    ("FMV", "2024-03-02", "medecin", {"weeks_of_pregnancy": 5}, 8357, 100, 8357),
    ("FMV", "2024-03-02", "medecin", {"weeks_of_pregnancy": 6}, 9653, 100, 9653),
    ("FMV", "2025-03-04", SAGE, {"weeks_of_pregnancy": 7}, 9653, 100, 9653),
    ("FMV", "2025-03-04", SAGE, {"pregnancy_start": "2025-01-29"}, 8357, 100, 8357),
    ("FMV", "2025-03-05", SAGE, {"pregnancy_start": "2025-01-29"}, 9653, 100, 9653),
]


@pytest.mark.parametrize(("code", "on", "profession", "facts", "unit", "rate", "amo"), STEPS)
def test_price_on_each_side_of_a_step(
    code: str, on: str, profession: str, facts: dict[str, Any], unit: int, rate: int, amo: int
) -> None:
    """Each act costs what the published tariff of its day says, and the patient pays nothing."""
    priced = ask(code, on, profession, **facts)
    assert (priced.unit_cents, priced.rate_percent, priced.amo_cents) == (unit, rate, amo)
    assert (priced.cents, priced.complement_cents, priced.patient_cents) == (unit, unit - amo, 0)


@pytest.mark.parametrize(
    ("code", "on", "profession", "facts", "nature", "exemption", "titre"),
    [
        ("COE", "2025-03-04", "medecin", {NEW: "2025-02-26"}, "maternite", "0", "I"),
        ("COE", "2025-03-04", "medecin", {NEW: "2024-06-04"}, "maladie", "3", "I"),
        ("COE", "2025-03-04", "medecin", {NEW: "2023-03-04"}, "maladie", "3", "I"),
        ("COE", "2019-08-31", "medecin", {NEW: "2018-12-01"}, "maternite", "0", "I"),
        ("COE", "2019-09-01", "medecin", {NEW: "2018-12-01"}, "maladie", "3", "I"),
        ("COD", "2025-03-04", "medecin", {NEW: "2025-02-04"}, "maladie", "3", "I"),
        ("EPP", "2025-03-04", "medecin", {}, "maternite", "0", "I"),
        ("G", "2025-03-04", "medecin", {}, "maladie", "0", "I"),
        ("IC", "2025-03-04", "medecin", {}, "maladie", "3", "II"),
        ("FMV", "2025-03-04", SAGE, {"pregnancy_start": "2025-02-01"}, "maladie", "3", "II"),
        ("CCP", "2025-03-04", SAGE, {NEW: "2007-05-05"}, "maladie", "3", "II"),
    ],
)
def test_nature_and_exemption(
    code: str, on: str, profession: str, facts: dict[str, Any], nature: str, exemption: str, titre: str
) -> None:
    """The nature d'assurance, exemption code and titre follow the act and its day."""
    priced = ask(code, on, profession, **facts)
    assert (priced.nature, priced.exemption, priced.titre) == (nature, exemption, titre)


@pytest.mark.parametrize(
    ("on", "facts", "nature", "rate"),
    [
        # pregnancy presumed to begin on 10 October 2024: the 6th month begins on 10 March 2025
        ("2025-03-09", {"pregnancy_start": "2024-10-10"}, "maladie", 70),
        ("2025-03-10", {"pregnancy_start": "2024-10-10"}, "maternite", 100),
        # 30 September has no like in February: the last day of that month
        ("2025-02-27", {"pregnancy_start": "2024-09-30"}, "maladie", 70),
        ("2025-02-28", {"pregnancy_start": "2024-09-30"}, "maternite", 100),
        # delivered on 2 July 2025: the 12th day after it is 14 July
        ("2025-07-02", {"pregnancy_start": "2024-10-10", "delivery_date": "2025-07-02"}, "maternite", 100),
        ("2025-07-14", {"pregnancy_start": "2024-10-10", "delivery_date": "2025-07-02"}, "maternite", 100),
        ("2025-07-15", {"pregnancy_start": "2024-10-10", "delivery_date": "2025-07-02"}, "maladie", 70),
        ("2025-07-14", {"delivery_date": "2025-07-02"}, "maternite", 100),
        ("2025-07-15", {"delivery_date": "2025-07-02"}, "maladie", 70),
        ("2025-07-01", {"delivery_date": "2025-07-02"}, "maladie", 70),
        ("2025-05-02", {"pregnancy_start": "2024-10-10", "delivery_date": "2025-07-02"}, "maternite", 100),
        # delivered before the 6th month: cover begins at delivery
        ("2025-02-20", {"pregnancy_start": "2024-10-10", "delivery_date": "2025-02-20"}, "maternite", 100),
        ("2025-02-19", {"pregnancy_start": "2024-10-10", "delivery_date": "2025-02-20"}, "maladie", 70),
        # no delivery known: 300 days and 12 more, 10 October 2024 + 312 days = 18 August 2025
        ("2025-08-18", {"pregnancy_start": "2024-10-10"}, "maternite", 100),
    ],
)
@pytest.mark.parametrize(("code", "profession"), [("G", "medecin"), ("C", SAGE), ("SP12", SAGE)])
def test_maternity_period(on: str, facts: dict[str, Any], nature: str, rate: int, code: str, profession: str) -> None:
    """Titre I care is maternité at 100 % from the 6th month to the 12th day after delivery, both included."""
    priced = ask(code, on, profession, **facts)
    assert (priced.nature, priced.rate_percent) == (nature, rate)
    assert (priced.complement_cents == 0) is (rate == 100)


def test_pregnancy_that_never_ends() -> None:
    """Long after its start a pregnancy needs a date of delivery."""
    error = refused("G", "2025-08-19", pregnancy_start="2024-10-10")
    assert error.rule.id == "PRICING-PREGNANCY"
    assert ask("G", "2025-08-19", pregnancy_start="2024-10-10", delivery_date="2025-07-10").nature == "maladie"


def test_a_child_is_not_priced_as_its_mother() -> None:
    """An examination of a child stays maladie, whatever pregnancy dates come with it."""
    priced = ask("COD", "2025-03-04", beneficiary_birth_date="2025-02-04", delivery_date="2025-02-25")
    assert (priced.nature, priced.exemption) == ("maladie", "3")


@pytest.mark.parametrize(
    ("birth", "nature"), [("2025-02-20", "maternite"), ("2025-02-19", "maladie"), ("2025-03-04", "maternite")]
)
def test_consultation_of_a_newborn(birth: str, nature: str) -> None:
    """A consultation up to day 12 of life is maternité, from day 13 maladie."""
    for code in ("G", "MEG"):
        assert ask(code, "2025-03-04", beneficiary_birth_date=birth).nature == nature


@pytest.mark.parametrize(
    ("code", "birth", "right"),
    [
        # ages on 4 March 2025
        ("COD", "2025-02-26", "COE"),
        ("COD", "2025-02-24", "COE"),
        ("COD", "2025-02-23", "G, MEG"),
        ("COE", "2025-02-23", "G, MEG"),
        ("COE", "2025-02-20", "G, MEG"),
        ("COE", "2025-02-19", "COD"),
        ("COE", "2024-07-05", "COD"),
        ("COD", "2024-07-04", "COE"),
        ("COD", "2024-05-05", "COE"),
        ("COE", "2024-05-04", "COD"),
        ("COE", "2023-04-05", "COD"),
        ("COD", "2023-04-04", "COE"),
        ("COD", "2023-02-05", "COE"),
        ("COE", "2023-02-04", "COD"),
        ("COE", "2019-03-05", "COD"),
    ],
)
def test_a_wrong_age_names_the_right_code(code: str, birth: str, right: str) -> None:
    """The refusal of an examination outside its ages names the code that fits; each boundary on both sides."""
    error = refused(code, "2025-03-04", beneficiary_birth_date=birth)
    assert (error.rule.id, error.facts["right"]) == ("PRICING-AGE", right)
    for fitting in right.split(", "):
        assert ask(fitting, "2025-03-04", beneficiary_birth_date=birth).code == fitting


@pytest.mark.parametrize(
    ("code", "profession", "facts", "rule"),
    [
        ("ZZ1", "medecin", {}, "PRICING-UNKNOWN"),
        ("G", SAGE, {}, "PRICING-PROFESSION"),
        ("C", "medecin", {}, "PRICING-PROFESSION"),
        ("EPP", SAGE, {}, "PRICING-PROFESSION"),
        ("G", "infirmier", {}, "PRICING-PROFESSION"),
        ("G", "dentiste", {}, "PRICING-PROFESSION"),
        ("COD", "medecin", CHILD | PEDIATRICIAN, "PRICING-PEDIATRICIAN"),
        ("COH", "medecin", {NEW: "2024-12-04"}, "PRICING-PEDIATRICIAN"),
        ("COD", "medecin", {}, "PRICING-FACT"),
        ("FMV", "medecin", {}, "PRICING-FACT"),
        ("SFR", SAGE, {}, "PRICING-FACT"),
        ("FMV", "medecin", {"weeks_of_pregnancy": 8}, "PRICING-WEEK"),
        ("FHV", SAGE, {"weeks_of_pregnancy": 8}, "PRICING-WEEK"),
        ("FMV", "medecin", {"pregnancy_start": "2025-03-05"}, "PRICING-WEEK"),
        ("SFR", SAGE, {"delivery_date": "2025-02-19"}, "PRICING-DELIVERY"),
        ("SFR", SAGE, {"delivery_date": "2025-03-05"}, "PRICING-DELIVERY"),
        ("CCP", SAGE, {NEW: "1999-03-04"}, "PRICING-AGE"),
        ("COD", "medecin", {NEW: "2019-03-04"}, "PRICING-CHILD"),
        ("MEG", "medecin", {NEW: "2019-03-04"}, "PRICING-CHILD"),
        ("VACCIN", SAGE, {}, "PRICING-PAPER"),
        ("IST", "medecin", {}, "PRICING-PAPER"),
        ("G", "medecin", {"quantity": 0}, "PRICING-QUANTITY"),
        ("G", "medecin", {"quantity": 100}, "PRICING-QUANTITY"),
        ("G", "medecin", {NEW: "2025-03-05"}, "PRICING-DATES"),
        ("G", "medecin", {"pregnancy_start": "2025-01-02", "delivery_date": "2025-01-01"}, "PRICING-DATES"),
    ],
)
def test_refusals(code: str, profession: str, facts: dict[str, Any], rule: str) -> None:
    """Each thing that stands against a price has its own rule, on 4 March 2025."""
    assert refused(code, "2025-03-04", profession, **facts).rule.id == rule


@pytest.mark.parametrize(
    ("code", "on", "profession", "facts"),
    [
        ("COK", "2024-12-21", "medecin", CHILD | PEDIATRICIAN),
        ("COD", "2019-08-31", "medecin", {NEW: "2016-09-01"}),
        ("SFR", "2023-09-28", SAGE, {"delivery_date": "2023-09-25"}),
        ("SP12", "2022-06-30", SAGE, {}),
        ("G", "2017-04-30", "medecin", {}),
        ("FMV", "2019-12-17", "medecin", {"weeks_of_pregnancy": 5}),
    ],
)
def test_the_day_before_a_code_exists(code: str, on: str, profession: str, facts: dict[str, Any]) -> None:
    """A code does not price an act done before its first tariff."""
    assert refused(code, on, profession, **facts).rule.id == "PRICING-PERIOD"


def test_refusals_say_what_to_do() -> None:
    """A refusal carries the form, the allowed professions, the missing fact or the code of the right speciality."""
    assert refused("VACCIN", "2025-03-04").facts["form"] == "708"
    assert refused("IST", "2025-03-04").facts["form"] == "709"
    assert refused("IC", "2025-03-04", "infirmier").facts["allowed"] == "medecin, sage-femme"
    assert refused("COD", "2025-03-04").facts["field"] == "beneficiary_birth_date"
    assert refused("FMV", "2025-03-04").facts["field"] == "weeks_of_pregnancy"
    assert refused("SFR", "2025-03-04", SAGE).facts["field"] == "delivery_date"
    assert refused("COD", "2025-03-04", **(CHILD | PEDIATRICIAN)).facts["right"] == "COK"
    assert refused("COH", "2025-03-04", beneficiary_birth_date="2024-12-04").facts["right"] == "COD"
    assert refused("ZZ2", "2025-03-04", table=FICTITIOUS, beneficiary_birth_date="2005-01-01").facts["right"] == "ZZ1"
    assert refused("ZZ5", "2025-03-04", SAGE, FICTITIOUS, delivery_date="2025-01-01").facts["right"] == "ZZ1"


def test_a_refusal_without_any_fitting_code() -> None:
    """When no code of the table fits, the refusal does not invent one."""
    alone = ActTable(FICTITIOUS.version, FICTITIOUS.acts("ZZ2"), ())
    assert refused("ZZ2", "2025-03-04", table=alone, beneficiary_birth_date="2005-01-01").facts["right"] == "-"


@pytest.mark.parametrize(
    ("on", "quantity", "cents", "amo"),
    [
        ("2024-07-01", 1, 1101, 771),
        ("2024-07-01", 5, 5505, 3854),
        ("2024-07-01", 3, 3303, 2312),
        ("2024-06-30", 2, 2000, 1400),
    ],
)
def test_rounding_half_up_once_for_the_line(on: str, quantity: int, cents: int, amo: int) -> None:
    """70 % of 11.01 is 7.707; of 55.05 it is 38.535, half a cent goes up; the line is rounded once."""
    priced = ask("ZZ1", on, table=FICTITIOUS, quantity=quantity)
    assert (priced.cents, priced.amo_cents, priced.complement_cents) == (cents, amo, cents - amo)


@given(
    st.dates(date(2017, 5, 1), date(2030, 1, 1)), st.integers(1, 99), st.sampled_from(["G", "C", "MSF", "IC", "EPP"])
)
def test_parts_add_up(on: date, quantity: int, code: str) -> None:
    """The two parts are never negative and add up to the price, which is the unit times the quantity."""
    profession = SAGE if code in {"C", "MSF"} else "medecin"
    if code in {"MSF", "IC"}:
        on = max(on, date(2019, 12, 18))
    priced = price(PricingQuestion(code=code, on=on, profession=profession, quantity=quantity), TABLE)
    assert priced.cents == priced.unit_cents * quantity
    assert priced.amo_cents + priced.complement_cents == priced.cents
    assert priced.complement_cents >= 0
    assert abs(priced.amo_cents - Decimal(priced.cents * priced.rate_percent) / 100) <= Decimal("0.5")


@pytest.mark.parametrize(
    ("code", "profession", "letter", "coefficient"),
    [
        ("EPP", "medecin", "C", "2.5"),
        ("SP12", SAGE, "SP", "12"),
        ("SP14", SAGE, "SP", "14"),
        ("G", "medecin", "G", None),
    ],
)
def test_what_the_sheet_prints(code: str, profession: str, letter: str, coefficient: str | None) -> None:
    """An act known by a word of ours is printed with its letter key and coefficient."""
    priced = ask(code, "2025-03-04", profession)
    assert priced.letter == letter
    assert priced.coefficient == (None if coefficient is None else Decimal(coefficient))


def test_reasons_by_hand() -> None:
    """The explanation gives tariff, nature and tiers payant in both languages, each with a source."""
    priced = ask("G", "2025-03-04", pregnancy_start="2024-11-10")
    assert [reason.fr for reason in priced.reasons] == [
        "Tarif G : 30,00 €, en vigueur le 2025-03-04.",
        "maladie, taux 70 % : ligne de la table des actes.",
        "Avant le 1er jour du 6e mois (2025-04-10) : maladie ; un examen prénatal obligatoire n'est pas distingué.",
        "Tiers payant : rien n'est demandé au patient.",
    ]
    assert priced.reasons[0].en == "Tariff G: EUR 30.00, in force on 2025-03-04."
    assert all(reason.source for reason in priced.reasons)
    assert (priced.subject, priced.certainty) == ("consultation", "B")


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"pregnancy_start": "2024-08-10"}, "6e mois de grossesse"),
        ({"delivery_date": "2025-01-10"}, "Après le 12e jour suivant l'accouchement (2025-01-22)"),
        ({"beneficiary_birth_date": "2025-03-01"}, "nouveau-né"),
    ],
)
def test_reason_of_the_nature(facts: dict[str, Any], word: str) -> None:
    """What changes or keeps the nature is said."""
    assert any(word in reason.fr for reason in ask("G", "2025-03-04", **facts).reasons)


@given(st.integers(0, 400))
def test_maternity_is_one_span(days: int) -> None:
    """Once the cover has ended it does not come back, and it holds for a single span of days."""
    start, delivery = date(2024, 10, 10), date(2025, 7, 2)
    on = start + timedelta(days=days)
    priced = price(
        PricingQuestion(code="G", on=on, profession="medecin", pregnancy_start=start, delivery_date=delivery), TABLE
    )
    assert (priced.nature == "maternite") is (date(2025, 3, 10) <= on <= date(2025, 7, 14))


def test_limits_that_are_still_accepted() -> None:
    """99 acts on a line, and a delivery on the very day of the presumed start, are priced."""
    assert ask("G", "2025-03-04", quantity=99).cents == 297_000
    same_day: dict[str, Any] = {"pregnancy_start": "2025-03-01", "delivery_date": "2025-03-01"}
    assert ask("G", "2025-03-04", **same_day).nature == "maternite"


def test_titre_ii_stays_maladie_in_the_maternity_period() -> None:
    """Titre II is maladie only (convention, art. 9), even for a consultation late in pregnancy."""
    lines = tuple(line.model_copy(update={"titre": "II"}) for line in FICTITIOUS.acts("ZZ1"))
    table = ActTable(FICTITIOUS.version, lines, ())
    priced = ask("ZZ1", "2025-03-04", table=table, pregnancy_start="2024-08-10")
    assert (priced.nature, priced.rate_percent) == ("maladie", 70)
    assert ask("ZZ1", "2025-03-04", table=FICTITIOUS, pregnancy_start="2024-08-10").nature == "maternite"
