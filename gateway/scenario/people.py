"""The people of a scene: its encounter, written with the cards of the demonstration wallet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fse.encounter import read_encounter
from gateway.scenario.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from card_sim.profiles import VitaleProfile
    from card_sim.wallet import Wallet
    from fse.encounter import Encounter
    from gateway.scenario.file import Consult, Scenario

__all__ = ["check_names", "encounter_of"]


def check_names(scenario: Scenario, wallet: Wallet) -> None:
    """
    Hold every name of ``scenario`` against the wallet and the steps before it.

    Raises :class:`gateway.scenario.ScenarioError` (SCENARIO-NAME).
    """
    told: list[str] = []
    for rank, step in enumerate(scenario.steps):
        line = scenario.line_of(rank)
        if step.consult is not None:
            _known(line, "consult.by", step.consult.by, wallet.cps)
            if step.consult.card is not None:
                _known(line, "consult.card", step.consult.card, wallet.vitale)
                holders = range(1 + len(wallet.vitale[step.consult.card].beneficiaries))
                _known(line, "consult.who", step.consult.who, holders)
            told.append(step.consult.name)
        elif step.send is not None:
            _known(line, "send.by", step.send.by, wallet.cps)
        elif step.paper is not None:
            _known(line, "paper.of", step.paper.of, told)
        elif step.check is not None:
            _known(line, "check.of", step.check.of, told)


def _known(line: int, place: str, name: object, known: Iterable[object]) -> None:
    if name not in known:
        names = ", ".join(str(one) for one in known) or "–"
        raise ScenarioError("SCENARIO-NAME", line=line, place=place, name=name, known=names)


def encounter_of(consult: Consult, wallet: Wallet, now: datetime) -> Encounter:
    """Return the encounter of the scene; raises :class:`fse.encounter.EncounterError` for facts that do not hold."""
    professional = wallet.cps[consult.by]
    facts: dict[str, Any] = {
        "reference": consult.name,
        "at": (consult.at or now).isoformat(),
        "site": professional.structures[0],
        "professional": {
            "rpps": professional.rpps,
            "profession": professional.profession,
            "family_name": professional.family_name,
            "first_name": professional.first_name,
        },
        "patient": _patient(consult, wallet),
        "vitale": consult.vitale,
        "cps": consult.cps,
        "acts": [{"code": act} if isinstance(act, str) else act for act in consult.acts],
    }
    return read_encounter(json.dumps(facts | consult.facts).encode())


def _patient(consult: Consult, wallet: Wallet) -> dict[str, Any]:
    if consult.card is None:
        return {"kind": "anonymous", "minor": consult.minor}
    card = wallet.vitale[consult.card]
    patient: dict[str, Any] = {
        "kind": "identified",
        "insured": _insured(card),
        "organism": f"{card.regime}{card.caisse}{card.centre}",
    }
    if consult.who:
        who = card.beneficiaries[consult.who - 1]
        patient["beneficiary"] = {
            "family_name": who.family_name,
            "first_name": who.first_name,
            "birth_date": who.birth_date.isoformat(),
            "birth_rank": who.birth_rank,
        } | ({"nir": who.nir} if who.nir else {})
    return patient


def _insured(card: VitaleProfile) -> dict[str, Any]:
    return {
        "nir": card.nir[:13],
        "family_name": card.family_name,
        "first_name": card.first_name,
        "birth_date": card.birth_date.isoformat(),
    }
