"""
When and how each caisse is sent to: hours at which it takes files, the day's cut-off, how many lots at a time.

Public sources give no hours (convention 2023-212 is silent); they are a contract's or a concentrator's: data of the
profile. Hours are those of Paris. Without a word about it, a caisse takes files at any time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from fse.deadlines import PARIS
from fse.identifiers import IdentifierError, OrganismCode
from fse.lot import MAX_SHEETS
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from fse.working_days import Calendar

__all__ = ["Destination", "read_destinations"]

_MOST_DAYS = 30  # no closure is longer; a calendar that has none says so by then
_MIDNIGHT = time(0)
_HOURS = ("opens", "closes", "cut_off")
_HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_KINDS = {"working_days": bool, "one_at_a_time": bool, "max_sheets": int}


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """
    One caisse as one sends to it.

    From ``opens`` to ``closes`` (that minute no more; midnight: the whole day), on every day or on ``working_days``
    only. At ``cut_off`` what is queued becomes lots of itself (None: when a person says so). ``max_sheets``: most
    sheets in a lot, at most 990. ``one_at_a_time``: no other lot before the last one is acknowledged.
    """

    organism: str
    opens: time = _MIDNIGHT
    closes: time = _MIDNIGHT
    working_days: bool = False
    cut_off: time | None = None
    max_sheets: int = MAX_SHEETS
    one_at_a_time: bool = False

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Destination:
        """
        Return the destination that a profile writes as ``entry``, hours as ``08:30``.

        Raises :class:`gateway.errors.GatewayError` (PROFILE-DESTINATION) naming what is wrong.
        """
        organism, hours = entry.get("organism", "?"), {name: entry[name] for name in _HOURS if name in entry}
        try:
            OrganismCode.parse(str(organism))
            _check(entry, hours)
            found = cls(**(entry | {name: time.fromisoformat(value) for name, value in hours.items()}))
        except (IdentifierError, TypeError, ValueError) as error:
            raise GatewayError("PROFILE-DESTINATION", organism=str(organism)[:20], reason=str(error)) from None
        if found.closes != _MIDNIGHT and found.closes <= found.opens:
            raise GatewayError("PROFILE-DESTINATION", organism=found.organism, reason="closes <= opens")
        return found

    def next_opening(self, now: datetime, calendar: Calendar) -> datetime:
        """Return when a file may leave: ``now`` when it takes files, else the next opening (UTC)."""
        local = now.astimezone(PARIS)
        for later in range(_MOST_DAYS):
            day = local.date() + timedelta(days=later)
            if self.working_days and not calendar.is_working(day):
                continue
            opens, closes = self._hours(day)
            if now < closes:
                return max(now, opens)
        return now  # a calendar without any working day closes nobody for ever

    def _hours(self, day: date) -> tuple[datetime, datetime]:
        end = day if self.closes != _MIDNIGHT else day + timedelta(days=1)
        return _at(day, self.opens), _at(end, self.closes)

    def next_cut_off(self, after: datetime) -> datetime | None:
        """Return the first cut-off later than ``after`` (UTC), None when a person closes the lots."""
        if self.cut_off is None:
            return None
        day = after.astimezone(PARIS).date()
        return next(at for at in (_at(day + timedelta(days=more), self.cut_off) for more in (0, 1)) if at > after)


def read_destinations(entries: Iterable[dict[str, Any]]) -> dict[str, Destination]:
    """
    Return the destinations of a profile by caisse.

    Raises :class:`gateway.errors.GatewayError` (PROFILE-DESTINATION), also for a caisse that is named twice.
    """
    found: dict[str, Destination] = {}
    for one in map(Destination.read, entries):
        if one.organism in found:
            raise GatewayError("PROFILE-DESTINATION", organism=one.organism, reason="organism: 2 ×")
        found[one.organism] = one
    return found


def _check(entry: dict[str, Any], hours: dict[str, object]) -> None:
    """Raise ValueError naming a value that does not mean what its name asks for."""
    wrong = [name for name, value in hours.items() if not (isinstance(value, str) and _HOUR.fullmatch(value))]
    wrong += [name for name, kind in _KINDS.items() if name in entry and type(entry[name]) is not kind]
    if not wrong and not 1 <= entry.get("max_sheets", MAX_SHEETS) <= MAX_SHEETS:
        wrong.append("max_sheets")
    if wrong:
        raise ValueError(", ".join(f"{name} = {entry[name]!r}" for name in wrong))


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, PARIS).astimezone(UTC)
