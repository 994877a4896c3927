"""
The life cycle of a sheet, of a lot and of a paper: three pure tables, walked by one engine.

``TABLE.advance(record, event, now, policy)`` gives the record after the event and the effects to carry out;
``TABLE.due_event`` and ``TABLE.next_due`` say what time alone does, ``TABLE.next_action`` what a person reads.
Sources: CSS R161-42, R161-43, R161-47; protocol of the convention 2023-212 (annexe 1.2), article 6.
"""

from __future__ import annotations

from fse.lifecycle.crossings import SHEET_EVENT_OF_LOT, SHEET_EVENT_OF_PAPER, carry
from fse.lifecycle.effects import Effect
from fse.lifecycle.engine import Step, Table
from fse.lifecycle.errors import DetailMissing, ImpossibleTransition, LifecycleError, PolicyError
from fse.lifecycle.lot import LOTS, LotEvent, LotRecord, LotState
from fse.lifecycle.paper import PAPERS, PaperEvent, PaperKind, PaperRecord, PaperState
from fse.lifecycle.policy import Policy, PolicyName, Unit, policy_named
from fse.lifecycle.rows import Guard, Row, Timer
from fse.lifecycle.sheet import SheetEvent, SheetFlag, SheetMode, SheetRecord, SheetState
from fse.lifecycle.sheet_table import IN_THE_LOT, SHEETS
from fse.lifecycle.wording import NextAction, Wording, reason_text, wording

__all__ = [
    "IN_THE_LOT",
    "LOTS",
    "PAPERS",
    "SHEETS",
    "SHEET_EVENT_OF_LOT",
    "SHEET_EVENT_OF_PAPER",
    "DetailMissing",
    "Effect",
    "Guard",
    "ImpossibleTransition",
    "LifecycleError",
    "LotEvent",
    "LotRecord",
    "LotState",
    "NextAction",
    "PaperEvent",
    "PaperKind",
    "PaperRecord",
    "PaperState",
    "Policy",
    "PolicyError",
    "PolicyName",
    "Row",
    "SheetEvent",
    "SheetFlag",
    "SheetMode",
    "SheetRecord",
    "SheetState",
    "Step",
    "Table",
    "Timer",
    "Unit",
    "Wording",
    "carry",
    "policy_named",
    "reason_text",
    "wording",
]
