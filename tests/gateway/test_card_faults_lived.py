"""Each fault of the catalogue, lived through at the gateway: the rule, the public code, the channel, and its end."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas
from card_sim.cps import Counters, CpsCard
from card_sim.faults import CardFault, FaultKind, FaultySlot
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet
from fse.errors import FseError
from fse.routing import Outcome
from fse.rules import rule
from fse.seals import verify_sheet
from fse.trust import TrustStore
from fse.vitale_update import is_out_of_date
from gateway.readers import CardsAtHand, ProfessionalCard, VitaleCard
from tests.fse import sheet_builders as build
from tests.gateway.bench import TUESDAY, Bench, visit

if TYPE_CHECKING:
    from pathlib import Path

    from card_sim.vitale import VitaleCard as VitaleInMemory
    from gateway.reply import Reply

FAULTS: dict[str, dict[str, Any]] = schemas.read_toml("card_faults.toml")
ON_DEMAND = sorted(name for name, entry in FAULTS.items() if entry["made"] == "slot")
PIN_STATES = ["cps-wrong-pin", "cps-blocked"]
CARD_STATES = sorted(name for name, entry in FAULTS.items() if entry["made"] == "card" and name not in PIN_STATES)

# Codes of the public manual (2005), by what they say there.
MANUAL = {
    "0x0040": "reader reset",
    "0x0200": "reader protocol",
    "0x0400": "reader silent",
    "0xF001": "CPS absent",
    "0xF003": "wrong PIN",
    "0xF011": "Vitale absent",
    "0xF014": "Vitale communication fault",
    "0xF015": "Vitale withdrawn",
    "0xF026": "test and real cards mixed",
}


@cache
def other_infrastructure() -> TestPki:
    """Return an infrastructure that nobody here trusts."""
    return TestPki.create(SeededRandomness("clone"), now=datetime(2025, 3, 4, tzinfo=UTC))


def cards(cps: CardFault | None = None, vitale: CardFault | None = None) -> CardsAtHand:
    """Put the doctor's CPS and the family's Vitale in, each with its fault; raises what reading the CPS raises."""
    doctor, family = build.cps("medecin"), build.vitale("dutest")
    doctor.reset()
    slots = []
    for card, fault in ((doctor, cps), (family, vitale)):
        wrapped = card.transmit
        if fault is not None:
            wrapped = FaultySlot(card.transmit, fault, reset=card.reset, wait=lambda _: None).transmit
        slots.append(wrapped)
    professional = ProfessionalCard.insert(slots[0])
    professional.unlock("1234")
    return CardsAtHand(professional, slots[1])


def lived(bench: Bench, **faults: CardFault) -> tuple[str, tuple[Reply, ...], str]:
    """Submit the example with these faults; return the rule that broke, the replies, and the public code."""
    try:
        replies = bench.gateway.submit(visit(), cards(**faults))
    except FseError as error:
        return error.rule.id, (), str(error.facts.get("code", ""))
    return "", replies, ""


def whole(bench: Bench) -> None:
    """Hold every sheet that left the desk against the caisse's own verification."""
    for (sealed,) in bench.rows("SELECT sealed FROM sheets WHERE sealed IS NOT NULL"):
        verify_sheet(sealed, bench.trust, bench.clock.now())


def test_the_catalogue_is_complete_and_speaks_of_known_things() -> None:
    """Protects the catalogue: every fault that is promised, codes of the manual, an end for each."""
    words = " ".join(FAULTS)
    for wanted in ("absent", "pulled", "mute", "slow", "reader-error", "wrong-pin", "blocked", "expired", "opposed"):
        assert wanted in words
    for wanted in ("out-of-date", "real", "revoked", "tampered", "clone"):
        assert wanted in words
    for entry in FAULTS.values():
        assert set(entry["codes"]) <= set(MANUAL)
        assert entry["then"] in set(Outcome)
        assert all(entry[name] for name in ("ends", "fr", "fr_advice", "en", "en_advice"))
        assert not entry["rule"] or rule(entry["rule"]).severity == "error"


@pytest.mark.parametrize("name", ON_DEMAND)
def test_a_fault_on_demand_ends_as_the_catalogue_says(name: str, tmp_path: Path) -> None:
    """Protects each fault of the reader: its rule and code, nothing half-sealed; over, the same submission succeeds."""
    entry = FAULTS[name]
    kind, card = FaultKind(entry["fault"]), entry["card"]
    first = _commands(card, tmp_path) if kind is FaultKind.PULLED else 1  # pulled at its very last command: signing
    bench = Bench(tmp_path)
    broken, replies, code = lived(bench, **{card: CardFault(kind, first)})
    assert broken == entry["rule"]
    assert not code or code in entry["codes"]
    if not broken:
        assert [reply.outcome for reply in replies] == [entry["then"]]
    whole(bench)
    if broken:
        assert [reply.outcome for reply in bench.submit(visit())] == [Outcome.SECURED]
        whole(bench)


def _commands(card: str, folder: Path) -> int:
    """Return how many commands ``card`` gets in a whole sealing."""
    (folder / "count").mkdir()
    bench = Bench(folder / "count")
    count = CardFault(FaultKind.SLOW, 1, 0)
    doctor, family = build.cps("medecin"), build.vitale("dutest")
    doctor.reset()
    slots = {
        name: FaultySlot(one.transmit, count, reset=one.reset, wait=lambda _: None)
        for name, one in {"cps": doctor, "vitale": family}.items()
    }
    professional = ProfessionalCard.insert(slots["cps"].transmit)
    professional.unlock("1234")
    bench.gateway.submit(visit(), CardsAtHand(professional, slots["vitale"].transmit))
    bench.journal.close()
    return slots[card].commands


def test_a_wrong_pin_and_a_blocked_card(tmp_path: Path) -> None:
    """Protects cps-wrong-pin and cps-blocked: the rules and the public code; the right PIN ends the first."""
    del tmp_path
    one = build.cps("medecin")
    card = CpsCard(
        one.profile,
        one.private_key,
        one.certificate,
        one.issuer_certificate,
        challenges=SeededRandomness("faults").stream("challenges"),
        counters=Counters(2),
    )
    held = ProfessionalCard.insert(card.transmit)
    seen = []
    for pin in ("0000", "1234", "0000", "0000", "0000", "1234"):
        try:
            held.unlock(pin)
            seen.append(("", ""))
        except FseError as error:
            seen.append((error.rule.id, str(error.facts.get("code", ""))))
    wrong, blocked = ("CARD-PIN-WRONG", "0xF003"), ("CARD-PIN-BLOCKED", "")
    assert seen == [wrong, ("", ""), wrong, wrong, blocked, blocked]
    assert [FAULTS[name]["codes"] for name in PIN_STATES] == [["0xF003"], []]
    assert [FAULTS[name]["rule"] for name in PIN_STATES] == [wrong[0], blocked[0]]


@pytest.mark.parametrize("name", CARD_STATES)
def test_a_card_that_is_so(name: str, tmp_path: Path) -> None:
    """Protects faults that are states: the rule of the catalogue before a number is spent, or care that goes on."""
    entry, pki = FAULTS[name], build.new_pki()
    wallet = demo_wallet()
    doctor, family = build.cps("medecin"), build.vitale("dutest")
    vitale: VitaleInMemory = family
    bench = Bench(tmp_path)
    if name == "cps-expired":
        doctor = pki.renew_cps(doctor, replace(doctor.profile, valid_to=date(2025, 3, 3)))
    elif name == "cps-revoked":
        doctor = pki.issue_cps(wallet.cps["medecin"])
        pki.revoke(doctor.certificate, datetime(2025, 3, 4, tzinfo=UTC))
        bench.trust = TrustStore.load(build.trust_files(pki))
        bench.open()
    elif name == "vitale-clone":
        vitale = other_infrastructure().issue_vitale(wallet.vitale["dutest"])
    elif name == "vitale-apcv-ended":
        vitale = pki.issue_apcv(family.profile, TUESDAY - timedelta(minutes=16), TUESDAY - timedelta(minutes=1))
    elif name == "vitale-opposed":
        bench.opposed |= {family.profile.serial}
        bench.open()
    elif name == "vitale-out-of-date":
        vitale = pki.renew_vitale(family, replace(family.profile, updated_on=date(2024, 3, 3)))
        assert is_out_of_date(VitaleCard.insert(vitale.transmit).data.updated_on, TUESDAY.date())
    else:
        pytest.fail(f"no such card is made here: {name}")
    professional = ProfessionalCard.insert(doctor.transmit)
    professional.unlock("1234")
    at_hand = CardsAtHand(professional, vitale.transmit)
    if entry["rule"]:
        with pytest.raises(FseError) as caught:
            bench.gateway.submit(visit(), at_hand)
        assert caught.value.rule.id == entry["rule"]
        assert bench.rows("SELECT count(*) FROM sheets") == [(0,)]
    else:
        assert [reply.outcome for reply in bench.gateway.submit(visit(), at_hand)] == [entry["then"]]
        whole(bench)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["cps", "vitale"]), st.sampled_from(FaultKind), st.integers(1, 40), st.integers(0, 3))
def test_any_fault_anywhere_gives_a_named_error_or_a_sound_sheet(
    tmp_path_factory: pytest.TempPathFactory, card: str, kind: FaultKind, first: int, times: int
) -> None:
    """Protects the desk: whatever strikes, no other exception, no unsound sheet; then the same submission succeeds."""
    bench = Bench(tmp_path_factory.mktemp("any"))
    lived(bench, **{card: CardFault(kind, first, times)})
    whole(bench)
    replies = bench.submit(visit())
    assert replies[0].outcome in {Outcome.SECURED, Outcome.DEGRADED}
    whole(bench)
    live = bench.rows("SELECT count(*) FROM sheets WHERE state <> 'void'")
    assert live == [(1,)]
    bench.journal.close()


def test_the_catalogue_is_shown() -> None:
    """Protects the words: what an operator reads is a sentence with a capital and an end, in both languages."""
    for entry in FAULTS.values():
        for language in ("fr_advice", "en_advice"):
            assert re.fullmatch(r"[A-ZÀÉ].*\.", entry[language])
