"""
What is found when the journal is held against itself: its chains, its checkpoints, its rows.

Each finding is a rule of the catalogue with its facts. Found is every event that was changed, taken out, put in or cut
off before the last checkpoint, and every row that does not say what its events say of it. What cannot be seen is said
too (:attr:`Verification.unseen`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from fse.cms import Seal
from fse.errors import FseError
from fse.holders import BillingParty
from fse.seals import check_seal
from gateway.errors import GatewayError
from gateway.journal.chain import GENESIS, MerkleRoot, chain_name, link
from gateway.journal.checkpoints import CHECKPOINT_PURPOSE
from gateway.journal.row_check import check_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fse.trust import TrustStore
    from gateway.journal.rows import Checkpoint, Entry
    from gateway.journal.store import Journal
    from gateway.journal.transaction import Transaction

__all__ = ["Verification", "verify_journal"]


@dataclass(slots=True)
class Verification:
    """
    What was looked at and what was found; ``findings`` is empty when all holds.

    ``covered`` is the last event that a checkpoint vouches for, ``checkpoint`` that checkpoint.
    """

    findings: list[FseError] = field(default_factory=list)
    events: int = 0
    chains: int = 0
    rows: int = 0
    checkpoints: int = 0
    checkpoint: Checkpoint | None = None

    @property
    def covered(self) -> int:
        """The last event that a checkpoint vouches for, 0 without one."""
        return 0 if self.checkpoint is None else self.checkpoint.last_event

    @property
    def unseen(self) -> tuple[str, ...]:
        """What no check can see, as names of the wording section ``journal_unseen``."""
        return ("after", "set-back", "anonymous", "before-storing")


def verify_journal(
    journal: Journal,
    trust: TrustStore,
    biller: str,
    *,
    outside: str = "",
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verification:
    """
    Hold the journal against itself, and against the statement of a checkpoint kept ``outside`` when one is given.

    ``tell`` is told how many events of how many were read. Nothing is written.
    """
    found = Verification()
    with journal.read() as tx:
        last_event = tx.last_number("event")
        checkpoints = tx.checkpoints()
        found.checkpoints = len(checkpoints)
        found.findings += _checkpoint_findings(checkpoints, trust, biller, outside)
        found.checkpoint = checkpoints[-1] if checkpoints else None
        tree = MerkleRoot()
        found.findings += _chain_findings(tx, found, tree, lambda done: tell(done, last_event))
        if found.events != last_event:
            found.findings.append(GatewayError("JOURNAL-COUNT", given=last_event, found=found.events))
        if found.checkpoint is not None:
            stated = json.loads(found.checkpoint.statement)
            if (stated.get("root"), stated.get("chains")) != (tree.digest().hex(), tree.count):
                found.findings.append(GatewayError("JOURNAL-ROOT", number=found.checkpoint.number))
        findings, found.rows = check_rows(tx)
        found.findings += findings
    return found


def _chain_findings(
    tx: Transaction, found: Verification, tree: MerkleRoot, tell: Callable[[int], None]
) -> Iterator[GatewayError]:
    """Follow each chain from its first event; give the tree the heads as they were at the last checkpoint."""
    heads = _Heads(tx.heads())
    ids: set[int] = set()
    for chain, entries in groupby(tx.chained_events(), key=lambda entry: entry.chain):
        found.chains += 1
        last, at_checkpoint, broken = None, None, None
        for entry in entries:
            found.events += 1
            tell(found.events)
            if not _follows(last, entry):
                broken = broken or entry  # what comes after it in this chain follows from it
            if entry.id <= found.covered:
                at_checkpoint = entry
            last = entry
            ids.add(entry.id)
        if broken is not None:
            yield GatewayError("JOURNAL-CHAIN", chain=chain_name(chain), event=broken.id, rank=broken.rank)
        if at_checkpoint is not None:
            tree.add_head(chain, at_checkpoint.rank, at_checkpoint.digest or b"")
        yield from heads.up_to(chain, last)
    yield from heads.left()
    if ids and max(ids) != len(ids):
        yield GatewayError("JOURNAL-GAP", event=next(one for one in range(1, max(ids) + 1) if one not in ids))


def _follows(last: Entry | None, entry: Entry) -> bool:
    previous, rank = (GENESIS, 0) if last is None else (last.digest or b"", last.rank)
    return entry.rank == rank + 1 and entry.digest == link(previous, entry.facts)


class _Heads:
    """The heads of the chains, taken beside the chains in the same order."""

    def __init__(self, heads: Iterator[tuple[int, int, bytes]]) -> None:
        self._heads = heads
        self._next = next(heads, None)

    def up_to(self, chain: int, last: Entry | None) -> Iterator[GatewayError]:
        """Yield the heads of no chain before ``chain``, and that of ``chain`` when it is not its ``last`` event."""
        while self._next is not None and self._next[0] < chain:
            yield GatewayError("JOURNAL-HEAD", chain=chain_name(self._next[0]))
            self._next = next(self._heads, None)
        if self._next is None or last is None or self._next != (chain, last.rank, last.digest):
            yield GatewayError("JOURNAL-HEAD", chain=chain_name(chain))
        if self._next is not None and self._next[0] == chain:
            self._next = next(self._heads, None)

    def left(self) -> Iterator[GatewayError]:
        """Yield the heads that no chain was found for."""
        while self._next is not None:
            yield GatewayError("JOURNAL-HEAD", chain=chain_name(self._next[0]))
            self._next = next(self._heads, None)


def _checkpoint_findings(
    checkpoints: Sequence[Checkpoint], trust: TrustStore, biller: str, outside: str
) -> Iterator[FseError]:
    """Follow the checkpoints: none missing, each naming the one before, each signed by the biller."""
    previous, known = "", {one.statement for one in checkpoints}
    for number, one in enumerate(checkpoints, 1):
        try:
            stated = json.loads(one.statement)
            seal = Seal.decode(one.signature)
            check_seal(seal, one.statement.encode(), trust, "facturation")
            signed_by = BillingParty.of(seal.x509), seal.purpose
            facts = (stated["number"], stated["last_event"], stated["previous"])
        except (FseError, ValueError, KeyError) as error:
            rule = error.rule.id if isinstance(error, FseError) else type(error).__name__
            yield GatewayError("JOURNAL-SIGNATURE", number=one.number, reason=rule)
        else:
            if signed_by != (BillingParty("biller", biller), CHECKPOINT_PURPOSE):
                yield GatewayError("JOURNAL-SIGNATURE", number=one.number, reason=seal.purpose)
            elif facts != (number, one.last_event, previous) or one.number != number:
                yield GatewayError("JOURNAL-SEQUENCE", number=number)
        previous = one.digest
    if outside and outside not in known:
        yield GatewayError("JOURNAL-OUTSIDE")
