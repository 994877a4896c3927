"""
The card's data win: what the Vitale in the reader says replaces what the PMI file says.

Who is not on the card is refused before anything is sealed (CSS R161-42, 1°).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.encounter import Encounter, IdentifiedPatient
from fse.seals import WrongPatient

if TYPE_CHECKING:
    from fse.cards.vitale import VitaleData
    from fse.encounter import Person

__all__ = ["with_card"]


def with_card(encounter: Encounter, card: VitaleData) -> Encounter:
    """
    Return ``encounter`` with NIR, birth dates and ranks, and the body that pays, as the card gives them.

    An anonymous or secret encounter is returned as it is: no card belongs to it. Raises
    :class:`fse.seals.WrongPatient` when the insured or the beneficiary is not on the card.
    """
    if not isinstance(encounter.patient, IdentifiedPatient):
        return encounter
    patient = encounter.patient
    if patient.insured.nir != card.insured.nir:
        raise WrongPatient(serial=card.serial)
    insured = patient.insured.model_copy(update={"birth_date": card.insured.birth_date})
    changes: dict[str, object] = {"insured": insured, "organism": card.regime + card.caisse + card.centre}
    if patient.beneficiary is not None:
        changes["beneficiary"] = _on_card(patient, patient.beneficiary, card)
    return encounter.model_copy(update={"patient": patient.model_copy(update=changes)})


def _on_card(patient: IdentifiedPatient, who: Person, card: VitaleData) -> Person | None:
    """Return the beneficiary with the NIR that the card knows, or None when the beneficiary is the insured."""
    if who.nir == patient.insured.nir:
        return None
    for holder in card.beneficiaries:
        if who.nir is not None and holder.nir is not None:
            same = who.nir == holder.nir
        else:
            same = (who.birth_date, who.birth_rank) == (holder.birth_date, holder.birth_rank)
        if same:
            return who.model_copy(
                update={"nir": holder.nir, "birth_date": holder.birth_date, "birth_rank": holder.birth_rank}
            )
    raise WrongPatient(serial=card.serial)
