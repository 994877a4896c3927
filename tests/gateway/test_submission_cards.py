"""The cards in the reader during a submission: whose they are, what they say, and what happens when they are mute."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fse.cards import CardError, CardMute, PinNeeded
from fse.errors import FseError
from fse.routing import Outcome
from fse.seals import verify_sheet
from gateway.errors import GatewayError
from gateway.readers import CardsAtHand, ProfessionalCard
from tests.fse import sheet_builders as build
from tests.gateway.bench import (
    ARTOIS,
    ELSEWHERE,
    OPALE,
    Bench,
    patient,
    professional,
    visit,
    vitale,
)


def _mute(command: bytes) -> bytes:
    del command
    raise TimeoutError


def _with_beneficiary(family: str, child: int = 0, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - facts of any type
    facts = patient(family, child=child)
    facts["beneficiary"] |= changes
    return {"patient": facts}


TWINS = {"patient": patient("imaginaire", child=1)}
NOT_ON_THE_CARD = [
    ("insured", {"patient": patient("essai")}, "dutest", "medecin", "SEAL-PATIENT"),
    ("birth date", _with_beneficiary("dutest", birth_date="2021-05-03"), "dutest", "medecin", "SEAL-PATIENT"),
    ("third twin", _with_beneficiary("imaginaire", birth_rank=3), "imaginaire", "medecin", "SEAL-PATIENT"),
    (
        "own number of somebody else",
        _with_beneficiary("specimen", nir="2210262041995"),
        "specimen",
        "medecin",
        "SEAL-PATIENT",
    ),
    ("another professional's card", {}, "dutest", "sage_femme", "SEAL-PROFESSIONAL"),
    (
        "a card that may not sign",
        {"professional": professional("medecin_sans_droit")},
        "dutest",
        "medecin_sans_droit",
        "SEAL-ENTITLEMENT",
    ),
]


@pytest.mark.parametrize(
    ("changes", "family", "name", "rule"), [case[1:] for case in NOT_ON_THE_CARD], ids=[c[0] for c in NOT_ON_THE_CARD]
)
def test_the_wrong_card_is_refused_before_a_number_is_taken(
    bench: Bench, changes: dict[str, Any], family: str, name: str, rule: str
) -> None:
    """Who is not on the card, or may not sign with it, is refused by name; no number, no event, no paper."""
    with pytest.raises(FseError) as refusal:
        bench.submit(visit(**changes), family, name)
    assert refusal.value.rule.id == rule
    assert bench.rows("SELECT name FROM counters") == bench.rows("SELECT * FROM events") == []


def test_after_the_wrong_card_the_right_one_will_do(bench: Bench) -> None:
    """A card taken for another is no answer: the same encounter goes through with the right card."""
    with pytest.raises(FseError):
        bench.submit(visit(), "essai")
    (reply,) = bench.submit(visit(), "dutest")
    assert (reply.outcome, reply.sheet) == (Outcome.SECURED, 1)


def test_each_twin_is_himself(bench: Bench) -> None:
    """Twins share a birth date: the rank tells them apart, and both are on the card."""
    for rank in (0, 1):
        bench.submit(visit(f"T{rank}", patient=patient("imaginaire", child=rank)), "imaginaire")
    sheets = [
        verify_sheet(data, bench.trust, bench.clock.now()).sheet for (data,) in bench.rows("SELECT sealed FROM sheets")
    ]
    assert [sheet.beneficiary and sheet.beneficiary.birth_rank for sheet in sheets] == [1, 2]


def test_the_caisse_of_the_card_wins(bench: Bench) -> None:
    """The card says who pays: a caisse that the file has wrong is corrected, both for the route and on the sheet."""
    (reply,) = bench.submit(visit(patient=patient("dutest", organism=ELSEWHERE)))
    assert (reply.outcome, bench.rows("SELECT organism FROM sheets")) == (Outcome.SECURED, [(ARTOIS,)])


def test_a_caisse_outside_the_convention_is_seen_on_the_card(bench: Bench) -> None:
    """A file that names a caisse of the convention does not hide that the card names another one."""
    (reply,) = bench.submit(visit(patient=patient("dailleurs", organism=ARTOIS)), "dailleurs")
    assert (reply.outcome, reply.rule) == (Outcome.REFUSED, "ROUTE-AFFILIATION")


def test_the_birth_date_of_the_card_prices(bench: Bench) -> None:
    """A child known by its number has the birth date that its card gives, for the price and on paper too."""
    facts = _with_beneficiary("specimen", 1, birth_date="2024-12-01")
    (reply,) = bench.submit(visit(**facts), "specimen")
    assert (reply.outcome, reply.rule) == (Outcome.SECURED, "")
    ((stored,),) = bench.rows("SELECT encounter FROM sheets")
    assert json.loads(stored)["patient"]["beneficiary"]["birth_date"] == "2021-02-15"


def test_a_mute_vitale_is_out_of_order(bench: Bench) -> None:
    """Protocol art. 6: a card that does not answer makes a degraded sheet, cause hardware; the care goes on."""
    (reply,) = bench.gateway.submit(visit(), CardsAtHand(bench.doctor(), _mute))
    assert (reply.outcome, reply.reason) == (Outcome.DEGRADED, "degraded-hardware")
    ((mode, seal),) = bench.rows("SELECT mode, patient_seal FROM sheets")
    assert (mode, seal) == ("degrade", None)


def test_another_card_in_the_slot_is_not_a_mute_vitale(bench: Bench) -> None:
    """CARD-NOT-VITALE: the professional's own card in the patient's slot is a slip, not a failure of hardware."""
    with pytest.raises(CardError) as refusal:
        bench.gateway.submit(visit(), CardsAtHand(bench.doctor(), build.cps("medecin").transmit))
    assert refusal.value.rule.id == "CARD-NOT-VITALE"
    assert bench.counter("sheet") == 0


def test_without_a_cps_nothing_is_sealed(bench: Bench) -> None:
    """SUBMIT-CPS: no sheet without the professional; no number either, and no paper until somebody decides."""
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.submit(
            visit(acts=[{"code": "VACCIN", "cip": "3400935137340"}, {"code": "COD"}]),
            CardsAtHand(None, vitale("dutest")),
        )
    assert refusal.value.rule.id == "SUBMIT-CPS"
    assert bench.counter("sheet") == bench.counter("paper") == 0


def test_a_mute_cps_is_an_error_and_what_the_patient_signed_stays(bench: Bench) -> None:
    """CARD-MUTE from the professional's card: the patient's signature is kept, and waits for another try."""
    card = bench.doctor()
    silent = ProfessionalCard(type(card.reader)(_mute), card.holder)
    with pytest.raises(CardMute):
        bench.gateway.submit(visit(), CardsAtHand(silent, vitale("dutest")))
    assert bench.state() == "patient_signed"
    (reply,) = bench.submit(visit())
    assert (reply.sheet, bench.counter("sheet")) == (1, 1)


def test_without_the_pin_the_card_does_not_sign(bench: Bench) -> None:
    """CARD-PIN-NEEDED: the gateway knows no PIN; until its holder gave it to the card, nothing is sealed."""
    card = build.cps("medecin")
    card.reset()
    locked = ProfessionalCard.insert(card.transmit)
    with pytest.raises(PinNeeded) as refusal:
        bench.gateway.submit(visit(), CardsAtHand(locked, vitale("dutest")))
    assert refusal.value.rule.id == "CARD-PIN-NEEDED"
    assert bench.rows("SELECT sealed FROM sheets") == [(None,)]
    locked.unlock("1234")
    assert bench.gateway.submit(visit(), CardsAtHand(locked, vitale("dutest")))[0].sheet == 1


def test_the_caisses_of_two_patients_differ(bench: Bench) -> None:
    """The addressee follows the affiliation of the patient, never the site (convention art. 5)."""
    bench.submit(visit("A"))
    bench.submit(visit("B", **TWINS), "imaginaire")
    assert bench.rows("SELECT organism FROM sheets ORDER BY number") == [(ARTOIS,), (OPALE,)]
