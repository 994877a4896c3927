"""
The papers that the law wants beside or instead of a sheet, as the forms of :mod:`fse.documents`.

Each is stored with its record, waiting to be printed. Printing and posting are steps of the paper's own life cycle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fse.deadlines import paris_date
from fse.decision import maternity_of, secret_nir
from fse.documents import (
    ActLine,
    CareSheetPaper,
    Form708,
    Form709,
    Invoice,
    Nobody,
    Patient,
    Place,
    Practitioner,
    Recap,
    Screening,
    Vaccine,
)
from fse.encounter import AnonymousPatient, Encounter, IdentifiedPatient, SecretPatient
from fse.identifiers import Nir
from fse.lifecycle import PAPERS, Effect, PaperEvent, PaperKind, PaperRecord
from fse.routing import Outcome
from fse.sheet import Illness, Maternity
from fse.sheet_xml import read_sheet
from gateway.journal import StoredPaper

if TYPE_CHECKING:
    from fse.decision import Decision
    from fse.documents import Document
    from fse.encounter import ActFact, Person
    from fse.lifecycle import SheetEvent, SheetRecord, SheetState, Step
    from fse.tables import Tables
    from gateway.journal import StoredSheet, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["PAPER_OF", "anonymous_nir", "carry_out_paper", "paper_of_encounter"]

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
_VOIDED = {Effect.VOID_PAPER: frozenset(PaperKind), Effect.VOID_DUPLICATA: frozenset({PaperKind.DUPLICATA})}
_FORM_OF: dict[PaperKind, Literal["plain", "twin", "duplicata"]] = {
    PaperKind.TWIN: "twin",
    PaperKind.DUPLICATA: "duplicata",
    PaperKind.PLAIN: "plain",
}


def anonymous_nir(organism: str) -> str:
    """
    Return the number that stands for the patient of an anonymous IVG.

    2 55 55 55 + caisse + 030 (convention 10.3.1).
    """
    return f"2555555{organism[2:5]}030"


def paper_of_encounter(
    encounter: Encounter, decision: Decision, profile: ServiceProfile, tables: Tables, *, reason: str
) -> Document:
    """
    Return the paper that stands instead of a sheet.

    Of an anonymous patient it says nothing but a number of nobody. Raises :class:`fse.documents.DocumentError` for a
    form that cannot be made so, DOC-FUNCTION when nobody of the profile may attest the service done.
    """
    match decision.outcome:
        case Outcome.FORM_708:
            return _form_708(encounter, decision, profile)
        case Outcome.FORM_709:
            return _form_709(encounter, decision, profile)
        case Outcome.RECAP:
            tables.habilitations.require(profile.attested_by, encounter.day)
            return _recap(encounter, decision, profile)
    return _care_sheet(encounter, decision, profile, reason)


def _form_708(encounter: Encounter, decision: Decision, profile: ServiceProfile) -> Form708:
    lines = tuple(
        Vaccine(
            label=priced.label,
            cip=priced.cip or "",
            on=encounter.day_of(act),
            quantity=priced.quantity,
            cents=priced.cents,
            rate_percent=priced.rate_percent,
            amo_cents=priced.amo_cents,
        )
        for act, priced in zip(decision.acts, decision.priced, strict=True)
    )
    insured, beneficiary = _people(encounter, profile)
    return Form708(
        place=_place(encounter.site, profile),
        drawn_up_on=encounter.day,
        practitioner=_practitioner(encounter),
        insured=insured,  # type: ignore[arg-type] # a vaccine is never routed here without a name; the model refuses it
        beneficiary=beneficiary,
        organism=_organism(encounter, profile),
        lines=lines,
        total_cents=sum(one.cents for one in lines),
        amo_cents=sum(one.amo_cents for one in lines),
    )


def _form_709(encounter: Encounter, decision: Decision, profile: ServiceProfile) -> Form709:
    lines = tuple(_screening(encounter, act) for act in decision.acts)
    amounts = [one.cents for one in lines if one.cents is not None]
    return Form709(
        place=_place(encounter.site, profile),
        drawn_up_on=encounter.day,
        practitioner=_practitioner(encounter),
        lines=lines,
        total_cents=sum(amounts) if len(amounts) == len(lines) else None,
    )


def _recap(encounter: Encounter, decision: Decision, profile: ServiceProfile) -> Recap:
    invoices = tuple(_invoice(encounter, act, profile) for act in decision.acts)
    return Recap(
        place=_place(encounter.site, profile),
        drawn_up_on=encounter.day,
        organism=_organism(encounter, profile),
        invoices=invoices,
        count=len(invoices),
        total_cents=sum(one.cents for one in invoices),
        signed_by=profile.attested_by,
    )


def _care_sheet(encounter: Encounter, decision: Decision, profile: ServiceProfile, reason: str) -> CareSheetPaper:
    insured, beneficiary = _people(encounter, profile)
    lines = tuple(
        ActLine(
            code=priced.letter,
            label=priced.label,
            on=encounter.day_of(act),
            quantity=priced.quantity,
            coefficient="" if priced.coefficient is None else str(priced.coefficient),
            cents=priced.cents,
            rate_percent=priced.rate_percent,
            amo_cents=priced.amo_cents,
        )
        for act, priced in zip(decision.acts, decision.priced, strict=True)
    )
    first = decision.priced[0]
    maternity = maternity_of(encounter, decision) if first.nature == "maternite" else None
    return CareSheetPaper(
        form="plain",
        reason=reason,
        place=_place(encounter.site, profile),
        drawn_up_on=encounter.day,
        practitioner=_practitioner(encounter),
        insured=insured,
        beneficiary=beneficiary,
        organism=_organism(encounter, profile),
        nature=first.nature,
        maternity_from=None if maternity is None else maternity.on,
        accident_on=encounter.accident_by_third_party,
        exemption=first.exemption,
        lines=lines,
        total_cents=sum(one.cents for one in lines),
        amo_cents=sum(one.amo_cents for one in lines),
    )


def carry_out_paper(
    tx: Transaction,
    step: Step[SheetState, SheetEvent, SheetRecord],
    stored: StoredSheet,
    profile: ServiceProfile,
) -> None:
    """
    Carry out what ``step`` of a sheet asks of its papers.

    Make the twin or the duplicata, void what is not needed any more.
    """
    policy = profile.policy
    for effect in step.effects:
        if effect in _MADE_BY:
            _make(tx, _MADE_BY[effect], step.record, stored, profile)
        elif effect in _VOIDED:
            for paper in tx.papers(sheet=stored.number):
                if paper.record.kind in _VOIDED[effect] and paper.record.state not in PAPERS.finals:
                    moved = PAPERS.advance(paper.record, PaperEvent.VOID, tx.now, policy, step.row.event)
                    tx.update_paper(paper.number, moved.record, PaperEvent.VOID, step.row.event)


def _make(tx: Transaction, kind: PaperKind, record: SheetRecord, stored: StoredSheet, profile: ServiceProfile) -> None:
    number = tx.take_number("paper")
    established = paris_date(tx.now) if kind is PaperKind.DUPLICATA else record.established_on
    paper = PaperRecord.needed(f"{number:06d}", kind, established, profile.policy, sheet=record.number)
    document = _paper_of_sheet(kind, record, stored, profile)
    content = document.model_dump_json()
    tx.add_paper(StoredPaper(number, stored.reference, stored.part, stored.number, paper, content, stored.site))


def _paper_of_sheet(
    kind: PaperKind, record: SheetRecord, stored: StoredSheet, profile: ServiceProfile
) -> CareSheetPaper:
    """Return the paper of a sheet: its twin, or the duplicata with its reason and the numbers of sheet and lot."""
    sheet = read_sheet(stored.payload)
    encounter = Encounter.model_validate_json(stored.encounter)
    insured, beneficiary = _people(encounter, profile)
    lines = tuple(
        ActLine(
            code=line.code,
            on=line.on,
            quantity=line.quantity,
            coefficient="" if line.coefficient is None else str(line.coefficient),
            cents=line.fee_cents,
            rate_percent=line.rate_percent,
            amo_cents=line.amo_cents,
        )
        for line in sheet.lines
    )
    cover = sheet.cover
    return CareSheetPaper(
        form=_FORM_OF[kind],
        reason=sheet.mode.cause or "" if kind is PaperKind.TWIN else record.reason,
        number=record.number,
        lot=record.lot or None,
        place=_place(sheet.professional.structure, profile),
        drawn_up_on=sheet.drawn_up_on,
        practitioner=_practitioner(encounter),
        insured=insured,
        beneficiary=beneficiary,
        organism=sheet.organism,
        nature="maternite" if isinstance(cover, Maternity) else "maladie",
        maternity_from=cover.on if isinstance(cover, Maternity) else None,
        accident_on=cover.accident_by_third_party if isinstance(cover, Illness) else None,
        exemption=cover.exemption if isinstance(cover, Illness) else "0",
        lines=lines,
        total_cents=sum(one.cents for one in lines),
        amo_cents=sum(one.amo_cents for one in lines),
    )


def _place(finess: str, profile: ServiceProfile) -> Place:
    site = profile.sites.get(finess)
    return Place(
        finess=finess,
        name="" if site is None else site.name,
        address="" if site is None else site.address,
        biller=profile.biller,
    )


def _practitioner(encounter: Encounter) -> Practitioner:
    who = encounter.professional
    return Practitioner(
        rpps=who.rpps, family_name=who.family_name, first_name=who.first_name, profession=who.profession.value
    )


def _organism(encounter: Encounter, profile: ServiceProfile) -> str:
    patient = encounter.patient
    return patient.organism if isinstance(patient, IdentifiedPatient) else profile.anonymous_organism(encounter.site)


def _people(encounter: Encounter, profile: ServiceProfile) -> tuple[Patient | Nobody, Patient | None]:
    """Return the insured and the beneficiary when it is somebody else; who must not be named is nobody."""
    match encounter.patient:
        case AnonymousPatient():
            return Nobody(nir=anonymous_nir(profile.anonymous_organism(encounter.site))), None
        case SecretPatient(birth_date=born):
            return Nobody(nir=secret_nir(profile.anonymous_organism(encounter.site)), birth_date=born), None
        case patient:
            other = patient.beneficiary
            return _person(patient.insured), None if other is None else _person(other)


def _screening(encounter: Encounter, act: ActFact) -> Screening:
    item = act.screening
    return Screening(
        label=act.code if item is None else item.label,
        nature=None if item is None else item.nature,
        quotation="" if item is None else item.quotation,
        on=encounter.day_of(act),
        count=act.quantity,
        cents=None if item is None else item.cents * act.quantity,
    )


def _invoice(encounter: Encounter, act: ActFact, profile: ServiceProfile) -> Invoice:
    invoice = act.invoice
    if invoice is None:  # decide() has refused such an act
        raise ValueError(act.code)
    insured, beneficiary = _people(encounter, profile)
    return Invoice(
        finess=invoice.finess,
        rpps=invoice.rpps,
        performer=f"{invoice.first_name} {invoice.family_name}",
        insured=insured,
        beneficiary=beneficiary,
        code=act.code,
        on=encounter.day_of(act),
        rate_percent=invoice.rate_percent,
        cents=invoice.cents,
    )


def _person(person: Person) -> Patient:
    return Patient(
        nir=None if person.nir is None else Nir.parse(person.nir).full,
        family_name=person.family_name,
        first_name=person.first_name,
        birth_date=person.birth_date,
        birth_rank=person.birth_rank,
    )
