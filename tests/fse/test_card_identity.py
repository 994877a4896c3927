"""The card's data win over those of the PMI file; who is not on the card is refused."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fse.card_identity import with_card
from fse.cards.vitale import VitaleData, VitaleReader
from fse.encounter import Encounter, IdentifiedPatient, read_encounter
from fse.seals import WrongPatient
from tests.fse.sheet_builders import vitale

EXAMPLE = json.loads((Path(__file__).parents[2] / "examples" / "encounter.json").read_bytes())


@cache
def card(name: str) -> VitaleData:
    """Return what the card of the family ``name`` says."""
    return VitaleReader(vitale(name).transmit).read()


def encounter(insured: str, beneficiary: dict[str, Any] | None, birth_date: str = "1980-01-01") -> Encounter:
    """Return an encounter of ``beneficiary``, insured by ``insured``, at a caisse that the PMI file has wrong."""
    person = {"family_name": "FICHIER", "first_name": "Faux"}
    patient = {
        "kind": "identified",
        "organism": "019970000",
        "insured": person | {"nir": insured, "birth_date": birth_date},
        "beneficiary": None if beneficiary is None else person | beneficiary,
    }
    return read_encounter(json.dumps(EXAMPLE | {"patient": patient}).encode())


def identified(found: Encounter) -> IdentifiedPatient:
    """Return the patient, who is not anonymous."""
    assert isinstance(found.patient, IdentifiedPatient)
    return found.patient


def test_the_card_says_who_pays_and_how_old_the_insured_is() -> None:
    """The body that pays and the birth date, on which a price may depend, are the card's."""
    found = with_card(encounter("286016204199449", None), card("specimen"))
    patient = identified(found)
    assert patient.organism == "019990000"
    assert patient.beneficiary is None
    assert found.patient_birth_date == date(1986, 1, 30)


@pytest.mark.parametrize(
    ("family", "insured", "given", "nir", "born", "rank"),
    [
        # by birth date and rank: the card adds the number that it knows
        ("specimen", "286016204199449", {"birth_date": "2021-02-15"}, "2210262041996", date(2021, 2, 15), 1),
        # by number: the card corrects the birth date
        (
            "specimen",
            "286016204199449",
            {"nir": "221026204199647", "birth_date": "2021-02-16"},
            "2210262041996",
            date(2021, 2, 15),
            1,
        ),
        # twins without a number of their own
        ("imaginaire", "289086204199513", {"birth_date": "2020-02-10", "birth_rank": 2}, None, date(2020, 2, 10), 2),
        ("imaginaire", "289086204199513", {"birth_date": "2020-02-10"}, None, date(2020, 2, 10), 1),
        # a number that the card does not have is not signed: birth date and rank tell who it is
        (
            "dutest",
            "185036204199978",
            {"nir": "221026204199647", "birth_date": "2021-05-02"},
            None,
            date(2021, 5, 2),
            1,
        ),
    ],
)
def test_a_beneficiary_is_found_on_the_card(
    family: str, insured: str, given: dict[str, Any], nir: str | None, born: date, rank: int
) -> None:
    """By the number when both have it, else by birth date and rank (CSS R161-42, 1°)."""
    found = identified(with_card(encounter(insured, given), card(family))).beneficiary
    assert found is not None
    assert (found.nir, found.birth_date, found.birth_rank) == (nir, born, rank)


def test_a_beneficiary_who_is_the_insured_is_none() -> None:
    """Item 4 is there only when it is somebody else."""
    given = {"nir": "286016204199449", "birth_date": "1986-01-30"}
    assert identified(with_card(encounter("286016204199449", given), card("specimen"))).beneficiary is None


@pytest.mark.parametrize(
    ("family", "insured", "given"),
    [
        ("dutest", "290076204199842", None),
        ("dutest", "185036204199978", {"birth_date": "2021-05-03"}),
        ("dutest", "185036204199978", {"birth_date": "2021-05-02", "birth_rank": 2}),
        ("specimen", "286016204199449", {"nir": "290076204199842", "birth_date": "2021-02-15"}),
    ],
)
def test_who_is_not_on_the_card_is_refused(family: str, insured: str, given: dict[str, Any] | None) -> None:
    """Another insured, another child, or another number for the same birth date: refused before anybody signs."""
    with pytest.raises(WrongPatient) as caught:
        with_card(encounter(insured, given), card(family))
    assert (caught.value.rule.id, caught.value.facts) == ("SEAL-PATIENT", {"serial": card(family).serial})


def test_an_anonymous_patient_stays_anonymous() -> None:
    """No card belongs to such an encounter, even when one is in the reader."""
    facts = read_encounter(json.dumps(EXAMPLE | {"patient": {"kind": "anonymous", "minor": True}}).encode())
    assert with_card(facts, card("dutest")) is facts
