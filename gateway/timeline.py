"""
One sheet's whole story, in order: its own events, those of its lots, of its papers, and what was answered.

It is told from the events alone, which carry no identity; it is told even when the sheet itself was purged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime  # noqa: TC003 - a timeline is written out by its annotations
from typing import TYPE_CHECKING, Literal

import schemas
from fse.lifecycle import SHEET_EVENT_OF_LOT, SHEETS, SheetEvent, reason_text, wording
from fse.lifecycle.punctuality import Timing, sheet_timing
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fse.rules import Language
    from gateway.journal import Entry, Journal
    from gateway.profile import ServiceProfile

__all__ = ["Moment", "Timeline", "read_timeline"]

Subject = Literal["sheet", "lot", "paper"]
_PUT_IN_LOT, _PAPER_NEEDED = SheetEvent.PUT_IN_LOT.value, "paper_needed"
_SAID_BY_THE_SHEET = frozenset(
    event.value for event, of_sheet in SHEET_EVENT_OF_LOT.items() if of_sheet is not None and of_sheet.value == event
)


@dataclass(frozen=True, slots=True)
class Moment:
    """One event: its number in the journal, its instant (UTC), what it is about, its name, and what it says more."""

    event: int
    at: datetime
    subject: Subject
    number: int
    name: str
    detail: str = ""

    def text(self, language: Language = "fr") -> str:
        """Return the sentence of the event in ``language``; its bare name when the wording file has none."""
        for kind in ("event", "journal_event"):
            if self.name in schemas.read_toml("lifecycle.toml")[kind]:
                return wording(kind, self.name).text(language)
        return self.name

    def said(self, language: Language = "fr") -> str:
        """Return the detail as people read it, in ``language``: a reason of ours in words, anything else as it is."""
        if self.name == _PAPER_NEEDED:
            return wording("paper_kind", self.detail).text(language)
        return reason_text(self.detail, language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """
    The story of the sheet ``number`` as it is known at ``at``.

    ``purged``: only its events are left. Otherwise ``deadline`` is the last day of its first window (CSS R161-47),
    ``action`` what comes next, ``day`` the last day for it when there is one.
    """

    number: int
    at: datetime
    purged: bool
    moments: tuple[Moment, ...]
    site: str = ""
    organism: str = ""
    state: str = ""
    established_on: date | None = None
    deadline: date | None = None
    action: str = "none"
    day: date | None = None
    timing: Timing | None = None


def read_timeline(journal: Journal, profile: ServiceProfile, number: int, now: datetime) -> Timeline:
    """
    Return the story of the sheet ``number``.

    Raises :class:`gateway.errors.GatewayError` (SHEET-UNKNOWN) for a number that was never given.
    """
    with journal.read() as tx:
        stored = tx.sheet(number)
        entries = list(tx.events(sheet=number))
        if not entries:
            raise GatewayError("SHEET-UNKNOWN", number=number)
        for lot in sorted({int(entry.detail) for entry in entries if entry.name == _PUT_IN_LOT}):
            entries += tx.events(lot=lot)
        for paper in sorted({entry.paper for entry in entries if entry.paper is not None}):
            entries += tx.events(paper=paper)
    moments = _moments(entries)
    if stored is None:
        return Timeline(number=number, at=now, purged=True, moments=moments)
    record, action = stored.record, SHEETS.next_action(stored.record, now, profile.policy)
    return Timeline(
        number=number,
        at=now,
        purged=False,
        moments=moments,
        site=stored.site,
        organism=stored.organism,
        state=record.state,
        established_on=record.established_on,
        deadline=record.deadline,
        action=action.code,
        day=action.by,
        timing=sheet_timing(record, now, profile.policy),
    )


def _moments(entries: Iterable[Entry]) -> tuple[Moment, ...]:
    """Return each event once, oldest first; what a lot and its sheet both say at one instant is the sheet's to say."""
    ordered = [entry for _, entry in sorted({entry.id: entry for entry in entries}.items())]
    said = {(entry.at, entry.name) for entry in ordered if _subject(entry) == "sheet"}
    return tuple(
        Moment(entry.id, entry.at, subject, entry.subject[subject], entry.name, entry.detail)
        for entry in ordered
        for subject in (_subject(entry),)
        if not (subject == "lot" and entry.name in _SAID_BY_THE_SHEET and (entry.at, entry.name) in said)
    )


def _subject(entry: Entry) -> Subject:
    if entry.paper is not None:
        return "paper"
    return "sheet" if entry.sheet is not None else "lot"
