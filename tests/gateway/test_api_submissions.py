"""Encounters and sealed sheets come in over HTTP: once each, verified, and told apart when they are not the same."""

from __future__ import annotations

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fse.encounter import Encounter, read_encounter
from fse.tables import package_tables
from gateway.card_file import card_in_reader
from gateway.home import Home
from gateway.profile import load_profile
from gateway.readers import CardsAtHand, ProfessionalCard
from gateway.single_sheet import seal_one
from tests.gateway.api_bench import DOCTOR, PIN, SITE, ApiBench, facts
from tests.gateway.bench import ANONYMOUS_IVG

if TYPE_CHECKING:
    import httpx


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and rule of a refusal."""
    return answer.status_code, answer.json()["rule"]


# -------------------------------------------------------------------------------------------------- encounters


def test_an_encounter_becomes_a_sheet_with_its_deadline(api: ApiBench) -> None:
    """The child examination of 4 March 2025: one secured sheet of 35,00 €, to transmit by Friday 14 March."""
    api.open_period()
    answer = api.client("submit").post("/v1/encounters", json=facts())
    assert answer.status_code == 200
    (reply,) = answer.json()
    assert (reply["outcome"], reply["sheet"], reply["deadline"]) == ("secured", 1, "2025-03-14")
    assert (reply["total_cents"], reply["amo_cents"]) == (3500, 3500)


def test_the_same_again_gets_the_same_and_other_facts_are_told(api: ApiBench) -> None:
    """A repetition after a lost answer makes nothing twice; other facts under the reference are 409."""
    api.open_period()
    client = api.client("submit", "read")
    first = client.post("/v1/encounters", json=facts())
    api.signing.end(DOCTOR)
    again = client.post("/v1/encounters", json=facts())
    assert (again.status_code, again.json()) == (200, first.json())
    assert refusal(client.post("/v1/encounters", json=facts(at="2025-03-04T09:41:00+01:00"))) == (
        409,
        "SUBMIT-REFERENCE",
    )
    assert len(client.get("/v1/sheets").json()) == 1


def test_the_same_twice_at_once_is_one_sheet(api: ApiBench) -> None:
    """Eight equal submissions at the same time: one sheet, one number, eight equal answers."""
    api.open_period()
    clients = [api.client("submit") for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda client: client.post("/v1/encounters", json=facts()), clients))
    assert {answer.status_code for answer in answers} == {200}
    assert len({json.dumps(answer.json()) for answer in answers}) == 1
    assert [sheet["number"] for sheet in api.client("read").get("/v1/sheets").json()] == [1]


def test_without_a_card_nothing_is_sealed_and_nothing_is_lost(api: ApiBench) -> None:
    """409 SUBMIT-CPS without an open period; the same submission goes through once one is open."""
    client = api.client("submit")
    assert refusal(client.post("/v1/encounters", json=facts())) == (409, "SUBMIT-CPS")
    api.open_period()
    assert client.post("/v1/encounters", json=facts()).json()[0]["sheet"] == 1


def test_what_needs_no_card_needs_no_period(api: ApiBench) -> None:
    """A broken CPS leads to paper, anonymous care to its own form: neither waits for a signing period."""
    client = api.client("submit", "read")
    assert client.post("/v1/encounters", json=facts(cps="unusable")).json()[0]["outcome"] == "plain-paper"
    anonymous = client.post("/v1/encounters", json=facts("V2", **ANONYMOUS_IVG)).json()
    assert [reply["sheet"] for reply in anonymous] == [None]
    assert len(client.get("/v1/documents").json()) == 1  # the anonymous one has no number and no place here


def test_a_vitale_that_is_not_here_makes_a_degraded_sheet_with_its_twin(api: ApiBench) -> None:
    """An insured of whom this machine has no card: signed by the professional alone, with its paper twin."""
    api.open_period()
    stranger = facts()
    stranger["patient"]["insured"]["nir"] = "1850362041998"
    client = api.client("submit", "read")
    (reply,) = client.post("/v1/encounters", json=stranger).json()
    assert reply["outcome"] == "degraded"
    assert [paper["kind"] for paper in client.get("/v1/documents", params={"sheet": 1}).json()] == ["twin"]


# ----------------------------------------------------------------------------------------------- outside sheets


def seal(number: int, sent: dict[str, Any], *, at: str | None = None) -> bytes:
    """Return ``sent`` sealed under ``number`` by software that has the cards in a reader of its own."""
    home, encounter = Home.local(), read_encounter(json.dumps(sent | ({"at": at} if at else {})).encode())
    with ExitStack() as stack:
        cps = ProfessionalCard.insert(stack.enter_context(card_in_reader(home.cps(DOCTOR))).transmit)
        cps.unlock(PIN)
        vitale = None
        if encounter.vitale == "present" and encounter.patient.kind == "identified":
            vitale = stack.enter_context(card_in_reader(home.vitale(encounter.patient.insured.nir))).transmit
        sealed = seal_one(encounter, CardsAtHand(cps, vitale), load_profile(), package_tables(), number=number)
    return sealed.file.encode()


def sent_sheet(sealed: bytes, sent: dict[str, Any]) -> dict[str, Any]:
    """Return the body that brings a sealed sheet in."""
    return {"reference": sent["reference"], "encounter": sent, "sealed": b64encode(sealed).decode()}


def reserve(api: ApiBench, count: int = 1) -> list[int]:
    """Return numbers reserved for the site of the example."""
    answer = api.client("submit").post("/v1/numbers", json={"site": SITE, "count": count})
    assert answer.status_code == 201
    found: list[int] = answer.json()["numbers"]
    return found


def test_reserved_numbers_are_given_to_nobody_else(api: ApiBench) -> None:
    """Numbers follow each other whoever takes them: 1 to 3 for the other software, 4 for a sheet sealed here."""
    assert reserve(api, 3) == [1, 2, 3]
    api.open_period()
    assert api.client("submit").post("/v1/encounters", json=facts()).json()[0]["sheet"] == 4
    assert reserve(api) == [5]


@pytest.mark.parametrize(("vitale", "outcome", "papers"), [("present", "secured", 0), ("absent", "degraded", 1)])
def test_a_sheet_sealed_elsewhere_stands_as_one_of_ours(api: ApiBench, vitale: str, outcome: str, papers: int) -> None:
    """Verified, queued, with the events of a life lived here, its twin when degraded, and sent in the next lot."""
    (number,) = reserve(api)
    sent = facts(vitale=vitale)
    sealed = seal(number, sent)
    client = api.client()
    answer = client.post("/v1/sheets", json=sent_sheet(sealed, sent))
    assert answer.status_code == 200, answer.text
    reply = answer.json()
    assert (reply["outcome"], reply["sheet"], reply["deadline"]) == (outcome, number, "2025-03-14")
    names = [one["name"] for one in client.get(f"/v1/sheets/{number}/timeline").json()["moments"]]
    expected = ["reserve", "patient_sign", "seal", "paper_needed", "queue"]
    left_out = {"paper_needed"} if outcome == "secured" else {"patient_sign"}
    assert names == [name for name in expected if name not in left_out]
    assert client.get(f"/v1/sheets/{number}/sealed").content == sealed
    assert len(client.get("/v1/documents").json()) == papers
    api.open_period()
    client.post("/v1/dispatch", json={"rpps": DOCTOR})
    assert client.get(f"/v1/sheets/{number}").json()["state"] == "acknowledged"


def test_the_same_sealed_bytes_again_get_the_same_answer(api: ApiBench) -> None:
    """A repetition makes no second sheet, even when both come at once."""
    (number,) = reserve(api)
    body = sent_sheet(seal(number, facts()), facts())
    clients = [api.client("submit") for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda client: client.post("/v1/sheets", json=body), clients))
    answers.append(clients[0].post("/v1/sheets", json=body))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert len(api.client("read").get("/v1/sheets").json()) == 1


def test_other_bytes_under_a_used_number_are_refused(api: ApiBench) -> None:
    """409 SUBMIT-NUMBER: the first sheet stands, whatever comes later under its number."""
    (number,) = reserve(api)
    client = api.client("submit", "read")
    first = seal(number, facts())
    client.post("/v1/sheets", json=sent_sheet(first, facts()))
    api.clock.advance(timedelta(hours=1))
    other = seal(number, facts(), at="2025-03-04T10:40:00+01:00")
    assert refusal(client.post("/v1/sheets", json=sent_sheet(other, facts()))) == (409, "SUBMIT-NUMBER")
    assert client.get(f"/v1/sheets/{number}/sealed").content == first


def test_a_number_that_was_not_reserved_is_refused(api: ApiBench) -> None:
    """SUBMIT-NOT-RESERVED: neither a number of the future nor one reserved for another site."""
    client = api.client("submit")
    assert refusal(client.post("/v1/sheets", json=sent_sheet(seal(77, facts()), facts()))) == (
        422,
        "SUBMIT-NOT-RESERVED",
    )
    (number,) = client.post("/v1/numbers", json={"site": "629991019", "count": 1}).json()["numbers"]
    body = sent_sheet(seal(number, facts()), facts())
    assert refusal(client.post("/v1/sheets", json=body)) == (422, "SUBMIT-NOT-RESERVED")


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"acts": [{"code": "COD", "on": "2025-03-03"}]}, "lines"),
        ({"vitale": "absent"}, "mode"),
        ({"site": "629991019"}, "professional"),
    ],
    ids=["acts", "mode", "structure"],
)
def test_a_sheet_that_says_something_else_is_refused(api: ApiBench, changes: dict[str, Any], places: str) -> None:
    """SUBMIT-SHEET-DIFFERS names the item in which sheet and encounter are not the same."""
    (number,) = reserve(api)
    sent = facts(**changes)
    answer = api.client("submit").post("/v1/sheets", json=sent_sheet(seal(number, facts()), sent))
    assert refusal(answer) == (422, "SUBMIT-SHEET-DIFFERS")
    assert places in answer.json()["messages"]["en"]


def test_another_patient_or_organism_is_refused(api: ApiBench) -> None:
    """Insured, beneficiary and the body that pays are held against the facts one by one."""
    (number,) = reserve(api)
    sealed = seal(number, facts())
    insured, child, organism = facts(), facts(), facts()
    insured["patient"]["insured"]["nir"] = "1850362041998"
    child["patient"]["beneficiary"]["birth_date"] = "2020-05-02"
    organism["patient"]["organism"] = "019980000"
    for sent, place in ((insured, "insured"), (child, "beneficiary"), (organism, "organism")):
        answer = api.client("submit").post("/v1/sheets", json=sent_sheet(sealed, sent))
        assert refusal(answer) == (422, "SUBMIT-SHEET-DIFFERS")
        assert place in answer.json()["detail"]


def test_a_second_sheet_of_the_same_care_is_refused(api: ApiBench) -> None:
    """Care is billed once: neither two sealed sheets nor an encounter and a sheet under one reference."""
    first, second = reserve(api, 2)
    client = api.client("submit")
    assert client.post("/v1/sheets", json=sent_sheet(seal(first, facts()), facts())).status_code == 200
    again = client.post("/v1/sheets", json=sent_sheet(seal(second, facts()), facts()))
    assert refusal(again) == (409, "SUBMIT-REFERENCE")
    api.open_period()
    assert client.post("/v1/encounters", json=facts("V2")).status_code == 200
    api.signing.end(DOCTOR)
    sealed = seal(second, facts("V2"))
    assert refusal(client.post("/v1/sheets", json=sent_sheet(sealed, facts("V2")))) == (409, "SUBMIT-REFERENCE")


def test_a_sheet_that_was_touched_or_is_none_is_refused(api: ApiBench) -> None:
    """Seals are verified before anything is believed; nothing is stored of what does not hold."""
    (number,) = reserve(api)
    sealed = seal(number, facts())
    client = api.client("submit", "read")
    touched = sealed.replace(b"MODELE", b"MODELA")
    assert touched != sealed
    assert refusal(client.post("/v1/sheets", json=sent_sheet(touched, facts()))) == (422, "SEAL-CONTENT")
    assert refusal(client.post("/v1/sheets", json=sent_sheet(b"PK\x03\x04", facts()))) == (422, "FILE-FORM")
    body = sent_sheet(sealed, facts()) | {"reference": "other"}
    assert refusal(client.post("/v1/sheets", json=body)) == (422, "SUBMIT-SHEET-DIFFERS")
    assert client.get("/v1/sheets").json() == []


def test_an_encounter_inside_a_body_keeps_its_rules(api: ApiBench) -> None:
    """The same rules and places as for an encounter alone."""
    sent = sent_sheet(b"x", facts())
    sent["encounter"]["acts"][0]["code"] = 5
    answer = api.client("submit").post("/v1/sheets", json=sent)
    assert refusal(answer) == (422, "ENC-VALUE")
    assert answer.json()["detail"].startswith("encounter.acts[0].code :")
    assert Encounter.model_validate(facts()).reference == "V1"
