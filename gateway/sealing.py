"""
From a decision to a sealed sheet in the journal.

Order of things, so that nothing is ever lost: a number is reserved durably; the XML is written; the patient's card
signs and its signature is stored at once; the professional's card signs and the whole sheet is stored. No card is
spoken to inside a database transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fse.deadlines import paris_date
from fse.decision import draw_up
from fse.lifecycle import SHEETS, ImpossibleTransition, SheetEvent, SheetMode, SheetRecord, SheetState
from fse.seals import seal_as_patient, seal_as_professional
from fse.sheet_xml import read_sheet, write_sheet
from gateway.card_checks import check_cards
from gateway.errors import GatewayError
from gateway.journal import StoredSheet
from gateway.movements import move_sheet
from gateway.papers import carry_out_paper

if TYPE_CHECKING:
    from fse.decision import Decision
    from fse.encounter import Encounter
    from fse.sheet import Sheet
    from fse.trust import TrustStore
    from gateway.clock import Clock
    from gateway.journal import Journal, Transaction
    from gateway.profile import ServiceProfile
    from gateway.readers import ProfessionalCard, VitaleCard

__all__ = ["SealingDesk", "Visit", "replacing"]


@dataclass(frozen=True, slots=True)
class Visit:
    """
    An encounter as the card in the reader corrects it, the digest of the facts as submitted, and the cards.

    ``replaces`` is the sheet that the new one regularises or corrects, if any.
    """

    encounter: Encounter
    facts: str
    cps: ProfessionalCard | None
    vitale: VitaleCard | None
    replaces: SheetRecord | None = None


@dataclass(frozen=True, slots=True)
class SealingDesk:
    """Where sheets get their number and their two seals."""

    journal: Journal
    profile: ServiceProfile
    clock: Clock
    trust: TrustStore

    def take_up(self, tx: Transaction, reference: str, facts: str) -> dict[int, StoredSheet]:
        """
        Return the sheets that somebody signed in an earlier attempt under ``reference``, by part.

        A number that nobody signed becomes void. Raises :class:`gateway.errors.GatewayError` (SUBMIT-REFERENCE) when
        what was signed are other facts.
        """
        signed = {}
        for stored in tx.live_sheets(reference):
            if stored.record.state is SheetState.RESERVED:
                self._void(tx, stored)
            elif stored.facts != facts:
                raise GatewayError("SUBMIT-REFERENCE", reference=reference)
            else:
                signed[stored.part] = stored
        return signed

    def void_interrupted(self) -> None:
        """Void every number that was reserved and never signed."""
        with self.journal.write() as tx:
            for stored in tx.sheets(SheetState.RESERVED):
                self._void(tx, stored)

    def _void(self, tx: Transaction, stored: StoredSheet, reason: str = "interrupted") -> None:
        step = SHEETS.advance(stored.record, SheetEvent.VOID, tx.now, self.profile.policy, reason)
        move_sheet(tx, stored, step, self.profile, reason)

    def seal(self, visit: Visit, part: int, decision: Decision, stored: StoredSheet | None) -> StoredSheet:
        """
        Return the sheet of ``decision``, sealed; ``stored`` is what an earlier attempt has left of it.

        Raises :class:`gateway.errors.GatewayError` (SUBMIT-CPS) without a CPS; the errors of :mod:`fse.seals` when a
        card may not sign this sheet, before a number is taken; :class:`fse.cards.CardError`.
        """
        if stored is not None and stored.sealed is not None:
            return stored
        if visit.cps is None:
            raise GatewayError("SUBMIT-CPS")
        if stored is None:
            signing = visit.vitale if decision.mode.secured else None
            stored = self._reserve(visit, part, decision, visit.cps, signing)
            if signing is not None:
                stored = self._sign_as_patient(stored, signing)
        return self.finish(stored, visit.cps)

    def _reserve(
        self, visit: Visit, part: int, decision: Decision, cps: ProfessionalCard, vitale: VitaleCard | None
    ) -> StoredSheet:
        """Check the cards against the sheet, then take a number; both before anybody signs."""
        draft = self._draft(visit, decision, number=1, order=1)
        check_cards(draft, cps, vitale, self.trust, self.clock.now())
        mode = SheetMode.SECURED if decision.mode.secured else SheetMode.DEGRADED
        with self.journal.write() as tx:
            number, order = tx.take_number("sheet"), tx.rank_of_the_day(draft.drawn_up_on)
            stored = StoredSheet(
                number=number,
                reference=visit.encounter.reference,
                part=part,
                facts=visit.facts,
                organism=draft.organism,
                mode=decision.mode.kind,
                specification=self.profile.specification,
                record=replace(
                    SheetRecord.reserve(f"{number:09d}", mode, draft.delay_from, self.profile.policy),
                    corrects="" if visit.replaces is None else visit.replaces.number,
                ),
                encounter=visit.encounter.model_dump_json(),
                payload=write_sheet(self._draft(visit, decision, number=number, order=order)),
                site=visit.encounter.site,
            )
            tx.reserve_sheet(stored)
        return stored

    def _draft(self, visit: Visit, decision: Decision, *, number: int, order: int) -> Sheet:
        return draw_up(
            decision,
            visit.encounter,
            number=number,
            order=order,
            day=paris_date(self.clock.now()),
            biller=self.profile.biller,
            specification=self.profile.specification,
            anonymous_organism=self.profile.anonymous_organism(visit.encounter.site),
            since=visit.replaces.rejected_on if visit.replaces is not None else None,
        )

    def _sign_as_patient(self, stored: StoredSheet, vitale: VitaleCard) -> StoredSheet:
        now = self.clock.now()
        seal = seal_as_patient(stored.payload, vitale.signer, now)
        with self.journal.write() as tx:
            current = _unchanged(tx, stored)
            step = SHEETS.advance(current.record, SheetEvent.PATIENT_SIGN, now, self.profile.policy)
            tx.update_sheet(stored.number, step.record, SheetEvent.PATIENT_SIGN, patient_seal=seal)
        return replace(current, record=step.record, patient_seal=seal)

    def finish(self, stored: StoredSheet, cps: ProfessionalCard) -> StoredSheet:
        """
        Have the professional sign; store the whole sheet, in the queue for a lot, with its twin when degraded.

        A sheet that it replaces ends in the same transaction. Raises :class:`fse.lifecycle.ImpossibleTransition` when
        that one has left meanwhile: the new number is then void.
        """
        now = self.clock.now()
        sheet = read_sheet(stored.payload)
        check_cards(sheet, cps, None, self.trust, now)  # after an interruption it may be another card
        sealed = seal_as_professional(stored.payload, cps.signer, now, sheet.mode.purpose, stored.patient_seal)
        data = sealed.encode()
        try:
            record = self._keep(stored, data)
        except ImpossibleTransition:
            if stored.record.corrects:  # what it replaces has left meanwhile: two sheets for one care never stand
                with self.journal.write() as tx:
                    self._void(tx, _unchanged(tx, stored), "overtaken")
            raise
        return replace(stored, record=record, sealed=data)

    def _keep(self, stored: StoredSheet, sealed: bytes) -> SheetRecord:
        policy = self.profile.policy
        with self.journal.write() as tx:
            current = _unchanged(tx, stored)
            if current.record.corrects:
                self._end_replaced(tx, current.record)
            step = SHEETS.advance(current.record, SheetEvent.SEAL, tx.now, policy)
            tx.update_sheet(stored.number, step.record, SheetEvent.SEAL, sealed=sealed)
            carry_out_paper(tx, step, stored, self.profile)
            step = SHEETS.advance(step.record, SheetEvent.QUEUE, tx.now, policy)
            tx.update_sheet(stored.number, step.record, SheetEvent.QUEUE)
        return step.record

    def _end_replaced(self, tx: Transaction, new: SheetRecord) -> None:
        old = tx.sheet(int(new.corrects))
        if old is not None:
            step = SHEETS.advance(old.record, replacing(old.record), tx.now, self.profile.policy, new.number)
            move_sheet(tx, old, step, self.profile, new.number)

    def resume(self, professional: ProfessionalCard) -> tuple[int, ...]:
        """
        Seal what a patient's card has signed and the professional's could not, before an interruption.

        Only the sheets of the professional whose card this is. Returns their numbers.
        """
        with self.journal.read() as tx:
            waiting = tx.sheets(SheetState.PATIENT_SIGNED)
        own = [stored for stored in waiting if read_sheet(stored.payload).professional.rpps == professional.holder.rpps]
        return tuple(self.finish(stored, professional).number for stored in own)


def replacing(old: SheetRecord) -> SheetEvent:
    """Return what happens to ``old`` when another sheet takes its place: a rejected one is corrected."""
    return SheetEvent.CORRECT if old.state is SheetState.REJECTED else SheetEvent.REGULARISE


def _unchanged(tx: Transaction, stored: StoredSheet) -> StoredSheet:
    """
    Return the sheet as it stands now; no transaction was open while a card was signing.

    Raises :class:`gateway.errors.GatewayError` (SUBMIT-OVERTAKEN) when somebody else has moved it meanwhile.
    """
    current = tx.sheet(stored.number)
    if current is None or current.record != stored.record:
        raise GatewayError("SUBMIT-OVERTAKEN", number=stored.number)
    return current
