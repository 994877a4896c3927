"""
The agenda: what the law expects of this gateway next, and by when.

Every sheet and paper that something is expected of stands in one section by its day; lots that wait for a card stand in
``to_sign``, beside the sheets that wait for one. A line says which number, where and what, never who: no identity is
read for it, nor the bytes of anything. Sources: CSS R161-47, R161-43; protocol art. 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from sqlalchemy import func, select

from fse.deadlines import paris_date
from fse.lifecycle import LOTS, PAPERS, SHEETS, LotState, SheetState
from fse.lifecycle.punctuality import (
    AWAITED_PAPERS,
    AWAITED_SHEETS,
    Punctuality,
    Timing,
    lot_timing,
    paper_timing,
    sheet_timing,
)
from gateway.journal import tables
from gateway.journal.rows import LOT, PAPER, SHEET

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from fse.lifecycle import LotRecord, NextAction, PaperRecord, Policy, SheetRecord
    from gateway.journal import Journal, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["Agenda", "Line", "agenda_of", "read_agenda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One thing to do.

    ``site`` is the FINESS of the place of care, empty for a lot of several. ``action`` is what the life cycle says
    comes next, ``day`` the last day for it (Europe/Paris), or the one it has missed. ``hold`` is why its lot waits for
    a person.
    """

    subject: Literal["sheet", "lot", "paper"]
    number: int
    site: str
    state: str
    action: str
    day: date | None
    timing: Timing
    established_on: date
    hold: str = ""

    @property
    def is_red(self) -> bool:
        """Whether it can wait no more: late, a duplicata due, a lot that waits for a person."""
        held_lot = self.subject == "lot" and bool(self.hold)
        return self.timing.punctuality is Punctuality.LATE or self.timing.reason == "duplicata" or held_lot


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """
    What is expected at ``at``: the day ``on``, and ``next_day``, the jour ouvré after it.

    ``overdue`` is red, ``today``, ``tomorrow`` (up to ``next_day``) and ``later`` follow the day of each line.
    ``to_sign`` says once more what waits for a card, most urgent first.
    """

    at: datetime
    on: date
    next_day: date
    overdue: tuple[Line, ...]
    today: tuple[Line, ...]
    tomorrow: tuple[Line, ...]
    later: tuple[Line, ...]
    to_sign: tuple[Line, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """Every line that stands under a day, each once."""
        return (*self.overdue, *self.today, *self.tomorrow, *self.later)


def read_agenda(
    journal: Journal, profile: ServiceProfile, now: datetime, sites: Collection[str] | None = None
) -> Agenda:
    """Return the agenda of ``journal`` at ``now``, of the sites with these FINESS alone when ``sites`` are named."""
    with journal.read() as tx:
        return agenda_of(tx, profile, now, sites)


def agenda_of(tx: Transaction, profile: ServiceProfile, now: datetime, sites: Collection[str] | None = None) -> Agenda:
    """Return the agenda as :func:`read_agenda` does, in the state that ``tx`` sees."""
    book = _Book(tx, profile.policy, now, sites)
    on = paris_date(now)
    next_day = profile.policy.calendar.add(on, 1)
    lots, sheets = list(book.lots()), list(book.sheets())
    lines = sorted((*sheets, *book.papers(), *(lot for lot in lots if lot.hold)), key=_urgency)
    red = [line for line in lines if line.is_red]
    dated = [(line.day or date.max, line) for line in lines if not line.is_red]
    waiting = [lot for lot in lots if lot.state == LotState.TO_SIGN]
    waiting += [line for line in sheets if line.state == SheetState.PATIENT_SIGNED and line.action == "seal"]
    return Agenda(
        at=now,
        on=on,
        next_day=next_day,
        overdue=tuple(red),
        today=tuple(line for day, line in dated if day <= on),
        tomorrow=tuple(line for day, line in dated if on < day <= next_day),
        later=tuple(line for day, line in dated if day > next_day),
        to_sign=tuple(sorted(waiting, key=_urgency)),
    )


def _urgency(line: Line) -> tuple[date, str, int]:
    return line.day or date.max, line.subject, line.number


class _Book:
    """The open subjects of a journal, as lines."""

    def __init__(self, tx: Transaction, policy: Policy, now: datetime, sites: Collection[str] | None) -> None:
        self._tx = tx
        self._policy = policy
        self._now = now
        self._sites = sites
        table = tables.lots
        open_lots = select(table.c.number, table.c.hold, table.c.record).where(table.c.state.in_(sorted(LOTS.timed)))
        self._lots = tx.select(open_lots.order_by(table.c.number))
        self._holds = {row.number: row.hold for row in self._lots if row.hold}
        table = tables.sheets
        columns = (table.c.number, table.c.site, table.c.lot, table.c.record)
        self._sheets = tx.select(select(*columns).where(table.c.state.in_(sorted(AWAITED_SHEETS))))

    def _shows(self, site: str) -> bool:
        return self._sites is None or site in self._sites

    def sheets(self) -> Iterator[Line]:
        """Yield a line for each sheet that something is expected of."""
        for row in self._sheets:
            if self._shows(row.site):
                record = SHEET.validate_json(row.record)
                timing = sheet_timing(record, self._now, self._policy)
                action = SHEETS.next_action(record, self._now, self._policy)
                hold = self._holds.get(row.lot, "")
                yield _line("sheet", row.number, row.site, record, action, timing, hold)

    def lots(self) -> Iterator[Line]:
        """Yield a line for each lot that waits for a card or for a person."""
        sites_of: dict[int, set[str]] = {}
        for sheet in self._sheets:
            sites_of.setdefault(sheet.lot, set()).add(sheet.site)
        for row in self._lots:
            record = LOT.validate_json(row.record)
            due = LOTS.settle(record, self._now, self._policy)
            state = due[-1].record.state if due else record.state
            held = row.hold and state in LOTS.timed
            sites = sites_of.get(row.number, set())
            if (held or state is LotState.TO_SIGN) and (self._sites is None or any(map(self._shows, sites))):
                timing = lot_timing(record, self._now, self._policy)
                action = LOTS.next_action(record, self._now, self._policy)
                site = next(iter(sites)) if len(sites) == 1 else ""
                yield _line("lot", row.number, site, record, action, timing, row.hold)

    def papers(self) -> Iterator[Line]:
        """Yield a line for each paper that has not left."""
        table, of = tables.papers, tables.sheets
        # papers made before they had a site of their own have that of their sheet
        site = func.coalesce(func.nullif(table.c.site, ""), of.c.site, "").label("site")
        query = select(table.c.number, site, table.c.record).outerjoin(of, of.c.number == table.c.sheet)
        for row in self._tx.select(query.where(table.c.state.in_(sorted(AWAITED_PAPERS)))):
            if self._shows(row.site):
                record = PAPER.validate_json(row.record)
                timing = paper_timing(record, self._now, self._policy)
                action = PAPERS.next_action(record, self._now, self._policy)
                yield _line("paper", row.number, row.site, record, action, timing)


def _line(
    subject: Literal["sheet", "lot", "paper"],
    number: int,
    site: str,
    record: SheetRecord | LotRecord | PaperRecord,
    action: NextAction,
    timing: Timing,
    hold: str = "",
) -> Line:
    return Line(
        subject=subject,
        number=number,
        site=site,
        state=record.state,
        action=action.code,
        day=timing.day if timing.punctuality is Punctuality.LATE else action.by or timing.day,
        timing=timing,
        established_on=record.established_on,
        hold=hold,
    )
