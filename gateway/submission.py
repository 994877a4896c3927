"""
An encounter comes in; one reply for each document that it becomes goes out.

The sheets are sealed one after the other; then the papers and the replies are stored together, so that what was
answered is kept and what was not answered may be submitted again without making anything twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from fse.card_identity import with_card
from fse.cards import CardError, NotATestCard, NotAVitale
from fse.code_tables import AdoptionState
from fse.deadlines import paris_date
from fse.decision import decide
from fse.encounter import AnonymousPatient, CardInReader, IdentifiedPatient
from fse.lifecycle import SHEETS, PaperRecord, PaperState
from fse.routing import ROWS, Outcome
from fse.sheet_xml import read_sheet
from gateway.errors import GatewayError
from gateway.journal import StoredPaper
from gateway.papers import PAPER_OF, paper_of_encounter
from gateway.readers import VitaleCard
from gateway.reply import LANGUAGES, Reply, replies_from_json, replies_to_json, word
from gateway.rights import attach_rights, record_rights, warnings_of
from gateway.sealing import SealingDesk, Visit, replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from typing import Any

    from fse.decision import Decision
    from fse.encounter import Encounter
    from fse.lifecycle import SheetRecord
    from fse.tables import Tables
    from gateway.journal import StoredSheet, Transaction
    from gateway.readers import CardsAtHand
    from gateway.rights import RightsService

__all__ = ["SubmissionDesk"]

_SHEETS = frozenset({Outcome.SECURED, Outcome.DEGRADED})
_ROW_OF_CAUSE = {row.cause: row for row in ROWS if row.outcome in _SHEETS}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionDesk:
    """
    Where encounters come in.

    ``opposed`` are the serial numbers of Vitale cards that this machine opposes itself, ``opposition`` gives those of
    the list as it is now, ``rights`` who answers about rights.
    """

    sealing: SealingDesk
    tables: Tables
    opposed: frozenset[str]
    random_key: Callable[[], str]
    rights: RightsService | None = None
    opposition: Callable[[], frozenset[str]] = frozenset

    def submit(
        self, encounter: Encounter, cards: CardsAtHand, replaces: SheetRecord | None = None
    ) -> tuple[Reply, ...]:
        """
        Bring ``encounter`` to its channel and return one reply for each document that it becomes.

        The same encounter under the same reference gets the same replies; an anonymous one leaves nothing by which it
        could be known again. What was refused or held is judged anew each time. Raises
        :class:`gateway.errors.GatewayError`: SUBMIT-REFERENCE for other facts under a used reference, SUBMIT-SITE for
        a site outside the profile, SUBMIT-CPS when a sheet is to be signed and no CPS was inserted; the errors of
        :mod:`fse.seals` when a card in the reader is not the one for these facts; :class:`fse.cards.CardError` when a
        card refuses (PIN not given, card withdrawn). With ``replaces``, the one sheet of this encounter takes the
        place of that one: REPLACE-ONE when it is not one sheet, :class:`fse.lifecycle.ImpossibleTransition` when that
        one has left or was not rejected. After an error the same submission may be made again: what a
        patient's card has signed is taken up as it is.
        """
        if encounter.site not in self.sealing.profile.sites:
            raise GatewayError("SUBMIT-SITE", site=encounter.site)
        facts = sha256(encounter.model_dump_json().encode()).hexdigest()
        signed: dict[int, StoredSheet] = {}
        anonymous = isinstance(encounter.patient, AnonymousPatient)
        if not anonymous:
            with self.sealing.journal.write() as tx:
                known = _known_replies(tx, encounter.reference, facts)
                signed = self.sealing.take_up(tx, encounter.reference, facts)
            if known is not None:
                return known
        if replaces is not None:
            policy = self.sealing.profile.policy
            SHEETS.advance(replaces, replacing(replaces), self.sealing.clock.now(), policy, "?")  # is it possible?
        visit = replace(_visit(attach_rights(encounter, self.rights), facts, cards), replaces=replaces)
        opposed = visit.vitale is not None and visit.vitale.data.serial in self.opposed | self.opposition()
        decisions = decide(visit.encounter, self.tables, opposed=opposed, policy=self.sealing.profile.channels)
        if replaces is not None:
            self._require_one_sheet(visit, decisions, signed)
        warnings = warnings_of(visit.encounter, visit.vitale)
        replies = tuple(
            replace(self._carry_out(visit, part, decision, signed.get(part)), warnings=warnings)
            for part, decision in enumerate(decisions)
        )
        with self.sealing.journal.write() as tx:
            known = None if anonymous else _known_replies(tx, encounter.reference, facts)
            if known is not None:
                return known  # the same submission, made at the same time, was faster
            for reply, decision in zip(replies, decisions, strict=True):
                if reply.outcome in PAPER_OF:
                    self._add_paper(tx, visit.encounter, reply, decision)
            if not anonymous and all(reply.next_action for reply in replies):
                # a refusal or a held part is judged anew: the table, the list or the facts may change
                tx.keep_replies(encounter.reference, facts, replies_to_json(replies))
                record_rights(tx, visit.encounter)
        return replies

    def _carry_out(self, visit: Visit, part: int, decision: Decision, signed: StoredSheet | None) -> Reply:
        if signed is not None or (self._may_be_sheet(visit, decision)):
            return self._sheet_reply(self.sealing.seal(visit, part, decision, signed), decision)
        reason = decision.row.reason if decision.row else "price"
        named: dict[str, Any] = {
            "reference": visit.encounter.reference,
            "part": part,
            "acts": tuple(act.code for act in decision.acts),
        }
        if decision.refusal is not None:
            return Reply.refused(decision.refusal, reason, outcome=decision.outcome, **named)
        named |= {"total_cents": decision.total_cents, "amo_cents": sum(act.amo_cents for act in decision.priced)}
        if decision.outcome is Outcome.HELD:
            held: dict[str, str] = {name: word("next", "held", name) for name in LANGUAGES}
            limit = self.sealing.profile.policy.first_emission_limit(_last_act(visit.encounter, decision))
            return Reply(**named, outcome=Outcome.HELD, reason=reason, deadline=limit, to_do=held)
        outcome = decision.outcome
        if outcome in _SHEETS:
            outcome = Outcome.PLAIN_PAPER
            reason = "version-overdue" if self._outdated() else "too-late"
        post_by = self._paper_record("-", outcome, visit.encounter, decision).post_by
        return Reply(**named, outcome=outcome, reason=reason, deadline=post_by, next_action="print")

    def _require_one_sheet(self, visit: Visit, decisions: tuple[Decision, ...], signed: dict[int, StoredSheet]) -> None:
        count = len(signed) or sum(self._may_be_sheet(visit, decision) for decision in decisions)
        if count != 1:
            raise GatewayError("REPLACE-ONE", count=count)

    def _may_be_sheet(self, visit: Visit, decision: Decision) -> bool:
        """Tell whether a sheet may be drawn up: in its window, by a cahier des charges that may still be used."""
        return decision.outcome in _SHEETS and not self._too_late(visit, decision) and not self._outdated()

    def _outdated(self) -> bool:
        """Tell whether the declared cahier des charges is more than 18 months behind (protocol art. 8; VERS-02)."""
        today = paris_date(self.sealing.clock.now())
        adoption = self.tables.specifications.adoption(self.sealing.profile.specification, today)
        return adoption.state is AdoptionState.OVERDUE

    def _too_late(self, visit: Visit, decision: Decision) -> bool:
        start = _last_act(visit.encounter, decision)
        if visit.replaces is not None and visit.replaces.rejected_on is not None:
            start = max(start, visit.replaces.rejected_on)
        limit = self.sealing.profile.policy.first_emission_limit(start)
        return limit < paris_date(self.sealing.clock.now())

    def _sheet_reply(self, stored: StoredSheet, decision: Decision) -> Reply:
        """Return the reply of a sheet in the words of what was signed, be it by an earlier attempt."""
        sheet = read_sheet(stored.payload)
        row = _ROW_OF_CAUSE[sheet.mode.cause or ""]
        action = SHEETS.next_action(stored.record, self.sealing.clock.now(), self.sealing.profile.policy)
        return Reply(
            reference=stored.reference,
            part=stored.part,
            outcome=row.outcome,
            reason=row.reason,
            acts=tuple(act.code for act in decision.acts),
            sheet=stored.number,
            deadline=stored.record.deadline,
            next_action=action.code,
            total_cents=sheet.total_cents,
            amo_cents=sheet.advance_cents,
        )

    def _add_paper(self, tx: Transaction, encounter: Encounter, reply: Reply, decision: Decision) -> None:
        """Store the paper that stands instead of a sheet, unless the end of an unfinished sheet has made it already."""
        kind = PAPER_OF[reply.outcome]
        paper = paper_of_encounter(encounter, decision, self.sealing.profile, self.tables, reason=reply.reason)
        document = paper.model_dump_json()
        if isinstance(encounter.patient, AnonymousPatient):
            tx.add_anonymous_paper(self.random_key(), kind, document)
            return
        made = (paper for paper in tx.papers(reference=reply.reference) if paper.part == reply.part)
        if any(paper.record.kind is kind and paper.record.state is not PaperState.VOID for paper in made):
            return
        number = tx.take_number("paper")
        record = self._paper_record(f"{number:06d}", reply.outcome, encounter, decision)
        tx.add_paper(StoredPaper(number, reply.reference, reply.part, None, record, document, encounter.site))

    def _paper_record(self, number: str, outcome: Outcome, encounter: Encounter, decision: Decision) -> PaperRecord:
        last_act = _last_act(encounter, decision)
        return PaperRecord.needed(number, PAPER_OF[outcome], last_act, self.sealing.profile.policy)


def _known_replies(tx: Transaction, reference: str, facts: str) -> tuple[Reply, ...] | None:
    known = tx.replies(reference)
    if known is None:
        return None
    if known[0] != facts:
        raise GatewayError("SUBMIT-REFERENCE", reference=reference)
    return replies_from_json(known[1])


def _visit(encounter: Encounter, facts: str, cards: CardsAtHand) -> Visit:
    """Read the Vitale in the reader: its data win. One that does not answer is out of order, not the end of care."""
    vitale = None
    if encounter.vitale is CardInReader.PRESENT and isinstance(encounter.patient, IdentifiedPatient):
        if cards.vitale is None:
            encounter = encounter.model_copy(update={"vitale": CardInReader.ABSENT})
        else:
            try:
                vitale = VitaleCard.insert(cards.vitale)
            except (NotAVitale, NotATestCard):
                raise
            except CardError:
                encounter = encounter.model_copy(update={"vitale": CardInReader.UNREADABLE})
            else:
                encounter = with_card(encounter, vitale.data)
    return Visit(encounter, facts, cards.professional, vitale)


def _last_act(encounter: Encounter, decision: Decision) -> date:
    return max(encounter.day_of(act) for act in decision.acts)
