"""
What makes a change of the past visible: one chain of digests for each subject, one root over all their heads.

An event's digest covers the digest of the one before it in its chain, so that none can be changed, taken out or put in
without changing every later one; a signed root over the heads (Merkle tree, hashed as RFC 6962 §2.1 does) fixes them
all at once. What an event says of a row is a salted digest: with the row and its salt gone the event still stands, and
tells nobody what the row said.
"""

from __future__ import annotations

import hmac
import json
from enum import IntEnum
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GENESIS", "MerkleRoot", "Subject", "chain_name", "chain_of", "commitment", "link"]

GENESIS = bytes(32)
"""What the first event of a chain follows."""

_NUMBERS = 10**10


class Subject(IntEnum):
    """What a chain is about; its number completes it."""

    JOURNAL = 0
    SHEET = 1
    LOT = 2
    PAPER = 3
    SUBMISSION = 4
    RETURN = 5


def chain_of(subject: Subject, number: int = 0) -> int:
    """Return the key of the chain of ``subject`` ``number``: one integer, whose order is the same in every database."""
    return subject * _NUMBERS + number


def chain_name(chain: int) -> str:
    """Return how people name the chain, as in ``sheet 12``."""
    subject, number = divmod(chain, _NUMBERS)
    if subject not in set(Subject):
        return f"? {chain}"
    return f"{Subject(subject).name.lower()} {number}" if number else Subject(subject).name.lower()


def link(previous: bytes, facts: Mapping[str, int | str | None]) -> bytes:
    """Return the digest of an event with these ``facts`` that follows ``previous`` in its chain."""
    return sha256(previous + json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).digest()


def commitment(salt: bytes, column: str, value: bytes) -> str:
    """Return what an event says of a ``value`` it does not show: its HMAC-SHA256 under the ``salt`` of the row."""
    return hmac.new(salt, column.encode() + b"\0" + value, sha256).hexdigest()


class MerkleRoot:
    """The root of a tree (RFC 6962 §2.1) whose leaves are given one by one; memory grows with their logarithm only."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, bytes]] = []  # subtrees of falling size, as the bits of the count
        self.count = 0

    def add(self, leaf: bytes) -> None:
        """Take the next leaf."""
        size, node = 1, sha256(b"\0" + leaf).digest()
        while self._stack and self._stack[-1][0] == size:
            node = sha256(b"\1" + self._stack.pop()[1] + node).digest()
            size *= 2
        self._stack.append((size, node))
        self.count += 1

    def digest(self) -> bytes:
        """Return the root of the leaves given so far; without any, the digest of nothing."""
        if not self._stack:
            return sha256().digest()
        node = self._stack[-1][1]
        for _, left in reversed(self._stack[:-1]):
            node = sha256(b"\1" + left + node).digest()
        return node

    def add_head(self, chain: int, rank: int, digest: bytes) -> None:
        """Take the head of a chain as the next leaf; the heads come in the order of their chains."""
        self.add(b"%d %d " % (chain, rank) + digest)
