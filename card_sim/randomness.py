"""Where keys, serial numbers and challenges come from: the system, or one seed."""

from __future__ import annotations

import secrets
from hashlib import sha256
from hmac import digest
from typing import Protocol

__all__ = ["ByteStream", "Randomness", "SeededRandomness", "SystemRandomness", "integer_below"]

_EXTRA_BYTES = 8


class ByteStream(Protocol):
    """A source of bytes that goes forward."""

    def read(self, count: int) -> bytes:
        """Return the ``count`` next bytes."""


class Randomness(Protocol):
    """Independent streams of bytes, one per label."""

    @property
    def seeded(self) -> bool:
        """Whether the same labels give the same bytes in the next run."""

    def stream(self, label: str) -> ByteStream:
        """Return the stream called ``label``, from its beginning."""


class _SystemStream:
    def read(self, count: int) -> bytes:
        return secrets.token_bytes(count)


class SystemRandomness:
    """The randomness of the operating system."""

    @property
    def seeded(self) -> bool:
        """False: nothing is reproducible."""
        return False

    def stream(self, label: str) -> ByteStream:  # noqa: ARG002 - all labels draw from the same source
        """Return a stream of system randomness."""
        return _SystemStream()


class _SeededStream:
    """HMAC-SHA256 in counter mode, keyed by the seed and the label."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._block = 0
        self._rest = b""

    def read(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._rest += digest(self._key, self._block.to_bytes(8, "big"), "sha256")
            self._block += 1
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken


class SeededRandomness:
    """
    Reproducible streams, for simulations only: whoever knows the seed knows the keys.

    A stream depends on the seed and on its label alone, so that adding one card changes no other. The seeds ``7`` and
    ``"7"`` are the same.
    """

    def __init__(self, seed: int | str) -> None:
        self._key = sha256(f"fse-sim seed {seed}".encode()).digest()

    @property
    def seeded(self) -> bool:
        """True: the same labels give the same bytes in the next run."""
        return True

    def stream(self, label: str) -> ByteStream:
        """Return the stream called ``label``, from its beginning."""
        return _SeededStream(digest(self._key, label.encode(), "sha256"))


def integer_below(limit: int, stream: ByteStream) -> int:
    """Return a number from 1 to ``limit`` - 1, without visible bias (FIPS 186-5 A.2.1, extra random bits)."""
    size = (limit.bit_length() + 7) // 8 + _EXTRA_BYTES
    return 1 + int.from_bytes(stream.read(size), "big") % (limit - 1)
