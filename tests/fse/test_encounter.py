"""Facts from outside: used as they are, or refused with one place and one rule, nothing of them repeated."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.encounter import (
    MAX_ENCOUNTER_BYTES,
    AnonymousPatient,
    CardInReader,
    Encounter,
    EncounterError,
    IdentifiedPatient,
    Profession,
    read_encounter,
)

EXAMPLE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "examples" / "encounter.json").read_bytes())
NIR = "290076204199842"
ANONYMOUS = {"kind": "anonymous", "minor": True}


def changed(*steps: tuple[str, Any]) -> bytes:
    """Return the example as JSON with other values at ``steps``: a path in dots, and the value (... takes it away)."""
    document = json.loads(json.dumps(EXAMPLE))
    for path, value in steps:
        *parents, last = path.split(".")
        place = document
        for parent in parents:
            place = place[int(parent)] if parent.isdigit() else place[parent]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return json.dumps(document).encode()


def refusal(data: bytes) -> EncounterError:
    """Return why ``data`` is refused."""
    with pytest.raises(EncounterError) as caught:
        read_encounter(data)
    return caught.value


def test_the_example_is_read_with_its_defaults() -> None:
    """What a PMI software leaves out has one known meaning."""
    found = read_encounter(changed())
    assert isinstance(found.patient, IdentifiedPatient)
    assert found.patient.insured.nir == "1850362041999"
    assert found.professional.profession is Profession.DOCTOR
    assert (found.vitale, found.cps, found.professional.pediatrician) == (CardInReader.PRESENT, "present", False)
    (act,) = found.acts
    assert (act.code, act.on, act.quantity, act.weeks_of_pregnancy, act.by) == ("COD", None, 1, None, "service")
    assert found.patient.beneficiary is not None
    assert (found.patient.beneficiary.nir, found.patient.beneficiary.birth_rank) == (None, 1)


def test_dates_derive_from_the_moment_in_france() -> None:
    """Half past midnight in Paris is another day than in UTC; acts have the day of the encounter unless they say."""
    found = read_encounter(
        changed(("at", "2025-03-04T23:30:00Z"), ("acts", [{"code": "C"}, {"code": "C", "on": "2025-03-01"}]))
    )
    assert found.day == date(2025, 3, 5)
    assert [found.day_of(act) for act in found.acts] == [date(2025, 3, 5), date(2025, 3, 1)]
    assert found.last_act == date(2025, 3, 5)


def test_whose_birth_date_counts() -> None:
    """The beneficiary's, else the insured's; an anonymous patient has none."""
    assert read_encounter(changed()).patient_birth_date == date(2021, 5, 2)
    assert read_encounter(changed(("patient.beneficiary", ...))).patient_birth_date == date(1985, 3, 12)
    anonymous = read_encounter(changed(("patient", ANONYMOUS)))
    assert anonymous.patient == AnonymousPatient(minor=True)
    assert anonymous.patient_birth_date is None


def test_what_is_written_in_python_reads_the_same() -> None:
    """The model serves as a Python value too, and its own JSON is an encounter."""
    found = read_encounter(changed())
    assert read_encounter(found.model_dump_json().encode()) == found
    assert Encounter.model_validate(json.loads(changed())) == found
    assert Encounter.model_validate(found.model_dump()) == found


@pytest.mark.parametrize(
    "name", ["É", "D'AILLEURS", "D’AILLEURS", "SAINT-JEAN DE LA CROIX", "ŒUVRÉ", "NGUYỄN", "ÇELİK", "a" * 50]
)
def test_names_as_they_are_borne_in_france(name: str) -> None:
    """Accents, apostrophes, hyphens and spaces."""
    found = read_encounter(changed(("professional.family_name", name)))
    assert found.professional.family_name == name


@pytest.mark.parametrize("name", ["", " ", "-A", "A1", "A_B", "A<B", "A\nB", "Ж", "e\u0301", "a" * 51, "A\0"])
def test_other_names_are_refused(name: str) -> None:
    """What the XML of the sheet could not hold is refused where it was typed."""
    error = refusal(changed(("professional.family_name", name)))
    assert (error.rule.id, error.facts["place"]) == ("ENC-VALUE", "professional.family_name")


@pytest.mark.parametrize(
    ("steps", "rule", "place"),
    [
        ([("at", ...)], "ENC-MISSING", "at"),
        ([("patient.insured.nir", ...)], "ENC-MISSING", "patient.insured.nir"),
        ([("acts.0.code", ...)], "ENC-MISSING", "acts[0].code"),
        ([("colour", "blue")], "ENC-UNKNOWN", "colour"),
        ([("professional.pin", "1234")], "ENC-UNKNOWN", "professional.pin"),
        ([("patient", ANONYMOUS | {"nir": NIR})], "ENC-UNKNOWN", "patient.nir"),
        ([(NIR, 1)], "ENC-UNKNOWN", "*" * 15),
        ([("x" * 1000, 1)], "ENC-UNKNOWN", "x" * 40),
        ([("reference", "")], "ENC-VALUE", "reference"),
        ([("reference", "a b")], "ENC-VALUE", "reference"),
        ([("reference", "a" * 41)], "ENC-VALUE", "reference"),
        ([("at", "2025-03-04")], "ENC-VALUE", "at"),
        ([("at", "04/03/2025 09:40")], "ENC-VALUE", "at"),
        ([("at", "2025-13-04T09:40:00+01:00")], "ENC-VALUE", "at"),
        ([("at", "1741077600")], "ENC-VALUE", "at"),
        ([("at", 1741077600)], "ENC-VALUE", "at"),
        ([("at", "9999-12-31T23:59:59-12:00")], "ENC-VALUE", "at"),
        ([("at", "0001-01-01T00:00:00+14:00")], "ENC-VALUE", "at"),
        ([("patient.kind", NIR)], "ENC-VALUE", "patient.kind"),
        ([("patient.kind", ...)], "ENC-MISSING", "patient.kind"),
        ([("patient.insured.birth_date", "1985-02-30")], "ENC-VALUE", "patient.insured.birth_date"),
        ([("patient.insured.birth_date", 0)], "ENC-VALUE", "patient.insured.birth_date"),
        ([("patient.insured.birth_date", "479433600")], "ENC-VALUE", "patient.insured.birth_date"),
        ([("patient.insured.birth_rank", 0)], "ENC-VALUE", "patient.insured.birth_rank"),
        ([("patient.insured.birth_rank", 10)], "ENC-VALUE", "patient.insured.birth_rank"),
        ([("patient", {"kind": "anonymous", "minor": "yes"})], "ENC-VALUE", "patient.minor"),
        ([("professional.profession", "chirurgien")], "ENC-VALUE", "professional.profession"),
        ([("professional.pediatrician", 1)], "ENC-VALUE", "professional.pediatrician"),
        ([("vitale", "stolen")], "ENC-VALUE", "vitale"),
        ([("cps", "stolen")], "ENC-VALUE", "cps"),
        ([("acts", [])], "ENC-VALUE", "acts"),
        ([("acts", [{"code": "C"}] * 21)], "ENC-VALUE", "acts"),
        ([("acts", NIR)], "ENC-VALUE", "acts"),
        ([("acts.0.code", "cod")], "ENC-VALUE", "acts[0].code"),
        ([("acts.0.code", "ABCDEFGHIJK")], "ENC-VALUE", "acts[0].code"),
        ([("acts.0.quantity", 0)], "ENC-VALUE", "acts[0].quantity"),
        ([("acts.0.quantity", 100)], "ENC-VALUE", "acts[0].quantity"),
        ([("acts.0.quantity", "2")], "ENC-VALUE", "acts[0].quantity"),
        ([("acts.0.quantity", True)], "ENC-VALUE", "acts[0].quantity"),
        ([("acts.0.quantity", 1.5)], "ENC-VALUE", "acts[0].quantity"),
        ([("acts.0.weeks_of_pregnancy", 46)], "ENC-VALUE", "acts[0].weeks_of_pregnancy"),
        ([("acts.0.by", "nobody")], "ENC-VALUE", "acts[0].by"),
        ([("acts.0.on", "2025-03-04T00:00:00")], "ENC-VALUE", "acts[0].on"),
        ([("acts.0.on", "2025-03-05")], "ENC-ORDER", "acts[0].on"),
        ([("pregnancy_start", "2025-03-05")], "ENC-ORDER", "pregnancy_start"),
        ([("delivery_date", "2025-03-05")], "ENC-ORDER", "delivery_date"),
        ([("accident_by_third_party", "2025-03-05")], "ENC-ORDER", "accident_by_third_party"),
        ([("patient.beneficiary.birth_date", "2025-03-05")], "ENC-ORDER", "patient.birth_date"),
        ([("patient.insured.nir", NIR[:14])], "NIR-FORM", "patient.insured.nir"),
        ([("patient.insured.nir", NIR[:13] + "43")], "NIR-KEY", "patient.insured.nir"),
        ([("patient.beneficiary.nir", "x")], "NIR-FORM", "patient.beneficiary.nir"),
        ([("patient.organism", "01999000")], "ORGANISM-FORM", "patient.organism"),
        ([("professional.rpps", "99700000014")], "RPPS-KEY", "professional.rpps"),
        ([("site", "62999000")], "FINESS-FORM", "site"),
    ],
)
def test_one_bad_item_gives_one_place_and_one_rule(steps: list[tuple[str, Any]], rule: str, place: str) -> None:
    """A person finds the item; the message holds in both languages."""
    error = refusal(changed(*steps))
    assert error.rule.id == rule
    assert place in {error.facts.get("place"), error.facts.get("field")}
    assert place in error.message("fr")
    assert place in error.message("en")
    if rule == "ENC-VALUE":
        assert error.facts["reason_fr"] != error.facts["reason_en"]


def test_a_time_without_its_offset_is_refused() -> None:
    """Nine in the morning where? The day of the act depends on it."""
    for at in ("2025-03-04T09:40:00", "2025-03-04T09:40"):
        assert refusal(changed(("at", at))).rule.id == "ENC-TIMEZONE"
    for at in ("2025-03-04T09:40+01:00", "2025-03-04T08:40:00.5Z", "2025-03-04T08:40:00-00:00"):
        assert read_encounter(changed(("at", at))).day == date(2025, 3, 4)


def test_the_day_of_the_encounter_itself_is_not_after_it() -> None:
    """A birth, a delivery and an accident of the day are facts of the day."""
    same = [
        (name, "2025-03-04") for name in ("pregnancy_start", "delivery_date", "accident_by_third_party", "acts.0.on")
    ]
    found = read_encounter(changed(("patient.beneficiary.birth_date", "2025-03-04"), *same))
    assert found.patient_birth_date == found.delivery_date == found.last_act == date(2025, 3, 4)


def test_the_limit_of_size_is_the_last_size_read() -> None:
    """The file is measured before it is parsed."""
    padded = changed() + b" " * (MAX_ENCOUNTER_BYTES - len(changed()))
    assert read_encounter(padded) == read_encounter(changed())
    error = refusal(padded + b" ")
    assert (error.rule.id, error.facts) == ("ENC-SIZE", {"size": 100_001, "limit": 100_000})


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"<feuille/>", id="XML"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b"[" * 50_000, id="deep nesting"),
        pytest.param(b"1" * 6000, id="long number"),
        pytest.param(f'{{"reference": {NIR}'.encode(), id="cut in a NIR"),
        pytest.param(f'{{"reference": "{NIR}\n"}}'.encode(), id="control character"),
    ],
)
def test_what_is_not_json_is_refused_with_its_line(data: bytes) -> None:
    """RFC 8259, in UTF-8; the parser's place is told, what stands there is not."""
    error = refusal(data)
    assert error.rule.id == "ENC-JSON"
    assert "line" in str(error.facts["reason"])
    assert NIR not in str(error)


@pytest.mark.parametrize("data", [b"[]", b"null", b'"x"', b"1"])
def test_json_of_another_shape_is_refused(data: bytes) -> None:
    """An encounter is an object."""
    error = refusal(data)
    assert (error.rule.id, error.facts["place"]) == ("ENC-VALUE", "encounter")


def paths(document: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """Return the path of every item of ``document``."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [found for key, value in items for found in ((*prefix, key), *paths(value, (*prefix, key)))]


@given(
    path=st.sampled_from(paths(EXAMPLE)),
    value=st.sampled_from(
        [NIR, int(NIR), {NIR: NIR}, [NIR], f"{NIR}é", f"2025-03-04T{NIR}", None, -1, 1e300, True, ""]
    ),
    as_name=st.booleans(),
)
def test_a_nir_in_any_place_is_never_repeated(path: tuple[Any, ...], value: object, *, as_name: bool) -> None:
    """Whatever stands wherever: an encounter, or one refusal of ours without the number."""
    document = json.loads(json.dumps(EXAMPLE))
    place = document
    for step in path[:-1]:
        place = place[step]
    if as_name and isinstance(place, dict):
        place[NIR] = place.pop(path[-1])
    else:
        place[path[-1]] = value
    try:
        read_encounter(json.dumps(document).encode())
    except EncounterError as error:
        told = error.message("fr") + error.message("en") + str(error) + repr(error.facts)
        assert NIR[:13] not in told
