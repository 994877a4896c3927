"""
From an encounter to a sealed sheet in the journal, or to the paper that the law wants instead.

Order of things, so that nothing is ever lost: a number is reserved durably; the XML is written; the patient's card
signs and its signature is stored at once; the professional's card signs and the whole sheet is stored; only then is
the submission answered. No card is spoken to inside a database transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from fse.card_identity import with_card
from fse.cards import CardError
from fse.deadlines import paris_date
from fse.decision import Decision, decide, draw_up
from fse.encounter import AnonymousPatient, CardInReader
from fse.lifecycle import SHEETS, PaperKind, PaperRecord, SheetEvent, SheetMode, SheetRecord, SheetState
from fse.routing import Outcome
from fse.seals import NotEntitled, WrongPatient, WrongProfessional, seal_as_patient, seal_as_professional
from fse.sheet_xml import read_sheet, write_sheet
from gateway.card_checks import check_cards
from gateway.errors import GatewayError
from gateway.journal import StoredPaper, StoredSheet
from gateway.papers import carry_out_paper, describe_encounter
from gateway.readers import VitaleCard
from gateway.reply import LANGUAGES, Reply, replies_from_json, replies_to_json, word

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import Any

    from fse.act_table import ActTable
    from fse.caisses import CaisseTable
    from fse.encounter import Encounter
    from fse.sheet import Sheet
    from gateway.clock import Clock
    from gateway.journal import Journal
    from gateway.profile import ServiceProfile
    from gateway.readers import CardsAtHand, ProfessionalCard

__all__ = ["SubmissionDesk"]

_SHEETS = frozenset({Outcome.SECURED, Outcome.DEGRADED})
_PAPERS = {
    Outcome.PLAIN_PAPER: PaperKind.PLAIN,
    Outcome.FORM_708: PaperKind.FORM_708,
    Outcome.FORM_709: PaperKind.FORM_709,
    Outcome.RECAP: PaperKind.RECAP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionDesk:
    """Where encounters come in. ``opposed`` are the serial numbers of the Vitale cards on the opposition list."""

    journal: Journal
    profile: ServiceProfile
    clock: Clock
    acts: ActTable
    caisses: CaisseTable
    opposed: frozenset[str]
    random_key: Callable[[], str]

    def submit(self, encounter: Encounter, cards: CardsAtHand) -> tuple[Reply, ...]:
        """
        Bring ``encounter`` to its channel and return one reply for each document that it becomes.

        The same encounter under the same reference gets the same replies. Raises
        :class:`gateway.errors.GatewayError`: SUBMIT-REFERENCE for other facts under a used reference, SUBMIT-SITE for
        a site outside the profile, SUBMIT-CPS when a sheet is to be signed and no CPS was inserted;
        :class:`fse.cards.CardError` when a card refuses (PIN not given, card withdrawn): what was stored until then
        is taken up again by the same submission.
        """
        if encounter.site not in self.profile.sites:
            raise GatewayError("SUBMIT-SITE", site=encounter.site)
        anonymous = isinstance(encounter.patient, AnonymousPatient)
        digest = sha256(encounter.model_dump_json().encode()).hexdigest()
        known = None if anonymous else self._known_replies(encounter.reference, digest)
        if known is not None:
            return known
        encounter, vitale = self._read_vitale(encounter, cards)
        opposed = vitale is not None and vitale.data.serial in self.opposed
        decisions = decide(
            encounter, self.acts, self.caisses, opposed=opposed, hold_opposed=self.profile.hold_opposed_cards
        )
        replies = []
        for part, decision in enumerate(decisions):
            try:
                replies.append(self._carry_out(encounter, part, decision, cards.professional, vitale))
            except (WrongPatient, WrongProfessional, NotEntitled) as error:
                replies.append(Reply.refused(error, "card", **_named(encounter, part, decision)))
        answer = tuple(replies)
        if not anonymous:
            with self.journal.write() as tx:
                tx.keep_replies(encounter.reference, digest, replies_to_json(answer))
        return answer

    def resume(self, professional: ProfessionalCard) -> tuple[int, ...]:
        """
        Seal what a patient's card has signed and the professional's could not, before an interruption.

        Only the sheets of the professional whose card this is. Returns their numbers.
        """
        with self.journal.read() as tx:
            waiting = tx.sheets(SheetState.PATIENT_SIGNED)
        done = []
        for stored in waiting:
            sheet = read_sheet(stored.payload)
            if sheet.professional.rpps == professional.holder.rpps:
                self._finish(stored, sheet, professional)
                done.append(stored.number)
        return tuple(done)

    def _known_replies(self, reference: str, digest: str) -> tuple[Reply, ...] | None:
        with self.journal.read() as tx:
            known = tx.replies(reference)
        if known is None:
            return None
        if known[0] != digest:
            raise GatewayError("SUBMIT-REFERENCE", reference=reference)
        return replies_from_json(known[1])

    def _read_vitale(self, encounter: Encounter, cards: CardsAtHand) -> tuple[Encounter, VitaleCard | None]:
        """Read the card in the reader; one that does not answer is a failure of hardware, not the end of the care."""
        if encounter.vitale is not CardInReader.PRESENT or isinstance(encounter.patient, AnonymousPatient):
            return encounter, None
        if cards.vitale is None:
            return encounter.model_copy(update={"vitale": CardInReader.ABSENT}), None
        try:
            card = VitaleCard.insert(cards.vitale)
        except CardError:
            return encounter.model_copy(update={"vitale": CardInReader.UNREADABLE}), None
        return encounter, card

    def _carry_out(
        self,
        encounter: Encounter,
        part: int,
        decision: Decision,
        cps: ProfessionalCard | None,
        vitale: VitaleCard | None,
    ) -> Reply:
        if decision.refusal is not None:
            return Reply.refused(decision.refusal, _reason(decision), **_named(encounter, part, decision))
        if decision.outcome is Outcome.HELD:
            return Reply(
                **_common(encounter, part, decision), to_do={name: word("next", "held", name) for name in LANGUAGES}
            )
        last_act = max(encounter.day_of(act) for act in decision.acts)
        too_late = self.profile.policy.first_emission_limit(last_act) < paris_date(self.clock.now())
        if decision.outcome in _SHEETS and not too_late:
            return self._seal(with_card(encounter, vitale.data) if vitale else encounter, part, decision, cps, vitale)
        kind = _PAPERS.get(decision.outcome, PaperKind.PLAIN)
        common = _common(encounter, part, decision)
        if decision.outcome in _SHEETS:
            common |= {"outcome": Outcome.PLAIN_PAPER, "reason": "too-late"}
        post_by = self._paper(encounter, part, decision, kind, last_act)
        return Reply(**common, deadline=post_by, next_action="print")

    def _paper(self, encounter: Encounter, part: int, decision: Decision, kind: PaperKind, last_act: date) -> date:
        """Store the paper that stands instead of a sheet; return the last day to post it."""
        document = describe_encounter(encounter, decision, self.profile)
        with self.journal.write() as tx:
            if isinstance(encounter.patient, AnonymousPatient):
                tx.add_anonymous_paper(self.random_key(), kind, document)
                return PaperRecord.needed("-", kind, last_act, self.profile.policy).post_by
            number = tx.take_number("paper")
            record = PaperRecord.needed(f"{number:06d}", kind, last_act, self.profile.policy)
            tx.add_paper(StoredPaper(number, encounter.reference, part, None, record, document))
            return record.post_by

    def _seal(
        self,
        encounter: Encounter,
        part: int,
        decision: Decision,
        cps: ProfessionalCard | None,
        vitale: VitaleCard | None,
    ) -> Reply:
        if cps is None:
            raise GatewayError("SUBMIT-CPS")
        with self.journal.read() as tx:
            stored = tx.live_sheet(encounter.reference, part)
        if stored is None:
            stored = self._reserve(encounter, part, decision, cps, vitale)
        if stored.record.state is SheetState.RESERVED:
            stored = self._sign_as_patient(stored, vitale) if decision.mode.secured else stored
        sheet = read_sheet(stored.payload)
        if stored.sealed is None:
            stored = self._finish(stored, sheet, cps)
        action = SHEETS.next_action(stored.record, self.clock.now(), self.profile.policy)
        return Reply(
            **_common(encounter, part, decision),
            sheet=stored.number,
            deadline=stored.record.deadline,
            next_action=action.code,
        )

    def _reserve(
        self, encounter: Encounter, part: int, decision: Decision, cps: ProfessionalCard, vitale: VitaleCard | None
    ) -> StoredSheet:
        """Check the cards against the sheet, then take a number; both before anybody signs."""
        now = self.clock.now()
        mode = SheetMode.SECURED if decision.mode.secured else SheetMode.DEGRADED
        draft = self._draft(encounter, decision, number=1, order=1)
        check_cards(draft, cps, vitale if decision.mode.secured else None)
        with self.journal.write() as tx:
            number = tx.take_number("sheet")
            order = tx.rank_of_the_day(paris_date(now).isoformat())
            record = SheetRecord.reserve(f"{number:09d}", mode, draft.delay_from, self.profile.policy)
            stored = StoredSheet(
                number=number,
                reference=encounter.reference,
                part=part,
                organism=draft.organism,
                mode=decision.mode.kind,
                specification=self.profile.specification,
                record=record,
                encounter=encounter.model_dump_json(),
                payload=write_sheet(self._draft(encounter, decision, number=number, order=order)),
            )
            tx.reserve_sheet(stored)
        return stored

    def _draft(self, encounter: Encounter, decision: Decision, *, number: int, order: int) -> Sheet:
        return draw_up(
            decision,
            encounter,
            number=number,
            order=order,
            day=paris_date(self.clock.now()),
            biller=self.profile.biller,
            specification=self.profile.specification,
        )

    def _sign_as_patient(self, stored: StoredSheet, vitale: VitaleCard | None) -> StoredSheet:
        if vitale is None:
            raise GatewayError("SUBMIT-VITALE", number=stored.number)
        now = self.clock.now()
        seal = seal_as_patient(stored.payload, vitale.signer, now)
        step = SHEETS.advance(stored.record, SheetEvent.PATIENT_SIGN, now, self.profile.policy)
        with self.journal.write() as tx:
            tx.update_sheet(stored.number, step.record, SheetEvent.PATIENT_SIGN, patient_seal=seal)
        return replace(stored, record=step.record, patient_seal=seal)

    def _finish(self, stored: StoredSheet, sheet: Sheet, cps: ProfessionalCard) -> StoredSheet:
        """Have the professional sign; store the whole sheet, in the queue for a lot, with its twin when degraded."""
        now, policy = self.clock.now(), self.profile.policy
        sealed = seal_as_professional(stored.payload, cps.signer, now, sheet.mode.purpose, stored.patient_seal)
        data = sealed.encode()
        with self.journal.write() as tx:
            step = SHEETS.advance(stored.record, SheetEvent.SEAL, now, policy)
            tx.update_sheet(stored.number, step.record, SheetEvent.SEAL, sealed=data)
            carry_out_paper(tx, step, stored, policy)
            step = SHEETS.advance(step.record, SheetEvent.QUEUE, now, policy)
            tx.update_sheet(stored.number, step.record, SheetEvent.QUEUE)
        return replace(stored, record=step.record, sealed=data)


def _common(encounter: Encounter, part: int, decision: Decision) -> dict[str, Any]:
    return _named(encounter, part, decision) | {
        "outcome": decision.outcome,
        "reason": _reason(decision),
        "total_cents": decision.total_cents,
        "amo_cents": sum(act.amo_cents for act in decision.priced),
    }


def _named(encounter: Encounter, part: int, decision: Decision) -> dict[str, Any]:
    return {"reference": encounter.reference, "part": part, "acts": tuple(act.code for act in decision.acts)}


def _reason(decision: Decision) -> str:
    return decision.row.reason if decision.row else "price"
