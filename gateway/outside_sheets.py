"""
Sheets that other software has sealed: a number is reserved for it, the sealed file comes back with the facts.

Nothing is believed: both seals are verified, and the sheet must say, item by item, what the facts of the encounter make
of themselves here. It then stands in the journal as one that was sealed here, its whole life in one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from fse.decision import decide, draw_up
from fse.lifecycle import SHEETS, SheetEvent, SheetMode, SheetRecord
from fse.routing import Outcome
from fse.seals import open_sheet, verify_sheet
from fse.sheet import Beneficiary, Cause, Sheet
from fse.tables import package_tables
from gateway.errors import GatewayError
from gateway.journal import StoredSheet, tables
from gateway.journal.rows import seconds
from gateway.papers import carry_out_paper
from gateway.reply import Reply

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fse.decision import Decision
    from fse.encounter import Encounter
    from fse.holders import VitaleHolders
    from fse.seals import VerifiedSheet
    from fse.trust import TrustStore
    from gateway.clock import Clock
    from gateway.journal import Journal, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["OutsideSheets"]

_SHEETS = frozenset({Outcome.SECURED, Outcome.DEGRADED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideSheets:
    """The desk for software that seals by itself; ``trust`` says whose seals hold."""

    journal: Journal
    profile: ServiceProfile
    clock: Clock
    trust: TrustStore

    def reserve(self, site: str, count: int) -> tuple[int, ...]:
        """
        Return ``count`` FSE numbers, reserved for sheets of ``site``.

        Raises :class:`gateway.errors.GatewayError` (SUBMIT-SITE) for a site outside the profile.
        """
        if site not in self.profile.sites:
            raise GatewayError("SUBMIT-SITE", site=site)
        with self.journal.write() as tx:
            first = tx.take_number("sheet", count)
            numbers = tuple(range(first, first + count))
            rows = [{"number": number, "site": site, "at": seconds(tx.now)} for number in numbers]
            _connection(tx).execute(insert(tables.outside_numbers), rows)
            tx.record("numbers_reserved", f"{first}-{numbers[-1]}")
        return numbers

    def take(self, encounter: Encounter, sealed: bytes) -> Reply:
        """
        Take a sheet that was sealed elsewhere for ``encounter``; return what becomes of it.

        The same bytes under the same number get the same answer. Raises the errors of
        :func:`fse.seals.verify_sheet`, and :class:`gateway.errors.GatewayError`: SUBMIT-SITE, SUBMIT-SHEET-DIFFERS
        naming what differs, SUBMIT-NOT-RESERVED, SUBMIT-NUMBER for other bytes under a used number,
        SUBMIT-REFERENCE for other facts, or a second sheet, under a used reference.
        """
        if encounter.site not in self.profile.sites:
            raise GatewayError("SUBMIT-SITE", site=encounter.site)
        verified = verify_sheet(sealed, self.trust, self.clock.now())
        sheet = verified.sheet
        part, decision = self._decision_of(verified, encounter)
        facts = encounter.model_dump_json()
        digest = sha256(facts.encode()).hexdigest()
        with self.journal.write() as tx:
            known = tx.sheet(sheet.number)
            if known is None:
                self._check_number(tx, sheet)
                _check_reference(tx, encounter.reference, digest, part)
                known = self._store(tx, sheet, sealed, encounter, part)
            elif (known.sealed, known.facts) != (sealed, digest):
                raise GatewayError("SUBMIT-NUMBER", number=sheet.number)
        return self._reply(known, sheet, decision)

    def _decision_of(self, verified: VerifiedSheet, encounter: Encounter) -> tuple[int, Decision]:
        """Return the decision that makes this very sheet of ``encounter``, and its rank."""
        sheet, covered = verified.sheet, verified.patient
        opposed = sheet.mode.cause is Cause.CARD_OPPOSED
        decisions = decide(encounter, package_tables(), opposed=opposed, policy=self.profile.channels)
        differences: list[list[str]] = []
        for part, decision in enumerate(decisions):
            if decision.outcome in _SHEETS:
                found = _differences(sheet, self._draft(sheet, encounter, decision), covered)
                if not found:
                    return part, decision
                differences.append(found)
        closest = min(differences, key=len, default=["mode"])
        raise GatewayError("SUBMIT-SHEET-DIFFERS", place=", ".join(closest))

    def _draft(self, sheet: Sheet, encounter: Encounter, decision: Decision) -> Sheet:
        return draw_up(
            decision,
            encounter,
            number=sheet.number,
            order=sheet.order,
            day=sheet.drawn_up_on,
            biller=self.profile.biller,
            specification=self.profile.specification,
            anonymous_organism=self.profile.anonymous_organism(encounter.site),
        )

    def _check_number(self, tx: Transaction, sheet: Sheet) -> None:
        table = tables.outside_numbers
        site = _connection(tx).execute(select(table.c.site).where(table.c.number == sheet.number)).scalar()
        if site != sheet.professional.structure:
            raise GatewayError("SUBMIT-NOT-RESERVED", number=sheet.number)

    def _store(self, tx: Transaction, sheet: Sheet, sealed: bytes, encounter: Encounter, part: int) -> StoredSheet:
        policy = self.profile.policy
        opened = open_sheet(sealed)
        mode = SheetMode.SECURED if sheet.mode.secured else SheetMode.DEGRADED
        facts = encounter.model_dump_json()
        stored = StoredSheet(
            number=sheet.number,
            reference=encounter.reference,
            part=part,
            facts=sha256(facts.encode()).hexdigest(),
            organism=sheet.organism,
            mode=sheet.mode.kind,
            specification=sheet.specification,
            record=SheetRecord.reserve(f"{sheet.number:09d}", mode, sheet.delay_from, policy),
            encounter=facts,
            payload=opened.payload,
            site=encounter.site,
        )
        tx.reserve_sheet(stored)
        record = stored.record
        if opened.patient is not None:
            record = SHEETS.advance(record, SheetEvent.PATIENT_SIGN, tx.now, policy).record
            tx.update_sheet(stored.number, record, SheetEvent.PATIENT_SIGN, patient_seal=opened.patient)
        step = SHEETS.advance(record, SheetEvent.SEAL, tx.now, policy)
        tx.update_sheet(stored.number, step.record, SheetEvent.SEAL, sealed=sealed)
        carry_out_paper(tx, step, stored, self.profile)
        step = SHEETS.advance(step.record, SheetEvent.QUEUE, tx.now, policy)
        tx.update_sheet(stored.number, step.record, SheetEvent.QUEUE)
        found = tx.sheet(stored.number)
        assert found is not None  # noqa: S101 - it was written four lines above
        return found

    def _reply(self, stored: StoredSheet, sheet: Sheet, decision: Decision) -> Reply:
        action = SHEETS.next_action(stored.record, self.clock.now(), self.profile.policy)
        return Reply(
            reference=stored.reference,
            part=stored.part,
            outcome=decision.outcome,
            reason=decision.row.reason if decision.row else "",
            acts=tuple(act.code for act in decision.acts),
            sheet=stored.number,
            deadline=stored.record.deadline,
            next_action=action.code,
            total_cents=sheet.total_cents,
            amo_cents=sheet.advance_cents,
        )


def _check_reference(tx: Transaction, reference: str, facts: str, part: int) -> None:
    """Refuse a reference that already stands for other facts, or for a sheet of the same acts: care is billed once."""
    known = tx.replies(reference)
    others = tx.live_sheets(reference)
    if known is not None or any(one.facts != facts or one.part == part for one in others):
        raise GatewayError("SUBMIT-REFERENCE", reference=reference)


def _differences(sheet: Sheet, draft: Sheet, covered: VitaleHolders | None) -> list[str]:
    """Return the names of the items in which the sheet is not what the facts make, people being those of the card."""
    ours, theirs = (replace(one, beneficiary=_on_card(one, covered)) for one in (draft, sheet))
    return [item.name for item in fields(Sheet) if getattr(ours, item.name) != getattr(theirs, item.name)]


def _on_card(sheet: Sheet, covered: VitaleHolders | None) -> Beneficiary | None:
    """Return the beneficiary as the card names him: facts may know a birth date only, where the card knows a NIR."""
    who = sheet.beneficiary
    if who is None or covered is None:
        return who
    for holder in covered.holders:
        if who.nir is None:
            same = (who.birth_date, who.birth_rank) == (holder.birth_date, holder.birth_rank)
        else:
            same = who.nir.number == holder.nir
        if same:
            born = Beneficiary(birth_date=holder.birth_date, birth_rank=holder.birth_rank)
            return None if holder.nir == sheet.insured.number else born
    return who


def _connection(tx: Transaction) -> Connection:
    return tx._connection  # noqa: SLF001 - numbers of this desk alone, in the transaction of their event
