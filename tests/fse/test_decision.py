"""From an encounter to its documents: which acts go together, at what price, and what the sheet then says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import schemas
from fse.act_table import ActTable
from fse.decision import Decision, decide, draw_up
from fse.encounter import Encounter, EncounterError, read_encounter
from fse.routing import Outcome
from fse.sheet import Beneficiary, Cause, Illness, Line, Maternity, MaternityFrom, Mode, Sheet
from fse.situation import ChannelPolicy
from fse.tables import package_tables

EXAMPLE = json.loads((Path(__file__).parents[2] / "examples" / "encounter.json").read_bytes())
MIDWIFE = {
    "rpps": "99700000021",
    "profession": "sage-femme",
    "family_name": "EXEMPLAIRE",
    "first_name": "Dominique",
}
WOMAN = {
    "kind": "identified",
    "insured": {
        "nir": "290076204199842",
        "family_name": "LEXEMPLE",
        "first_name": "Claire",
        "birth_date": "1990-07-21",
    },
    "organism": "019990000",
}
TODAY = date(2025, 3, 4)
PRIORIX = "3400935137340"


def encounter(*codes: str, **changes: Any) -> Encounter:  # noqa: ANN401 - JSON
    """Return the example (a child of three, seen by the doctor) with other acts and other facts."""
    cips = {"VACCIN": {"cip": PRIORIX}}
    acts = {"acts": [{"code": code} | cips.get(code, {}) for code in codes]} if codes else {}
    return read_encounter(json.dumps(EXAMPLE | acts | changes).encode())


def child(birth_date: str) -> dict[str, Any]:
    """Return the patient of the example, born on another day."""
    patient: dict[str, Any] = json.loads(json.dumps(EXAMPLE["patient"]))
    patient["beneficiary"]["birth_date"] = birth_date
    return patient


def decided(facts: Encounter, *, opposed: bool = False, **policy: Any) -> tuple[Decision, ...]:  # noqa: ANN401 - choices of any type
    """Return what becomes of ``facts`` with the tables of the package."""
    return decide(facts, package_tables(), opposed=opposed, policy=ChannelPolicy(**policy))


def outline(decisions: tuple[Decision, ...]) -> list[tuple[str, list[str], int, str]]:
    """Return outcome, codes, total in cents and rule of each decision."""
    return [
        (one.outcome, [act.code for act in one.acts], one.total_cents, one.refusal.rule.id if one.refusal else "")
        for one in decisions
    ]


def sheet_of(facts: Encounter, decision: Decision | None = None) -> Sheet:
    """Return the sheet of ``decision``, or of the only one of ``facts``."""
    if decision is None:
        (decision,) = decided(facts)
    return draw_up(
        decision,
        facts,
        number=7,
        order=2,
        day=TODAY,
        biller="629990011",
        specification="1.40",
        anonymous_organism="019990000",
    )


# -------------------------------------------------------------------------------------------- one encounter, documents


def test_an_ordinary_consultation_is_one_secured_sheet() -> None:
    """The example of the README: a child examination at 35.00 €, both cards."""
    (decision,) = decided(encounter())
    assert outline((decision,)) == [("secured", ["COD"], 3500, "")]
    assert decision.mode == Mode()


@pytest.mark.parametrize(
    ("vitale", "cause"),
    [("absent", Cause.NO_CARD), ("unreadable", Cause.HARDWARE), ("software-failure", Cause.SOFTWARE)],
)
def test_what_was_seen_of_the_card_is_the_cause_of_a_degraded_sheet(vitale: str, cause: Cause) -> None:
    """Protocol art. 6: the cause is recorded, and signed."""
    (decision,) = decided(encounter(vitale=vitale))
    assert (decision.outcome, decision.mode) == (Outcome.DEGRADED, Mode(cause))


def test_an_opposed_card_degrades_or_holds() -> None:
    """Protocol art. 7: never a secured sheet; what follows is the choice of the service."""
    (degraded,) = decided(encounter(), opposed=True)
    assert (degraded.outcome, degraded.mode) == (Outcome.DEGRADED, Mode(Cause.CARD_OPPOSED))
    (held,) = decided(encounter(), opposed=True, hold_opposed=True)
    assert outline((held,)) == [("held", ["COD"], 0, "")]


def test_a_vaccine_leaves_the_sheet() -> None:
    """Form 708 for the vaccine, a sheet for the consultation; the order of the acts is kept."""
    assert outline(decided(encounter("VACCIN", "COD", "VACCIN"))) == [
        ("form-708", ["VACCIN", "VACCIN"], 4000, ""),
        ("secured", ["COD"], 3500, ""),
    ]


def test_two_titres_of_the_convention_are_two_sheets() -> None:
    """A midwife's consultation (titre I) and contraception (titre II): one sheet has one titre."""
    facts = encounter("C", "CCP", "MSF", professional=MIDWIFE, patient=WOMAN)
    young = encounter(
        "C",
        "CCP",
        "MSF",
        professional=MIDWIFE,
        patient=WOMAN | {"insured": WOMAN["insured"] | {"birth_date": "2003-01-02"}},  # type: ignore[operator]  # a dict of JSON
    )
    assert outline(decided(young)) == [("secured", ["C", "MSF"], 2650, ""), ("secured", ["CCP"], 4750, "")]
    assert outline(decided(facts))[1] == ("refused", ["CCP"], 0, "PRICING-AGE")


def test_two_natures_are_two_sheets() -> None:
    """Before the 6th month: the early interview is maternité, the consultation maladie."""
    facts = encounter("EPP", "G", patient=WOMAN, pregnancy_start="2024-12-01")
    decisions = decided(facts)
    assert outline(decisions) == [("secured", ["EPP"], 5750, ""), ("secured", ["G"], 3000, "")]
    assert [decision.priced[0].nature for decision in decisions] == ["maternite", "maladie"]
    assert len(decided(encounter("EPP", "G", patient=WOMAN, pregnancy_start="2024-09-01"))) == 1


def test_each_refusal_stands_alone_with_its_rule() -> None:
    """One bad act does not take the others with it, and says for itself what is wrong."""
    decisions = decided(encounter("NOPE", "COD", "NOPE2", "COE"))
    assert outline(decisions) == [
        ("refused", ["NOPE"], 0, "ROUTE-ACT"),
        ("secured", ["COD"], 3500, ""),
        ("refused", ["NOPE2"], 0, "ROUTE-ACT"),
        ("refused", ["COE"], 0, "PRICING-AGE"),
    ]
    assert [one.refusal.facts.get("code") for one in decisions if one.refusal] == ["NOPE", "NOPE2", "COE"]
    assert decisions[3].row is None
    assert all(one.refusal.message("fr") for one in decisions if one.refusal)


@pytest.mark.parametrize(
    ("organism", "name"),
    [
        ("019970000", "(CPAM d'un autre département (simulée))"),
        ("029990000", "(?)"),
        ("016210000", "(CPAM d'Arras → CPAM de l'Artois)"),
        ("016820000", "(CPAM du Haut-Rhin)"),
    ],
)
def test_another_caisse_is_refused_with_its_code(organism: str, name: str) -> None:
    """A caisse outside the convention, a real one, a merged one, or one that nobody knows: «affiliation», by name."""
    (decision,) = decided(encounter(patient=EXAMPLE["patient"] | {"organism": organism}))
    assert decision.refusal is not None
    assert (decision.refusal.rule.id, decision.refusal.facts) == (
        "ROUTE-AFFILIATION",
        {"organism": organism, "name": name},
    )


@pytest.mark.parametrize(
    ("code", "by", "expected"),
    [
        ("IC", "service", ("plain-paper", ["IC"], 2650, "")),
        ("IST", "service", ("form-709", ["IST"], 0, "")),
        ("G", "service", ("refused", ["G"], 0, "ROUTE-ANONYMOUS")),
        ("G", "delegated", ("refused", ["G"], 0, "DELEGATED-INVOICE")),
    ],
)
def test_an_anonymous_patient_never_becomes_a_sheet(
    code: str, by: str, expected: tuple[str, list[str], int, str]
) -> None:
    """Convention 10.3: paper, form 709, the recap, or a refusal."""
    facts = encounter(patient={"kind": "anonymous", "minor": True}, acts=[{"code": code, "by": by}])
    assert outline(decided(facts)) == [expected]
    with pytest.raises(EncounterError) as caught:
        sheet_of(facts)
    assert (caught.value.rule.id, caught.value.facts) == ("ROUTE-ANONYMOUS", {"code": code})


def test_a_delegated_act_needs_its_invoice() -> None:
    """DELEG-01: with FINESS, performer and amount it joins the recap; without, it is refused; never a sheet."""
    invoice = {
        "finess": "629990037", "rpps": "99700000021", "family_name": "EXEMPLAIRE", "first_name": "Dominique",
        "rate_percent": 70, "cents": 2100,
    }  # fmt: skip
    acts = [{"code": "G", "by": "delegated", "invoice": invoice}, {"code": "G", "by": "delegated"}]
    assert outline(decided(encounter(acts=acts))) == [
        ("recap", ["G"], 0, ""),
        ("refused", ["G"], 0, "DELEGATED-INVOICE"),
    ]


def test_a_screening_under_ones_own_name_is_not_sent_to_the_anonymous_form() -> None:
    """Form 709 is for anonymous care: who gives his name is told to use the ordinary codes, not the form."""
    (decision,) = decided(encounter("IST", patient=WOMAN))
    assert outline((decision,)) == [("refused", ["IST"], 0, "ROUTE-IST-NAMED")]
    assert decision.refusal is not None
    assert "réservé à l'anonymat" in decision.refusal.to_do("fr")


def test_prices_follow_the_table_that_is_given() -> None:
    """Another table, other acts: the fictitious one."""
    text = schemas.read_text("tables_fictitious/acts.csv")
    table = ActTable.parse(text, "acts.csv")
    facts = encounter(acts=[{"code": "ZZ1", "quantity": 2, "on": "2024-06-30"}, {"code": "ZZ1"}, {"code": "COD"}])
    assert outline(decide(facts, replace(package_tables(), acts=table))) == [
        ("secured", ["ZZ1", "ZZ1"], 2 * 1000 + 1101, ""),
        ("refused", ["COD"], 0, "ROUTE-ACT"),
    ]


# --------------------------------------------------------------------------------------------------- items of the sheet


def test_the_items_of_the_example() -> None:
    """Every item of the arrêté du 9 avril 1998 that this consultation has."""
    sheet = sheet_of(encounter())
    assert (sheet.number, sheet.order, sheet.drawn_up_on, sheet.delay_from) == (7, 2, TODAY, TODAY)
    assert (sheet.specification, sheet.titre, sheet.mode, sheet.organism) == ("1.40", "I", Mode(), "019990000")
    assert sheet.insured.full == "185036204199978"
    assert sheet.beneficiary == Beneficiary(birth_date=date(2021, 5, 2), birth_rank=1)
    who = sheet.professional
    assert (who.rpps, who.family_name, who.first_name) == ("99700000013", "MODELE", "Camille")
    assert (who.profession, who.structure, who.biller) == ("medecin", "629990003", "629990011")
    assert sheet.cover == Illness("3")
    assert sheet.lines == (Line(on=TODAY, code="COD", fee_cents=3500, rate_percent=100, amo_cents=3500),)
    assert (sheet.total_cents, sheet.advance_cents) == (3500, 3500)


def test_the_delay_starts_on_the_last_act_of_the_sheet() -> None:
    """CSS R161-42, 10°: the last act presented, not the day of the encounter."""
    facts = encounter(
        acts=[
            {"code": "COD", "on": "2025-02-27"},
            {"code": "G", "on": "2025-02-28"},
            {"code": "VACCIN", "cip": PRIORIX},
        ]
    )
    sheet = sheet_of(facts, decided(facts)[0])
    assert (sheet.delay_from, sheet.last_act) == (date(2025, 2, 28), date(2025, 2, 28))


def test_a_shared_exemption_is_the_sheets_and_others_are_their_lines() -> None:
    """Items 8 a and 9 h: one exemption for all, or each line its own."""
    mixed = sheet_of(encounter(acts=[{"code": "COD", "on": "2025-02-27"}, {"code": "G"}, {"code": "MEG"}]))
    assert mixed.cover == Illness("0")
    assert [(line.code, line.exemption) for line in mixed.lines] == [("COD", "3"), ("G", None), ("MEG", None)]
    alone = sheet_of(encounter("G", "MEG"))
    assert (alone.cover, [line.exemption for line in alone.lines]) == (Illness("0"), [None, None])
    assert (alone.total_cents, alone.advance_cents) == (3500, 2450)


def test_letter_coefficient_and_quantity_stand_as_the_table_prints_them() -> None:
    """EPP is sent as C 2.5."""
    (line,) = sheet_of(encounter("EPP", patient=WOMAN, pregnancy_start="2024-12-01")).lines
    assert (line.code, line.coefficient, line.quantity, line.fee_cents) == ("C", Decimal("2.5"), 1, 5750)


def test_an_accident_by_a_third_party_is_said() -> None:
    """Item 8 a: the insured answers for it, the date is needed."""
    assert sheet_of(encounter("G", accident_by_third_party="2025-03-01")).cover == Illness("0", date(2025, 3, 1))


@pytest.mark.parametrize(
    ("facts", "cover"),
    [
        ({"pregnancy_start": "2024-09-01"}, Maternity(MaternityFrom.PREGNANCY_START, date(2024, 9, 1))),
        (
            {"pregnancy_start": "2024-06-01", "delivery_date": "2025-03-01"},
            Maternity(MaternityFrom.DELIVERY, date(2025, 3, 1)),
        ),
        ({"delivery_date": "2025-03-01"}, Maternity(MaternityFrom.DELIVERY, date(2025, 3, 1))),
    ],
)
def test_maternity_counts_from_the_pregnancy_then_from_the_delivery(facts: dict[str, str], cover: Maternity) -> None:
    """Item 8 b: before the birth the presumed start, after it the date of delivery."""
    assert sheet_of(encounter("G", patient=WOMAN, **facts)).cover == cover


def test_a_newborn_counts_from_its_own_birth() -> None:
    """The card says when the child was born; nobody types the delivery for it."""
    assert sheet_of(encounter("COE", patient=child("2025-02-26"))).cover == Maternity(
        MaternityFrom.DELIVERY, date(2025, 2, 26)
    )


def test_maternity_without_a_date_is_refused() -> None:
    """The interview is always maternité: without a date the sheet would lack item 8 b."""
    with pytest.raises(EncounterError) as caught:
        sheet_of(encounter("EPP", patient=WOMAN))
    assert caught.value.rule.id == "ENC-MATERNITY"


def test_the_beneficiary_is_named_by_number_when_it_is_known() -> None:
    """Item 4: nobody when the insured is the patient; the NIR, else birth date and rank."""
    assert sheet_of(encounter("G", patient=WOMAN)).beneficiary is None
    patient = child("2021-02-15")
    patient["beneficiary"]["nir"] = "221026204199647"
    found = sheet_of(encounter(patient=patient)).beneficiary
    assert found is not None
    assert found.nir is not None
    assert (found.nir.full, found.birth_date, found.birth_rank) == ("221026204199647", None, None)
