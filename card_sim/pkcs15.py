"""The directories of a PKCS #15 application (v1.1): what a card holds, for programs that do not know the card."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from card_sim.der import bits, context, enumerated, integer, octets, sequence, text
from card_sim.tlv import encode
from card_sim.vocabulary import FILE, PIN

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Algorithm", "CertificateEntry", "DataEntry", "KeyEntry", "KeyUsage", "Token"]

_PIN_ID, _PUK_ID = b"\x01", b"\x02"
_PRIVATE, _MODIFIABLE = 0, 1
_ASCII_NUMERIC = 1
_KEY_ACCESS = (0, 2, 3, 4)  # sensitive, always sensitive, never extractable, made on the card


class KeyUsage(IntEnum):
    """What a private key does, by its bit in the directory of keys (§6.3.1)."""

    SIGN = 2
    SIGN_RECOVER = 3
    NON_REPUDIATION = 9


class _PinFlag(IntEnum):
    """Traits of a code, by their bit (§6.8.2)."""

    INITIALIZED = 4
    UNBLOCKING = 6
    CHANGE_DISABLED = 2
    UNBLOCK_DISABLED = 3


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A private RSA key that needs the PIN; its certificate carries the same ``identifier``."""

    label: str
    identifier: bytes
    reference: int
    bits: int
    usage: tuple[KeyUsage, ...]


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """A certificate, in ``file``; ``authority`` for one that issues others."""

    label: str
    identifier: bytes
    file: int
    authority: bool = False


@dataclass(frozen=True, slots=True)
class DataEntry:
    """A file of data; ``private`` when reading it needs the PIN."""

    label: str
    file: int
    private: bool


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What the card computes: mechanism (PKCS #11), operation by its bit (§6.2.4), OID in DER, reference in MSE SET."""

    mechanism: int
    operation: int
    identifier: bytes
    reference: int


@dataclass(frozen=True, slots=True)
class Token:
    """A card as PKCS #15 sees it; ``path`` leads to its directory, from 3F00 on."""

    label: str
    serial: str
    path: bytes
    keys: tuple[KeyEntry, ...]
    certificates: tuple[CertificateEntry, ...]
    data: tuple[DataEntry, ...]
    algorithms: tuple[Algorithm, ...] = ()

    def directories(self) -> Mapping[str, bytes]:
        """Return the contents of the files that PKCS #15 defines, by their name in the card vocabulary."""
        return {
            "object_directory": self._object_directory(),
            "token_information": self._information(),
            "authentication_objects": self._pin() + self._puk(),
            "private_keys": b"".join(map(self._key, self.keys)),
            "certificates": b"".join(map(self._certificate, self.certificates)),
            "data_objects": b"".join(map(self._datum, self.data)),
        }

    def _path(self, file: int | None = None) -> bytes:
        return sequence(octets(self.path + (b"" if file is None else file.to_bytes(2, "big"))))

    def _object_directory(self) -> bytes:
        chapters = {0: "private_keys", 4: "certificates", 7: "data_objects", 8: "authentication_objects"}
        return b"".join(context(number, self._path(FILE[name])) for number, name in chapters.items())

    def _information(self) -> bytes:
        read_only, login_required, random_numbers = 0, 1, 2
        return sequence(
            integer(0),
            octets(self.serial.encode("ascii")),
            text("FSE-SIM TEST"),
            text(self.label, 0x80),
            bits(read_only, login_required, random_numbers),
            context(2, *map(_algorithm, range(1, len(self.algorithms) + 1), self.algorithms))
            if self.algorithms
            else b"",
        )

    def _pin(self) -> bytes:
        return _code("PIN", _PIN_ID, _PUK_ID, PIN["reference"], PIN["digits"], (_PinFlag.INITIALIZED,), self._path())

    def _puk(self) -> bytes:
        flags = (
            _PinFlag.CHANGE_DISABLED,
            _PinFlag.UNBLOCK_DISABLED,
            _PinFlag.INITIALIZED,
            _PinFlag.UNBLOCKING,
        )
        return _code("PUK", _PUK_ID, None, PIN["puk_reference"], PIN["puk_digits"], flags, self._path())

    def _key(self, key: KeyEntry) -> bytes:
        return sequence(
            sequence(text(key.label), bits(_PRIVATE), octets(_PIN_ID)),
            sequence(octets(key.identifier), bits(*key.usage), bits(*_KEY_ACCESS), integer(key.reference)),
            context(1, sequence(self._path(), integer(key.bits))),
        )

    def _certificate(self, entry: CertificateEntry) -> bytes:
        authority = b"\x01\x01\xff" if entry.authority else b""
        return sequence(
            sequence(text(entry.label), bits()),
            sequence(octets(entry.identifier), authority),
            context(1, sequence(self._path(entry.file))),
        )

    def _datum(self, entry: DataEntry) -> bytes:
        access = bits(_PRIVATE) + octets(_PIN_ID) if entry.private else bits()
        return sequence(
            sequence(text(entry.label), access),
            sequence(text("CPS")),
            context(1, self._path(entry.file)),
        )


def _algorithm(number: int, one: Algorithm) -> bytes:
    nothing = encode(0x05, b"")
    operations = bits(one.operation)
    return sequence(
        integer(number),
        integer(one.mechanism),
        nothing,
        operations,
        encode(0x06, one.identifier),
        integer(one.reference),
    )


def _code(
    label: str,
    identifier: bytes,
    unblocked_by: bytes | None,
    reference: int,
    digits: int,
    flags: tuple[_PinFlag, ...],
    path: bytes,
) -> bytes:
    other = b"" if unblocked_by is None else octets(unblocked_by)
    attributes = sequence(
        bits(*flags),
        enumerated(_ASCII_NUMERIC),
        integer(digits),
        integer(digits),
        integer(digits),
        integer(reference, 0x80),
        path,
    )
    return sequence(
        sequence(text(label), bits(_PRIVATE, _MODIFIABLE), other), sequence(octets(identifier)), context(1, attributes)
    )
