"""
The rights of the insured, asked online (ADRi) and attached to the encounter: never a reason to refuse care.

What was found and where people were guided is counted for the yearly review (convention 2023-212, art. 12, 14, 18).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, Protocol

from fse.deadlines import paris_date
from fse.encounter import IdentifiedPatient, RightsCheck
from fse.vitale_update import is_out_of_date

if TYPE_CHECKING:
    from datetime import date

    from fse.encounter import Encounter
    from gateway.journal import Transaction
    from gateway.readers import VitaleCard

__all__ = ["RightsService", "attach_rights", "count_rights", "record_rights", "warnings_of"]

_EVENTS = ("rights_open", "rights_closed", "rights_unknown", "orientation")


class RightsService(Protocol):
    """Who answers about rights; what it raises counts as no answer."""

    def __call__(self, nir: str, organism: str, on: date) -> Literal["open", "closed"]:
        """Return whether the rights of the insured (NIR of 13 characters) are open on that day."""


def attach_rights(encounter: Encounter, service: RightsService | None) -> Encounter:
    """Return ``encounter`` with what the service answers, unless somebody has asked already or nobody is named."""
    patient = encounter.patient
    if service is None or not isinstance(patient, IdentifiedPatient) or encounter.rights.result != "not-consulted":
        return encounter
    on = encounter.day
    try:
        result: Literal["open", "closed", "unknown"] = service(patient.insured.nir, patient.organism, on)
    except Exception:  # noqa: BLE001 - whatever befalls somebody else's service, care goes on
        result = "unknown"
    return encounter.model_copy(update={"rights": RightsCheck(result=result, on=on)})


def warnings_of(encounter: Encounter, vitale: VitaleCard | None) -> tuple[str, ...]:
    """Return the rules that ask for attention: closed or unknown rights, a card that was not updated for a year."""
    found = {"closed": ["RIGHTS-CLOSED"], "unknown": ["RIGHTS-UNKNOWN"]}.get(encounter.rights.result, [])
    if vitale is not None and is_out_of_date(vitale.data.updated_on, paris_date(encounter.at)):
        found = [*found, "VITALE-UPDATE"]
    return tuple(found)


def record_rights(tx: Transaction, encounter: Encounter) -> None:
    """Record what the yearly review counts: the answer about rights, and each orientation by its family."""
    if encounter.rights.result != "not-consulted":
        tx.record(f"rights_{encounter.rights.result}")
    for one in encounter.orientations:
        tx.record("orientation", one.family)


def count_rights(tx: Transaction) -> dict[str, int]:
    """Return the counts for the yearly review, by event and family (RIGHT-04, BILAN-04)."""
    counted = Counter(
        f"{event.name}:{event.detail}" if event.detail else event.name for event in tx.events() if event.name in _EVENTS
    )
    return dict(sorted(counted.items()))
