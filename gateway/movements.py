"""One step of a lot, carried to its sheets and their papers, in the transaction where it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.lifecycle import carry
from gateway.papers import carry_out_paper

if TYPE_CHECKING:
    from fse.lifecycle import LotEvent, LotRecord, LotState, SheetEvent, SheetRecord, SheetState, Step
    from gateway.journal import StoredLot, StoredSheet, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["move_lot", "move_sheet"]


def move_lot(
    tx: Transaction,
    stored: StoredLot,
    step: Step[LotState, LotEvent, LotRecord],
    profile: ServiceProfile,
    detail: str = "",
) -> None:
    """Store ``step`` of a lot and what it makes of each of its sheets."""
    tx.update_lot(stored.number, step.record, step.row.event, detail)
    sheets = {sheet.record.number: sheet for sheet in tx.sheets_of_lot(stored.number)}
    for moved in carry(
        step, [sheet.record for sheet in sheets.values()], tx.now, profile.policy, detail or stored.record.number
    ):
        move_sheet(tx, sheets[moved.record.number], moved, profile, detail)


def move_sheet(
    tx: Transaction,
    stored: StoredSheet,
    step: Step[SheetState, SheetEvent, SheetRecord],
    profile: ServiceProfile,
    detail: str = "",
) -> None:
    """Store ``step`` of a sheet and what it asks of its papers."""
    tx.update_sheet(stored.number, step.record, step.row.event, detail)
    carry_out_paper(tx, step, stored, profile)
