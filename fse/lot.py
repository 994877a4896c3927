"""
The lot: sheets of one biller for one caisse, in one mode, under one cahier des charges, signed by a card.

A lot is the unit that an acknowledgement answers. Its manifest lists each sheet by number and digest and is signed; the
sheets travel beside it unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

from fse import safe_xml
from fse.cms import CmsError, Seal, Signer, make_seal
from fse.errors import FseError
from fse.holders import CpsEntitlement
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.seals import NotEntitled
from fse.sheet_xml import MENTION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from lxml import etree

    from fse.trust import TrustStore

__all__ = ["MAX_SHEETS", "Lot", "LotAltered", "SignedLot", "check_signer", "open_lot", "sign_lot"]

MAX_SHEETS = 990
"""Most sheets in a lot: the limit that a field-used sender of B2 files keeps for records."""

LOT_PURPOSE = "lot"
"""What the seal of a lot says that it is for."""

_NAMESPACE = "urn:fse-sim:lot:1"
_Q = f"{{{_NAMESPACE}}}"


class LotAltered(FseError):
    """A lot that did not arrive as it was signed: nothing in it may be believed, so nothing more is said of it."""

    default_rule = "ARL-ALTERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """The manifest: what the lot is and the (number, SHA-256 in hexadecimal) of each of its sheets, in order."""

    number: int
    file_number: int
    day: date
    biller: str
    organism: str
    mode: str
    specification: str
    sheets: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class SignedLot:
    """
    A lot whose signature holds.

    Its manifest, its sheets' bytes by number, and the seal. The signer is still to be judged.
    """

    lot: Lot
    sheets: dict[int, bytes]
    seal: Seal


def digest(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in hexadecimal, as manifests and acknowledgements write it."""
    return sha256(data).hexdigest()


def sign_lot(lot: Lot, sheets: Iterable[bytes], cps: Signer, at: datetime) -> bytes:
    """Return the lot file: manifest, the card's seal, and the sheets' bytes in the order of the manifest."""
    payload = _FORMAT.write(lot)
    return SealedFile(
        FileFormat.LOT, payload, (make_seal(payload, cps, at, LOT_PURPOSE).encode(),), tuple(sheets)
    ).encode()


def open_lot(data: bytes) -> SignedLot:
    """
    Return the lot in ``data`` when it is whole and its signature holds.

    Every failure raises the same :class:`LotAltered`, whatever it was: whoever alters a lot on its way must not learn
    from the answer how far he came.
    """
    try:
        file = SealedFile.decode(data, FileFormat.LOT)
        (encoded,) = file.seals
        seal = Seal.decode(encoded)
        seal.check_signature()
        lot = _FORMAT.read(file.payload)
        sound = (
            seal.content_digest == sha256(file.payload).digest()
            and seal.purpose == LOT_PURPOSE
            and [found for _, found in lot.sheets] == [digest(part) for part in file.parts]
            and len({number for number, _ in lot.sheets}) == len(lot.sheets)
        )
    except (FileError, CmsError, safe_xml.XmlError, ValueError):
        raise LotAltered from None
    if not sound:
        raise LotAltered
    return SignedLot(lot, {number: part for (number, _), part in zip(lot.sheets, file.parts, strict=True)}, seal)


def check_signer(signed: SignedLot, trust: TrustStore) -> CpsEntitlement:
    """
    Return the holder of the card that signed the lot, when he may.

    Raises :class:`fse.trust.TrustError` (unknown, expired or revoked at signing time),
    :class:`fse.holders.HolderError`, and :class:`fse.seals.NotEntitled` (a card without the right to sign lots).
    """
    trust.check(signed.seal.x509, signed.seal.issuer, "cps", signed.seal.signing_time)
    holder = CpsEntitlement.of(signed.seal.x509)
    if not holder.signs_lot:
        raise NotEntitled(what="lot")
    return holder


def _e(name: str, *children: etree._Element, text: object = None, **attributes: str) -> etree._Element:
    return safe_xml.element(_NAMESPACE, name, *children, text=None if text is None else str(text), **attributes)


def _manifest(lot: Lot) -> etree._Element:
    return _e(
        "lot",
        _e("mention", text=MENTION),
        _e("numero_lot", text=f"{lot.number:06d}"),
        _e("numero_fichier", text=f"{lot.file_number:06d}"),
        _e("date_lot", text=lot.day),
        _e("facturier", text=lot.biller),
        _e("organisme", text=lot.organism),
        _e("mode", text=lot.mode),
        _e("cahier_des_charges", text=lot.specification),
        *(_e("feuille", numero=f"{number:09d}", sha256=found) for number, found in lot.sheets),
    )


def _lot(root: etree._Element) -> Lot:
    text = {
        name: root.findtext(_Q + name) or ""
        for name in ("numero_lot", "numero_fichier", "date_lot", "facturier", "organisme", "mode", "cahier_des_charges")
    }
    return Lot(
        number=int(text["numero_lot"]),
        file_number=int(text["numero_fichier"]),
        day=date.fromisoformat(text["date_lot"]),
        biller=text["facturier"],
        organism=text["organisme"],
        mode=text["mode"],
        specification=text["cahier_des_charges"],
        sheets=tuple(
            (int(found.get("numero") or 0), found.get("sha256") or "") for found in root.findall(_Q + "feuille")
        ),
    )


_FORMAT = safe_xml.XmlFormat("lot-1", _manifest, _lot)
