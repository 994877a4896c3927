"""Profiles of cards, and the people of the demonstration wallet."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from stdnum import luhn
from stdnum.fr import nir as nir_judge

import schemas
from card_sim.errors import ProfileInvalid
from card_sim.profiles import CpsProfile, VitaleProfile
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from card_sim.profiles import Beneficiary

CONSULTATION = date(2025, 3, 4)


def all_numbers(family: VitaleProfile) -> list[str]:
    """Return every NIR on a card."""
    return [family.nir, *(one.nir for one in family.beneficiaries if one.nir is not None)]


def months(born: date) -> int:
    """Return the whole months from ``born`` to the day of the demonstration's consultations."""
    whole = (CONSULTATION.year - born.year) * 12 + CONSULTATION.month - born.month
    return whole - (CONSULTATION.day < born.day)


@pytest.mark.parametrize("name", sorted(demo_wallet().cps))
def test_the_professionals_are_synthetic(name: str) -> None:
    """RPPS of the range of public test identities, Luhn-valid for stdnum, cards valid on any simulated day."""
    profile = demo_wallet().cps[name]
    assert profile.rpps.startswith("99700")
    assert luhn.is_valid(profile.rpps)
    assert all(luhn.is_valid(finess) for finess in profile.structures)
    assert profile.valid_from <= date(2015, 1, 1) < date(2049, 12, 30) < profile.valid_to
    assert CpsProfile.from_dict(profile.to_dict()) == profile


@pytest.mark.parametrize("name", sorted(demo_wallet().vitale))
def test_the_insured_are_synthetic(name: str) -> None:
    """NIR keys right for stdnum, order numbers 990 to 999, births and sexes that agree with them."""
    profile = demo_wallet().vitale[name]
    everybody: list[tuple[str | None, date]] = [(profile.nir, profile.birth_date)]
    everybody += [(one.nir, one.birth_date) for one in profile.beneficiaries]
    for nir, born in everybody:
        if nir is not None:
            assert nir_judge.is_valid(nir)
            assert 990 <= int(nir[10:13]) <= 999
            assert nir[1:5] == f"{born:%y%m}"
    assert VitaleProfile.from_dict(profile.to_dict()) == profile


def test_the_wallet_has_the_people_of_the_demonstration() -> None:
    """The ages, funds and rights on which the demonstration day counts are there on 4 March 2025."""
    wallet = demo_wallet()
    people = wallet.vitale

    def child(name: str, rank: int = 0) -> Beneficiary:
        return people[name].beneficiaries[rank]

    assert (CONSULTATION - child("fictif").birth_date).days == 6
    ages = {"essai": 1, "simule": 9, "maquette": 24, "prototype": 10, "dutest": 46}
    assert {name: months(child(name).birth_date) for name in ages} == ages
    assert months(child("specimen", 1).birth_date) // 12 == 4
    twins = people["imaginaire"].beneficiaries
    assert [(months(one.birth_date) // 12, one.birth_rank) for one in twins] == [(5, 1), (5, 2)]
    assert people["dutest"].nir == "185036204199978"
    assert child("dutest").birth_date == date(2021, 5, 2)
    assert people["lexemple"].nir == "290076204199842"
    funds = {name: one.regime + one.caisse + one.centre for name, one in people.items()}
    assert {name: fund for name, fund in funds.items() if fund != "019990000"} == {
        "imaginaire": "019980000",
        "invente": "019980000",
        "prototype": "019980000",
        "mutuel": "919990506",
        "dailleurs": "019970000",
        "secours": "019980000",
    }
    covers = {name: one.cover for name, one in people.items() if one.cover is not None}
    assert covers == {"solidaire": "c2s", "secours": "ame"}
    assert wallet.opposed == (people["opposee"].serial,)
    assert {one.rpps: (one.profession, one.may_sign_sheet, one.may_sign_lot) for one in wallet.cps.values()} == {
        "99700000013": ("medecin", True, True),
        "99700000021": ("sage-femme", True, True),
        "99700000039": ("medecin", False, False),
    }


def test_nobody_shares_a_number() -> None:
    """Serial numbers of cards and NIR are each given once."""
    wallet = demo_wallet()
    serials = [one.serial for one in wallet.vitale.values()] + [one.card_serial for one in wallet.cps.values()]
    numbers = [number for family in wallet.vitale.values() for number in all_numbers(family)]
    assert len(set(serials)) == len(serials)
    assert len(set(numbers)) == len(numbers)


def raw(family: str, name: str) -> dict[str, Any]:
    """Return the plain values of a card of the wallet, free to change."""
    entry: dict[str, Any] = schemas.read_toml("demo_cards.toml")[family][name]
    return {key: list(value) if isinstance(value, list) else value for key, value in entry.items()}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rpps", "10000000017"),
        ("rpps", "99700000014"),
        ("rpps", "9970000001"),
        ("rpps", 99700000013),
        ("profession", "pharmacien"),
        ("family_name", ""),
        ("family_name", "A" * 41),
        ("family_name", "NOM\n"),
        ("first_name", " Camille"),
        ("first_name", "R2D2"),
        ("structures", []),
        ("structures", ["629990003"] * 17),
        ("valid_from", "2015-02-30"),
        ("valid_from", "20150101"),
        ("valid_from", 1420070400),
        ("valid_from", datetime(2015, 1, 1)),  # noqa: DTZ001 - an instant is no day
        ("may_sign_sheet", "true"),
        ("may_sign_lot", 1),
        ("pin", "123"),
        ("pin", "12345"),
        ("pin", "12a4"),
        ("pin", "١٢٣٤"),
        ("card_serial", "99700000011"),
        ("card_type", "80"),
    ],
)
def test_a_wrong_professional_is_named(key: str, value: object) -> None:
    """Each wrong, unknown or badly typed value of a CPS profile is refused with its path, and is not repeated."""
    with pytest.raises(ProfileInvalid) as refused:
        CpsProfile.from_dict(raw("cps", "medecin") | {key: value}, "cps.medecin")
    assert refused.value.place == f"cps.medecin.{key}"


@pytest.mark.parametrize("finess", ["629990004", "62999000", "2C9990003"])
def test_a_wrong_structure_is_named(finess: str) -> None:
    """The structure that is wrong is named by its rank in the list."""
    with pytest.raises(ProfileInvalid) as refused:
        CpsProfile.from_dict(raw("cps", "medecin") | {"structures": ["629990003", finess]})
    assert refused.value.place == "profile.structures.1"


def test_a_corsican_structure_and_insured_are_accepted() -> None:
    """Corsica: a FINESS has the Luhn key of its published conversion, a NIR counts 2A as 19 and 2B as 18."""
    assert luhn.is_valid("200102689")
    CpsProfile.from_dict(raw("cps", "medecin") | {"structures": ["2A0002689"]})
    for department in ("2A", "2B"):
        number = f"18503{department}041999"
        nir = number + nir_judge.calc_check_digits(number)
        VitaleProfile.from_dict(raw("vitale", "dutest") | {"nir": nir})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("nir", "185036204199977"),
        ("nir", "1850362041999"),
        ("nir", "185036204198900"),
        ("serial", "99000000001"),
        ("regime", "1"),
        ("caisse", "99A"),
        ("centre", "00000"),
        ("updated_on", None),
        ("beneficiaries", [{"family_name": "A", "first_name": "B", "birth_date": "2020-01-01"}] * 20),
        ("rights", [{"start": "2020-01-01", "end": "2020-12-31"}] * 4),
    ],
)
def test_a_wrong_insured_is_named(key: str, value: object) -> None:
    """Each wrong value of a Vitale profile is refused with its path."""
    with pytest.raises(ProfileInvalid) as refused:
        VitaleProfile.from_dict(raw("vitale", "dutest") | {key: value})
    assert refused.value.place == f"profile.{key}"


@pytest.mark.parametrize(
    ("key", "value"),
    [("birth_rank", 0), ("birth_rank", 10), ("birth_rank", "1"), ("quality", "7"), ("nir", "1"), ("age", 3)],
)
def test_a_wrong_beneficiary_is_named(key: str, value: object) -> None:
    """The path of an error goes down to the beneficiary and the key."""
    family = raw("vitale", "imaginaire")
    family["beneficiaries"][1] = family["beneficiaries"][1] | {key: value}
    with pytest.raises(ProfileInvalid) as refused:
        VitaleProfile.from_dict(family)
    assert refused.value.place == f"profile.beneficiaries.1.{key}"


def test_days_must_be_in_order() -> None:
    """A card or a right that ends before it begins is refused."""
    with pytest.raises(ProfileInvalid, match="valid_from is after valid_to"):
        CpsProfile.from_dict(raw("cps", "medecin") | {"valid_to": "2014-12-31"})
    with pytest.raises(ProfileInvalid, match="start is after end") as refused:
        VitaleProfile.from_dict(raw("vitale", "dutest") | {"rights": [{"start": "2020-01-02", "end": "2020-01-01"}]})
    assert refused.value.place == "profile.rights.0"


def test_secrets_stay_out_of_representations() -> None:
    """Neither a PIN nor a NIR shows in the representation of a profile."""
    wallet = demo_wallet()
    family = wallet.vitale["specimen"]
    assert "1234" not in repr(wallet.cps["medecin"])
    assert len(all_numbers(family)) == 3
    assert not any(number in repr(family) for number in all_numbers(family))
