"""
Signed checkpoints: the Merkle root over the heads of all chains, their count, and how far the events went.

Each names the digest of the one before. The biller's key signs it, so that whoever holds the database alone can make no
other; a copy kept elsewhere shows even a journal that was set back as a whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.cms import make_seal
from gateway.journal.chain import MerkleRoot
from gateway.journal.rows import Checkpoint
from gateway.party import signer_of

if TYPE_CHECKING:
    from datetime import timedelta

    from gateway.journal.ledger import Ledger
    from gateway.journal.store import Journal
    from gateway.party import Party

__all__ = ["CHECKPOINT_PURPOSE", "CheckpointDesk"]

CHECKPOINT_PURPOSE = "journal"
"""What the seal of a checkpoint says that it is for."""

_IDENTITY = "journal"
_LAST = "checkpoint"


@dataclass(frozen=True, slots=True)
class CheckpointDesk:
    """Where checkpoints are made, with the key of the biller, every ``every`` of business time."""

    journal: Journal
    biller: Party
    every: timedelta

    def when_due(self) -> Checkpoint | None:
        """Make a checkpoint when one is due and something has happened since the last."""
        with self.journal.read() as tx:
            last = tx.mark(_LAST)
            too_soon = bool(last) and tx.now.timestamp() - int(last) < self.every.total_seconds()
            nothing = too_soon or not _has_news(tx, tx.last_checkpoint())
        return None if nothing else self.make()

    def make(self) -> Checkpoint | None:
        """Make a checkpoint; None when nothing has happened since the last one."""
        with self.journal.write() as tx:
            before = tx.last_checkpoint()
            if not _has_news(tx, before):
                return None
            last_event = tx.last_number("event")
            tree = MerkleRoot()
            for chain, rank, digest in tx.heads():
                tree.add_head(chain, rank, digest)
            number = tx.take_number("checkpoint")
            facts = {
                "simulation": "non homologué",
                "journal": _identity(tx),
                "number": number,
                "at": tx.now.isoformat(),
                "last_event": last_event,
                "chains": tree.count,
                "root": tree.digest().hex(),
                "previous": "" if before is None else before.digest,
            }
            statement = json.dumps(facts, sort_keys=True, ensure_ascii=False)
            seal = make_seal(statement.encode(), signer_of(self.biller), tx.now, CHECKPOINT_PURPOSE)
            made = Checkpoint(number, last_event, statement, seal.encode())
            tx.add_checkpoint(made)
            tx.set_mark(_LAST, str(int(tx.now.timestamp())))
            tx.record("checkpoint", str(number))
        return made


def _has_news(tx: Ledger, before: Checkpoint | None) -> bool:
    """Tell whether anything has happened since ``before``, beside the event that it left itself."""
    return tx.last_number("event") > (0 if before is None else before.last_event + 1)


def _identity(tx: Ledger) -> str:
    """Return what tells this journal from another one: a random number, given once."""
    known = tx.mark(_IDENTITY)
    if not known:
        known = tx.random().hex()
        tx.set_mark(_IDENTITY, known)
    return known
