"""What a certificate of the TEST infrastructure says of its holder (layouts in ``schemas/pki.toml``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography import x509

import schemas
from fse import der
from fse.errors import FseError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ApcvRights", "BillingParty", "CpsEntitlement", "Holder", "HolderError", "VitaleHolders"]

_OID = schemas.read_toml("pki.toml")["oid"]
_SEQUENCE, _PRINTABLE, _BOOLEAN, _INTEGER, _OCTETS, _CONTEXT_0 = 0x30, 0x13, 0x01, 0x02, 0x04, 0x80

_Value = TypeVar("_Value")


class HolderError(FseError):
    """A certificate that does not say what its family's certificates say."""


@dataclass(frozen=True, slots=True)
class CpsEntitlement:
    """Who holds a CPS, where he exercises (FINESS), and what he may sign."""

    rpps: str
    profession: str
    structures: tuple[str, ...]
    signs_sheet: bool
    signs_lot: bool

    @classmethod
    def of(cls, certificate: x509.Certificate) -> CpsEntitlement:
        """Return what ``certificate`` says; raises :class:`HolderError` (HOLDER-FORM)."""
        return _read(certificate, "cps_entitlement", cls._parse)

    @classmethod
    def _parse(cls, body: bytes) -> CpsEntitlement:
        rpps, body = _printable(body)
        profession, body = _printable(body)
        listed, body = der.read(body, _SEQUENCE)
        structures = []
        while listed:
            finess, listed = _printable(listed)
            structures.append(finess)
        sheet, body = der.read(body, _BOOLEAN)
        lot, _ = der.read(body, _BOOLEAN)
        return cls(rpps, profession, tuple(structures), sheet != b"\0", lot != b"\0")


@dataclass(frozen=True, slots=True)
class Holder:
    """One person whom a Vitale covers."""

    birth_date: date
    birth_rank: int
    nir: str | None


@dataclass(frozen=True, slots=True)
class VitaleHolders:
    """The persons of a Vitale: the insured (NIR, 13 characters) and everybody covered."""

    serial: str
    insured: str
    holders: tuple[Holder, ...]

    @classmethod
    def of(cls, certificate: x509.Certificate) -> VitaleHolders:
        """Return what ``certificate`` says; raises :class:`HolderError` (HOLDER-FORM)."""
        return _read(certificate, "vitale_holders", cls._parse)

    @classmethod
    def _parse(cls, body: bytes) -> VitaleHolders:
        serial, body = _printable(body)
        insured, body = _printable(body)
        listed, _ = der.read(body, _SEQUENCE)
        holders = []
        while listed:
            holder, listed = der.read(listed, _SEQUENCE)
            born, holder = _printable(holder)
            rank, holder = der.read(holder, _INTEGER)
            nir = der.read(holder, _CONTEXT_0)[0].decode("ascii") if holder else None
            holders.append(Holder(date.fromisoformat(born), int.from_bytes(rank, "big"), nir))
        return cls(serial, insured, tuple(holders))


@dataclass(frozen=True, slots=True)
class ApcvRights:
    """What makes a certificate the token of an apCV-sim: the SHA-256 of the data that it binds."""

    digest: bytes

    @classmethod
    def of(cls, certificate: x509.Certificate) -> ApcvRights | None:
        """Return what ``certificate`` says, None for that of a card; raises :class:`HolderError` (HOLDER-FORM)."""
        if _extension(certificate, "apcv_rights") is None:
            return None
        return _read(certificate, "apcv_rights", cls._parse)

    @classmethod
    def _parse(cls, body: bytes) -> ApcvRights:
        return cls(der.read(body, _OCTETS)[0])


@dataclass(frozen=True, slots=True)
class BillingParty:
    """A caisse (9 digits) or a biller (FINESS), as its certificate names it."""

    role: str
    code: str

    @classmethod
    def of(cls, certificate: x509.Certificate) -> BillingParty:
        """Return what ``certificate`` says; raises :class:`HolderError` (HOLDER-FORM)."""
        return _read(certificate, "billing_party", cls._parse)

    @classmethod
    def _parse(cls, body: bytes) -> BillingParty:
        role, body = _printable(body)
        code, _ = _printable(body)
        return cls(role, code)


def _printable(body: bytes) -> tuple[str, bytes]:
    value, rest = der.read(body, _PRINTABLE)
    return value.decode("ascii"), rest


def _read(certificate: x509.Certificate, name: str, parse: Callable[[bytes], _Value]) -> _Value:
    value = _extension(certificate, name)
    try:
        if value is not None:
            return parse(der.read(value, _SEQUENCE)[0])
    except ValueError:
        pass
    raise HolderError("HOLDER-FORM", extension=name)


def _extension(certificate: x509.Certificate, name: str) -> bytes | None:
    """Return the value of an extension of ours, None when it is not there."""
    try:
        found: Any = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(_OID[name])).value
    except x509.ExtensionNotFound:
        return None
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        raise HolderError("HOLDER-FORM", extension=name) from None
    return bytes(found.value)
