"""
The papers that the law wants beside or instead of a sheet, as documents that say everything a form must hold.

Each is stored with its record, waiting to be printed. Printing and posting are steps of the paper's own life cycle.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fse.deadlines import paris_date
from fse.decision import secret_nir
from fse.encounter import AnonymousPatient, Encounter, IdentifiedPatient, SecretPatient
from fse.identifiers import Nir
from fse.lifecycle import PAPERS, Effect, PaperEvent, PaperKind, PaperRecord, PaperState
from fse.routing import Outcome
from fse.sheet_xml import MENTION, read_sheet
from gateway.journal import StoredPaper

if TYPE_CHECKING:
    from fse.decision import Decision
    from fse.encounter import Person
    from fse.lifecycle import Policy, SheetEvent, SheetRecord, SheetState, Step
    from gateway.journal import StoredSheet, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["PAPER_OF", "anonymous_nir", "carry_out_paper", "describe_encounter"]

PAPER_OF = {
    Outcome.PLAIN_PAPER: PaperKind.PLAIN,
    Outcome.FORM_708: PaperKind.FORM_708,
    Outcome.FORM_709: PaperKind.FORM_709,
    Outcome.RECAP: PaperKind.RECAP,
}
"""The kind of the paper that stands instead of a sheet, by the outcome that asks for it."""

_MADE_BY = {
    Effect.MAKE_PAPER_TWIN: PaperKind.TWIN,
    Effect.PROPOSE_DUPLICATA: PaperKind.DUPLICATA,
    Effect.MAKE_PLAIN_PAPER: PaperKind.PLAIN,
}


def anonymous_nir(organism: str) -> str:
    """
    Return the number that stands for the patient of an anonymous IVG.

    2 55 55 55 + caisse + 030 (convention 10.3.1).
    """
    return f"2555555{organism[2:5]}030"


def describe_encounter(encounter: Encounter, decision: Decision, profile: ServiceProfile) -> str:
    """
    Return, as JSON, the paper that stands instead of a sheet.

    Of an anonymous patient it says nothing but the number.
    """
    if isinstance(encounter.patient, AnonymousPatient):
        patient: dict[str, Any] = {"nir": anonymous_nir(profile.anonymous_organism)}
        organism = profile.anonymous_organism
    elif isinstance(encounter.patient, SecretPatient):
        patient = _secret(encounter.patient, profile.anonymous_organism)
        organism = profile.anonymous_organism
    else:
        insured, other = encounter.patient.insured, encounter.patient.beneficiary
        patient = {"assure": _person(insured), "beneficiaire": None if other is None else _person(other)}
        organism = encounter.patient.organism
    prices = {act.code: act for act in decision.priced}
    lines = [
        {
            "code": act.code,
            "date": encounter.day_of(act).isoformat(),
            "quantite": act.quantity,
            "montant_centimes": prices[act.code].cents if act.code in prices else None,
        }
        for act in decision.acts
    ]
    who = encounter.professional
    return _json(
        mention=MENTION,
        document=decision.outcome.value,
        motif=decision.row.reason if decision.row else "",
        facturier=profile.biller,
        structure={"finess": encounter.site, "nom": profile.sites[encounter.site]},
        professionnel={"rpps": who.rpps, "nom": who.family_name, "prenom": who.first_name},
        organisme=organism,
        patient=patient,
        actes=lines,
        total_centimes=decision.total_cents or None,
    )


def carry_out_paper(
    tx: Transaction, step: Step[SheetState, SheetEvent, SheetRecord], stored: StoredSheet, policy: Policy
) -> None:
    """
    Carry out what ``step`` of a sheet asks of its papers.

    Make the twin or the duplicata, void what is not needed any more.
    """
    for effect in step.effects:
        if effect in _MADE_BY:
            _make(tx, _MADE_BY[effect], step.record, stored, policy)
        elif effect is Effect.VOID_PAPER:
            for paper in tx.papers(sheet=stored.number):
                if paper.record.state not in {PaperState.VOID, PaperState.RECEIVED}:
                    moved = PAPERS.advance(paper.record, PaperEvent.VOID, tx.now, policy, step.row.event)
                    tx.update_paper(paper.number, moved.record, PaperEvent.VOID, step.row.event)


def _make(tx: Transaction, kind: PaperKind, record: SheetRecord, stored: StoredSheet, policy: Policy) -> None:
    number = tx.take_number("paper")
    established = paris_date(tx.now) if kind is PaperKind.DUPLICATA else record.established_on
    paper = PaperRecord.needed(f"{number:06d}", kind, established, policy, sheet=record.number)
    tx.add_paper(
        StoredPaper(number, stored.reference, stored.part, stored.number, paper, _describe_sheet(kind, record, stored))
    )


def _describe_sheet(kind: PaperKind, record: SheetRecord, stored: StoredSheet) -> str:
    """Return, as JSON, the paper of a sheet; a duplicata bears its reason and the numbers of the sheet and its lot."""
    sheet = read_sheet(stored.payload)
    patient = Encounter.model_validate_json(stored.encounter).patient
    people: dict[str, Any] = {}
    if isinstance(patient, SecretPatient):
        people = _secret(patient, sheet.organism)
    elif isinstance(patient, IdentifiedPatient):
        people = {
            "assure": _person(patient.insured),
            "beneficiaire": None if patient.beneficiary is None else _person(patient.beneficiary),
        }
    who = sheet.professional
    return _json(
        mention=MENTION,
        document=kind.value,
        motif=record.reason if kind is PaperKind.DUPLICATA else sheet.mode.cause,
        numero_fse=record.number,
        numero_lot=record.lot or None,
        signatures=["praticien", "assuré, ou : l'assuré n'a pas pu signer"],
        facturier=who.biller,
        structure={"finess": who.structure},
        professionnel={"rpps": who.rpps, "nom": who.family_name, "prenom": who.first_name},
        organisme=sheet.organism,
        patient=people,
        actes=[
            {
                "code": line.code,
                "date": line.on.isoformat(),
                "quantite": line.quantity,
                "montant_centimes": line.fee_cents,
            }
            for line in sheet.lines
        ],
        total_centimes=sheet.total_cents,
    )


def _secret(patient: SecretPatient, organism: str) -> dict[str, Any]:
    """Return what a paper says of a minor whose name stays secret: the number of nobody and the birth date."""
    return {"nir": secret_nir(organism), "date_naissance": patient.birth_date.isoformat()}


def _person(person: Person) -> dict[str, Any]:
    return {
        "nir": None if person.nir is None else Nir.parse(person.nir).full,
        "nom": person.family_name,
        "prenom": person.first_name,
        "date_naissance": person.birth_date.isoformat(),
        "rang_naissance": person.birth_rank,
    }


def _json(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)
