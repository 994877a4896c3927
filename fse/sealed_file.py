"""
The one encoding of a signed document as a file: a sheet, a lot or an acknowledgement.

    SealedFile ::= SEQUENCE {
        format   UTF8String,                    -- which document, in which version: "FSE-SIM feuille 1"
        payload  OCTET STRING,                  -- the canonical XML that is signed
        seals    SEQUENCE OF OCTET STRING,      -- detached CAdES-BES signatures, in the order they were made
        parts    SEQUENCE OF OCTET STRING }     -- what the payload lists by digest (the sheets of a lot)

DER, and nothing else: a file that is not written exactly so is refused, so no bit of it can change unseen.
The layout is ours; the container of the real FSE is not public.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fse import der
from fse.errors import FseError

__all__ = ["MAX_FILE_BYTES", "FileError", "FileFormat", "SealedFile"]

MAX_FILE_BYTES = 16_000_000
"""Largest file that is read, in bytes: a lot of 990 sheets of about 8 kB, doubled."""

_SEQUENCE, _UTF8, _OCTETS = 0x30, 0x0C, 0x04


class FileError(FseError):
    """Bytes that are not the file expected, or not in its one encoding."""


class FileFormat(StrEnum):
    """What a sealed file carries, and in which version of its layout."""

    SHEET = "FSE-SIM feuille 1"
    LOT = "FSE-SIM lot 1"
    ARL = "FSE-SIM arl 1"
    RETURN = "FSE-SIM retour 1"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A signed document: its canonical XML, its seals, and the parts that the XML lists."""

    format: FileFormat
    payload: bytes
    seals: tuple[bytes, ...]
    parts: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Return the file."""
        return der.sequence(
            der.utf8(self.format),
            der.octets(self.payload),
            der.sequence(*map(der.octets, self.seals)),
            der.sequence(*map(der.octets, self.parts)),
        )

    @classmethod
    def decode(cls, data: bytes, expected: FileFormat) -> SealedFile:
        """
        Return the file read from ``data``.

        Raises :class:`FileError`: FILE-SIZE when it is too large, FILE-FORM when it is not an ``expected`` file
        or not written in its one encoding.
        """
        if len(data) > MAX_FILE_BYTES:
            raise FileError("FILE-SIZE", limit=MAX_FILE_BYTES)
        try:
            body, nothing = der.read(data, _SEQUENCE)
            name, body = der.read(body, _UTF8)
            payload, body = der.read(body, _OCTETS)
            seals, body = der.read(body, _SEQUENCE)
            parts, rest = der.read(body, _SEQUENCE)
            if nothing or rest or name != expected.encode():
                raise FileError("FILE-FORM", expected=expected.value)
            return cls(expected, payload, tuple(_strings(seals)), tuple(_strings(parts)))
        except der.DerError:
            raise FileError("FILE-FORM", expected=expected.value) from None


def _strings(body: bytes) -> list[bytes]:
    found = []
    while body:
        value, body = der.read(body, _OCTETS)
        found.append(value)
    return found
