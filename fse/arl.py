"""
The acknowledgement of a lot (ARL): positive, altered or refused, signed by the caisse.

Positive: received, not yet accepted for payment. Altered: could not be opened or does not verify; nothing was
recorded, the same lot is sent again. Refused: whole but unacceptable. The layout of the real ARL is not public: this
one is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from lxml import etree

from fse import safe_xml
from fse.cms import Seal, Signer, make_seal
from fse.errors import FseError
from fse.holders import BillingParty
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.seals import WrongPurpose, check_seal
from fse.sheet_xml import MENTION

if TYPE_CHECKING:
    from fse.trust import TrustStore

__all__ = ["Arl", "ArlError", "ArlResult", "sign_arl", "verify_arl"]

ARL_PURPOSE = "arl"
"""What the seal of an acknowledgement says that it is for."""

_NAMESPACE = "urn:fse-sim:arl:1"
_Q = f"{{{_NAMESPACE}}}"


class ArlError(FseError):
    """An acknowledgement that does not come from the caisse that it names."""


class ArlResult(StrEnum):
    """The three answers, in the words of the XML."""

    POSITIVE = "positif"
    ALTERED = "altere"
    REFUSED = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arl:
    """
    One acknowledgement.

    ``digest`` is the SHA-256 (hexadecimal) of the signed lot, or, when altered, of the bytes that arrived. ``code``
    is the id of the rule that a negative answer rests on, ``sheet`` the number of the sheet at fault when there is
    one, ``sheets`` how many sheets a positive answer counts.
    """

    organism: str
    biller: str
    file_number: int
    lot_number: int
    received_at: datetime
    result: ArlResult
    digest: str
    code: str = ""
    sheet: int | None = None
    sheets: int = 0


def sign_arl(arl: Arl, caisse: Signer, at: datetime) -> bytes:
    """Return the acknowledgement as a file sealed by the caisse; the time of receipt is written to the second."""
    payload = _FORMAT.write(replace(arl, received_at=arl.received_at.replace(microsecond=0)))
    return SealedFile(FileFormat.ARL, payload, (make_seal(payload, caisse, at, ARL_PURPOSE).encode(),)).encode()


def verify_arl(data: bytes, trust: TrustStore) -> Arl:
    """
    Return the acknowledgement in ``data`` when the caisse that it names has sealed it.

    Raises :class:`fse.sealed_file.FileError`, :class:`fse.cms.CmsError`, :class:`fse.trust.TrustError`,
    :class:`fse.safe_xml.XmlError`, the errors of ``fse.seals``, or :class:`ArlError` (ARL-ISSUER).
    """
    file = SealedFile.decode(data, FileFormat.ARL)
    if len(file.seals) != 1 or file.parts:
        raise FileError("FILE-FORM", expected=FileFormat.ARL.value)
    seal = Seal.decode(file.seals[0])
    check_seal(seal, file.payload, trust, "facturation")
    if seal.purpose != ARL_PURPOSE:
        raise WrongPurpose(purpose=seal.purpose)
    arl = _FORMAT.read(file.payload)
    if BillingParty.of(seal.x509) != BillingParty("caisse", arl.organism):
        raise ArlError("ARL-ISSUER", organism=arl.organism)
    return arl


def _e(name: str, *children: etree._Element, text: object = None, **attributes: str) -> etree._Element:
    return safe_xml.element(_NAMESPACE, name, *children, text=None if text is None else str(text), **attributes)


def _document(arl: Arl) -> etree._Element:
    if arl.result is ArlResult.POSITIVE:
        attributes = {"sha256_lot": arl.digest, "feuilles": str(arl.sheets)}
    else:
        name = "sha256_recu" if arl.result is ArlResult.ALTERED else "sha256_lot"
        attributes = {name: arl.digest, "code": arl.code}
        if arl.sheet is not None:
            attributes["feuille"] = f"{arl.sheet:09d}"
    return _e(
        "arl",
        _e("mention", text=MENTION),
        _e("organisme", text=arl.organism),
        _e("facturier", text=arl.biller),
        _e("numero_fichier", text=f"{arl.file_number:06d}"),
        _e("numero_lot", text=f"{arl.lot_number:06d}"),
        _e("recu_le", text=arl.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        _e(arl.result, **attributes),
    )


def _arl(root: etree._Element) -> Arl:
    verdict = root[-1]
    sheet = verdict.get("feuille")
    return Arl(
        organism=root.findtext(_Q + "organisme") or "",
        biller=root.findtext(_Q + "facturier") or "",
        file_number=int(root.findtext(_Q + "numero_fichier") or 0),
        lot_number=int(root.findtext(_Q + "numero_lot") or 0),
        received_at=datetime.strptime(root.findtext(_Q + "recu_le") or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        result=ArlResult(etree.QName(verdict).localname),
        digest=verdict.get("sha256_lot") or verdict.get("sha256_recu") or "",
        code=verdict.get("code") or "",
        sheet=None if sheet is None else int(sheet),
        sheets=int(verdict.get("feuilles") or 0),
    )


_FORMAT = safe_xml.XmlFormat("arl-1", _document, _arl)
