"""
What a caisse makes of one sheet, from its bytes and its own files alone: paid, in part, rejected with a code, deferred.

Seals, chain and revocation were judged when the sheet came; their rule becomes a code here. Then comes what concerns
the sheet as a whole, then each act. Lateness is said and never refused (A5; Cass. civ. 2, 8 October 2015, by analogy).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from fse.code_tables import AdoptionState, VersionError
from fse.cumulation import check_cumulation
from fse.deadlines import transmission_deadline
from fse.noemie import ActState, Reason, SheetKind, SheetReturn
from fse.pricing import PricingError
from fse.sheet import Accident, Maternity
from fse.tables import package_tables
from fse.working_days import Calendar, Place
from gateway.simulator.adri import RightsDown
from gateway.simulator.repricing import CODES, Repriced, asked, reprice

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date

    from fse.noemie import ActReturn
    from fse.sheet import Line, Sheet
    from fse.tables import Tables
    from gateway.simulator.claims import Claim

__all__ = ["Files", "Judge", "code_of_rule"]

_RULES = {
    "SEAL-CONTENT": "9001",
    "SEAL-ENCODING": "9001",
    "SEAL-PURPOSE": "9001",
    "SEAL-SIGNATURE": "9001",
    "SEAL-PATIENT": "9002",
    "SEAL-VITALE-FOREIGN": "9002",
    "SEAL-VITALE-MISSING": "9002",
    "HOLDER-FORM": "9003",
    "TRUST-LIST-OLD": "9003",
    "TRUST-PERIOD": "9003",
    "TRUST-REAL": "9003",
    "TRUST-UNKNOWN": "9003",
    "TRUST-REVOKED": "9004",
    "SEAL-ENTITLEMENT": "9005",
    "SEAL-PROFESSIONAL": "9005",
    "LOT-MIXED": "9008",
}
_UNREADABLE = "9007"
_LATE, _VERSION_SOON = "9701", "9702"
_LONGEST_DETAIL = 30
_YEARS = range(2000, 2100)

_Person = tuple[str, ...]


def code_of_rule(rule: str) -> str:
    """Return the code of our rejection table for a sheet that broke ``rule`` when it came; unreadable by default."""
    return _RULES.get(rule, _UNREADABLE)


def _nobody(serial: str, on: date) -> bool:
    del serial, on
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """
    What a caisse knows by itself.

    ``rights`` tells whether the rights of an insured (NIR, 13 characters) are open at this caisse on a day
    (:class:`gateway.simulator.adri.SimulatedRights`), ``affiliation`` the caisse of an insured on a day, None for
    somebody unknown; without them the word of the sheet is taken. ``opposed`` tells whether a Vitale (serial number)
    was on the opposition list on a day; ``local_scheme`` are the members of the régime local.
    """

    tables: Tables = field(default_factory=package_tables)
    rights: Callable[[str, str, date], Literal["open", "closed"]] | None = None
    affiliation: Callable[[str, date], str | None] | None = None
    opposed: Callable[[str, date], bool] = _nobody
    local_scheme: Collection[str] = frozenset()


@dataclass(slots=True)
class Judge:
    """The judgement of the caisse ``organism``; it remembers the acts that it has let pass, to find them again."""

    organism: str
    files: Files
    _passed: dict[tuple[_Person, date, str], dict[tuple[object, ...], tuple[int, str]]] = field(default_factory=dict)

    def judge(self, claim: Claim, *, doubled: str = "", waiting: str = "") -> SheetReturn:
        """
        Return the answer to a claim; the acts that it pays are remembered.

        ``doubled`` says what was paid under its number already, ``waiting`` is the code of what its payment waits for.
        """
        sheet = claim.sheet
        if sheet is None or not _can_be_said(sheet):
            detail = claim.rejection or "date"
            return _answer(claim, (), (Reason(code_of_rule(claim.rejection), detail[:_LONGEST_DETAIL]),), None)
        acts = tuple(asked(rank, line) for rank, line in enumerate(sheet.lines, 1))
        reason = Reason("9401", doubled) if doubled else self._against_the_whole(claim, sheet)
        if reason is not None:
            return _answer(claim, acts, (reason,), sheet, self._signals(claim, sheet))
        deferral = waiting or self._rights_unknown(claim, sheet)
        if deferral:
            acts = tuple(replace(act, state=ActState.DEFERRED) for act in acts)
            return _answer(claim, acts, (Reason(deferral),), sheet, self._signals(claim, sheet))
        acts = self._acts(claim, sheet)
        return _answer(claim, acts, (), sheet, self._signals(claim, sheet))

    def _against_the_whole(self, claim: Claim, sheet: Sheet) -> Reason | None:
        """Return what stands against the whole sheet: card, caisse, version of the cahier des charges, site."""
        on, nir = sheet.drawn_up_on, sheet.insured.number
        if claim.card is not None and self.files.opposed(claim.card.serial, claim.signed_on or on):
            return Reason("9006")
        if claim.named and self.files.affiliation is not None:
            right = self.files.affiliation(nir, sheet.last_act)
            if right is None:
                return Reason("9201")
            if right != self.organism:
                return Reason("9101", right)
        if self._adoption(sheet) is AdoptionState.OVERDUE:
            return Reason("9102", sheet.specification)
        if self.files.tables.sites.find(sheet.professional.structure, sheet.last_act) is None:
            return Reason("9103", sheet.professional.structure)
        return None

    def _adoption(self, sheet: Sheet) -> AdoptionState:
        """Return where the version stood when the sheet was drawn up; one that nobody knows is overdue."""
        try:
            return self.files.tables.specifications.adoption(sheet.specification, sheet.drawn_up_on).state
        except VersionError:
            return AdoptionState.OVERDUE

    def _signals(self, claim: Claim, sheet: Sheet) -> tuple[str, ...]:
        found = []
        caisse = self.files.tables.caisses.find(self.organism, claim.received_on)
        if caisse is not None and claim.kind is not SheetKind.DUPLICATA:
            calendar = Calendar(Place(caisse.department))
            if claim.received_on > transmission_deadline(sheet.delay_from, calendar):
                found.append(_LATE)
        if self._adoption(sheet) is AdoptionState.DUE:
            found.append(_VERSION_SOON)
        return tuple(found)

    def _rights_unknown(self, claim: Claim, sheet: Sheet) -> str:
        try:
            for line in sheet.lines:
                self._rights_closed(claim, sheet, line)
        except RightsDown:
            return "9501"
        return ""

    def _rights_closed(self, claim: Claim, sheet: Sheet, line: Line) -> bool:
        rights = self.files.rights if claim.named else None
        return rights is not None and rights(sheet.insured.number, self.organism, line.on) == "closed"

    def _acts(self, claim: Claim, sheet: Sheet) -> tuple[ActReturn, ...]:
        """Return each act, priced anew and held against the others of its day."""
        local = sheet.insured.number in self.files.local_scheme
        table, born = self.files.tables.acts, claim.born
        found = [reprice(rank, sheet, table, born, local_scheme=local) for rank in range(1, len(sheet.lines) + 1)]
        answers: list[ActReturn] = []
        for rank, line in enumerate(sheet.lines):
            one = found[rank]
            act = one.answer
            refusal = Reason("9202") if self._rights_closed(claim, sheet, line) else None
            if refusal is None and act.state is ActState.PAID:
                refusal = self._beside_others(claim, sheet, found, answers)
            if refusal is not None:
                act = replace(asked(rank + 1, line), reasons=(refusal,))
            elif act.state is ActState.PAID and claim.named:
                key, identity = (_person(sheet), line.on, sheet.professional.rpps), (line.code, line.coefficient)
                self._passed.setdefault(key, {})[identity] = (claim.number, one.code)
            answers.append(act)
        return tuple(answers)

    def _beside_others(
        self, claim: Claim, sheet: Sheet, found: list[Repriced], answers: list[ActReturn]
    ) -> Reason | None:
        """Return what stands against the act after ``answers`` because of others of its person, day, professional."""
        rank = len(answers)
        line = sheet.lines[rank]
        passed = self._passed.get((_person(sheet), line.on, sheet.professional.rpps), {}) if claim.named else {}
        known = passed.get((line.code, line.coefficient))
        if known is not None and known[0] != claim.number:
            return Reason("9402", f"{known[0]:09d}")
        same_day = [other for other in range(len(sheet.lines)) if sheet.lines[other].on == line.on]
        elsewhere = [code for number, code in passed.values() if number != claim.number]
        before = [found[other].code for other in same_day if other < rank and answers[other].state is ActState.PAID]
        others = [found[other].code for other in same_day if other != rank]
        try:
            check_cumulation(found[rank].code, line.on, [*elsewhere, *before], [*elsewhere, *others])
        except PricingError as error:
            return Reason(CODES[error.rule.id], str(error.facts.get("other", error.facts.get("needs", ""))))
        return None


def _answer(
    claim: Claim,
    acts: tuple[ActReturn, ...],
    reasons: tuple[Reason, ...],
    sheet: Sheet | None,
    signals: tuple[str, ...] = (),
) -> SheetReturn:
    return SheetReturn(
        kind=claim.kind,
        number=claim.number,
        lot=claim.lot,
        lot_day=claim.lot_day,
        drawn_up_on=None if sheet is None else sheet.drawn_up_on,
        nature="" if sheet is None else _nature(sheet),
        acts=acts,
        insured=sheet.insured if sheet is not None and claim.named else None,
        reasons=reasons,
        signals=signals,
    )


def _nature(sheet: Sheet) -> str:
    if isinstance(sheet.cover, Maternity):
        return "MA"
    return "AT" if isinstance(sheet.cover, Accident) else "AS"


def _person(sheet: Sheet) -> _Person:
    """Return what names the beneficiary, as the sheet does."""
    who = sheet.beneficiary
    if who is None:
        return (sheet.insured.number,)
    if who.nir is not None:
        return sheet.insured.number, who.nir.number
    return sheet.insured.number, str(who.birth_date), str(who.birth_rank)


def _can_be_said(sheet: Sheet) -> bool:
    """Tell whether the days of a return, whose years have two digits, can hold those of the sheet."""
    return all(day.year in _YEARS for day in (sheet.drawn_up_on, *(line.on for line in sheet.lines)))
