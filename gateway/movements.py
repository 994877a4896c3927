"""One step of a lot, carried to its sheets and their papers, in the transaction where it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.lifecycle import LOTS, SHEETS, LotEvent, carry
from gateway.papers import carry_out_paper

if TYPE_CHECKING:
    from fse.lifecycle import LotRecord, LotState, SheetEvent, SheetRecord, SheetState, Step
    from gateway.journal import StoredLot, StoredSheet, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["move_lot", "move_sheet"]


def move_lot(
    tx: Transaction,
    stored: StoredLot,
    step: Step[LotState, LotEvent, LotRecord],
    profile: ServiceProfile,
    detail: str = "",
    *,
    reason: str = "",
) -> None:
    """
    Store ``step`` of a lot and what it makes of each of its sheets.

    ``detail`` goes with the events; ``reason``, the words of a person, into the records alone.
    """
    tx.update_lot(stored.number, step.record, step.row.event, detail)
    sheets = {sheet.record.number: sheet for sheet in tx.sheets_of_lot(stored.number)}
    for moved in carry(
        step,
        [sheet.record for sheet in sheets.values()],
        tx.now,
        profile.policy,
        reason or detail or stored.record.number,
    ):
        move_sheet(tx, sheets[moved.record.number], moved, profile, detail)


def move_sheet(
    tx: Transaction,
    stored: StoredSheet,
    step: Step[SheetState, SheetEvent, SheetRecord],
    profile: ServiceProfile,
    detail: str = "",
) -> None:
    """Store ``step`` of a sheet and what it asks of its papers; its lot is settled with the last of its sheets."""
    tx.update_sheet(stored.number, step.record, step.row.event, detail)
    carry_out_paper(tx, step, stored, profile)
    if step.record.lot and step.record.state in SHEETS.finals and step.row.to is not step.row.state:
        _settle_lot(tx, int(step.record.lot), profile)


def _settle_lot(tx: Transaction, number: int, profile: ServiceProfile) -> None:
    lot = tx.lot(number)
    finished = all(sheet.record.state in SHEETS.finals for sheet in tx.sheets_of_lot(number))
    if lot is not None and finished and LotEvent.SETTLE in LOTS.possible(lot.record, tx.now, profile.policy):
        step = LOTS.advance(lot.record, LotEvent.SETTLE, tx.now, profile.policy)
        tx.update_lot(number, step.record, LotEvent.SETTLE)
