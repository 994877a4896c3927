"""The journal: everything that must survive, in one database file, each change with its event in one transaction."""

from __future__ import annotations

from gateway.journal.store import Journal
from gateway.journal.transaction import Entry, StoredLot, StoredPaper, StoredSheet, Transaction

__all__ = ["Entry", "Journal", "StoredLot", "StoredPaper", "StoredSheet", "Transaction"]
