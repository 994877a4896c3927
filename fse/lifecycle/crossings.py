"""
Where one table moves another: what happens to a lot happens to its sheets, a posted duplicata replaces its sheet.

The lot is moved first, then its sheets: its limits are those of the most urgent of them, so that its timers are never
later than theirs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from fse.lifecycle.lot import LotEvent
from fse.lifecycle.paper import PaperEvent, PaperKind
from fse.lifecycle.sheet import SheetEvent
from fse.lifecycle.sheet_table import IN_THE_LOT, SHEETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from fse.lifecycle.engine import Step
    from fse.lifecycle.lot import LotRecord, LotState
    from fse.lifecycle.policy import Policy
    from fse.lifecycle.sheet import SheetRecord, SheetState

__all__ = ["SHEET_EVENT_OF_LOT", "SHEET_EVENT_OF_PAPER", "carry"]

SHEET_EVENT_OF_LOT: Mapping[LotEvent, SheetEvent | None] = MappingProxyType(
    {
        LotEvent.SIGN: None,
        LotEvent.START_EMISSION: SheetEvent.START_EMISSION,
        LotEvent.EMISSION_FAILED: SheetEvent.EMISSION_FAILED,
        LotEvent.EMIT: SheetEvent.EMIT,
        LotEvent.ACKNOWLEDGE_POSITIVE: SheetEvent.ACKNOWLEDGE_POSITIVE,
        LotEvent.ACKNOWLEDGE_ALTERED: SheetEvent.ACKNOWLEDGE_ALTERED,
        LotEvent.ACKNOWLEDGE_REFUSED: SheetEvent.ACKNOWLEDGE_REFUSED,
        LotEvent.WAIT_EXPIRED: SheetEvent.WAIT_EXPIRED,
        LotEvent.REEMIT: SheetEvent.REEMIT,
        # each sheet then has its own limit: a new lot while it runs, a duplicata when it is over
        LotEvent.WINDOW_CLOSED: SheetEvent.REQUEUE,
        LotEvent.DISSOLVE: SheetEvent.REQUEUE,
        LotEvent.REQUEUE: SheetEvent.REQUEUE,
        LotEvent.BLOCKED: SheetEvent.BLOCKED,
        LotEvent.SETTLE: None,
    }
)
"""What each event of a lot is for each of its sheets; None: nothing."""

SHEET_EVENT_OF_PAPER: Mapping[tuple[PaperKind, PaperEvent], SheetEvent] = MappingProxyType(
    {(PaperKind.DUPLICATA, PaperEvent.POST): SheetEvent.DUPLICATA_ISSUED}
)
"""What an event of a paper is for the sheet it goes with; nothing when it is not listed."""

_ANSWERS = frozenset({SheetEvent.ACKNOWLEDGE_POSITIVE, SheetEvent.ACKNOWLEDGE_ALTERED, SheetEvent.ACKNOWLEDGE_REFUSED})


def carry(
    step: Step[LotState, LotEvent, LotRecord],
    sheets: Iterable[SheetRecord],
    now: datetime,
    policy: Policy,
    detail: str = "",
) -> tuple[Step[SheetState, SheetEvent, SheetRecord], ...]:
    """
    Return the steps of the sheets that the ``step`` of a lot concerns, same moment and ``detail``.

    An acknowledgement concerns every sheet whose last lot it is; any other event only those still in its hands: a sheet
    that was paid, rejected or voided meanwhile is left where it is.

    :raises ImpossibleTransition: when a sheet of the lot contradicts it.
    """
    event = SHEET_EVENT_OF_LOT[step.row.event]
    if event is None:
        return ()
    return tuple(
        SHEETS.advance(sheet, event, now, policy, detail)
        for sheet in sheets
        if sheet.lot == step.record.number and (event in _ANSWERS or sheet.state in IN_THE_LOT)
    )
