"""The journal: everything that must survive, in one database, each change with its event in one transaction."""

from __future__ import annotations

from gateway.journal.checkpoints import CheckpointDesk
from gateway.journal.rows import Checkpoint, Entry, ReturnLine, StoredLot, StoredPaper, StoredReturn, StoredSheet
from gateway.journal.store import Journal
from gateway.journal.transaction import Transaction

__all__ = [
    "Checkpoint",
    "CheckpointDesk",
    "Entry",
    "Journal",
    "ReturnLine",
    "StoredLot",
    "StoredPaper",
    "StoredReturn",
    "StoredSheet",
    "Transaction",
]
