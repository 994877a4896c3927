"""
The two seals of a sheet: made by the cards, verified by whoever receives it.

The beneficiary's card signs first, the professional's second, both over the same canonical XML. The professional's
signed attributes carry the mode and, when secured, the digest of the beneficiary's seal: nothing can be removed,
swapped or downgraded without breaking his signature. (CSS R161-43: integrity is frozen from the patient's signature
on.)
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from fse.cms import Seal, Signer, make_seal
from fse.deadlines import paris_date
from fse.errors import FseError
from fse.holders import CpsEntitlement, VitaleHolders
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.sheet_xml import read_sheet

if TYPE_CHECKING:
    from datetime import datetime

    from fse.sheet import Sheet
    from fse.trust import TrustStore

__all__ = [
    "BeneficiarySealForeign",
    "BeneficiarySealMissing",
    "BeneficiarySealUnexpected",
    "ContentChanged",
    "ModeChanged",
    "NotEntitled",
    "SealError",
    "SealedSheet",
    "SigningTimeWrong",
    "VerifiedSheet",
    "WrongPatient",
    "WrongProfessional",
    "WrongPurpose",
    "check_patient",
    "check_professional",
    "open_sheet",
    "seal_as_patient",
    "seal_as_professional",
    "verify_sheet",
]

PATIENT_PURPOSE = "beneficiaire"
"""What the beneficiary's seal says that it is for."""


class SealError(FseError):
    """A seal that does not hold."""


class ContentChanged(SealError):
    """The content is not the one that was signed."""

    default_rule = "SEAL-CONTENT"


class BeneficiarySealMissing(SealError):
    """The professional signed a secured sheet, and the beneficiary's seal is not there."""

    default_rule = "SEAL-VITALE-MISSING"


class BeneficiarySealForeign(SealError):
    """The beneficiary's seal is not the one that the professional bound to this sheet."""

    default_rule = "SEAL-VITALE-FOREIGN"


class BeneficiarySealUnexpected(SealError):
    """A degraded sheet carries a beneficiary's seal (protocol art. 6: the professional's card alone)."""

    default_rule = "SEAL-VITALE-UNEXPECTED"


class ModeChanged(SealError):
    """The mode in the content is not the mode that was signed."""

    default_rule = "SEAL-MODE"


class WrongProfessional(SealError):
    """The CPS is not the card of the sheet's professional at the sheet's structure."""

    default_rule = "SEAL-PROFESSIONAL"


class NotEntitled(SealError):
    """The CPS does not give the right to sign this."""

    default_rule = "SEAL-ENTITLEMENT"


class WrongPatient(SealError):
    """The Vitale does not cover the sheet's insured and beneficiary."""

    default_rule = "SEAL-PATIENT"


class WrongPurpose(SealError):
    """The signature was given for something else."""

    default_rule = "SEAL-PURPOSE"


class SigningTimeWrong(SealError):
    """A signing time before the last act, after the receipt, or out of order."""

    default_rule = "SEAL-TIME"


@dataclass(frozen=True, slots=True)
class SealedSheet:
    """A sheet file taken apart: the signed XML and its seals. Nothing of it is verified yet."""

    payload: bytes
    patient: bytes | None
    professional: bytes

    def encode(self) -> bytes:
        """Return the sheet file."""
        seals = (self.professional,) if self.patient is None else (self.patient, self.professional)
        return SealedFile(FileFormat.SHEET, self.payload, seals).encode()


@dataclass(frozen=True, slots=True)
class VerifiedSheet:
    """A sheet whose seals hold, with who signed and when."""

    sheet: Sheet
    professional: CpsEntitlement
    patient: VitaleHolders | None
    signed_at: datetime


def seal_as_patient(payload: bytes, vitale: Signer, at: datetime) -> bytes:
    """Return the DER of the beneficiary's seal over ``payload``: the first of the two."""
    return make_seal(payload, vitale, at, PATIENT_PURPOSE).encode()


def seal_as_professional(payload: bytes, cps: Signer, at: datetime, purpose: str, patient: bytes | None) -> SealedSheet:
    """Return the sheet sealed: the professional's seal, bound to the beneficiary's when there is one."""
    return SealedSheet(payload, patient, make_seal(payload, cps, at, purpose, patient).encode())


def check_professional(sheet: Sheet, cps: CpsEntitlement) -> None:
    """Raise :class:`NotEntitled` or :class:`WrongProfessional` unless ``cps`` may sign ``sheet``."""
    if not cps.signs_sheet:
        raise NotEntitled(what="feuille")
    who = sheet.professional
    if (who.rpps, who.profession) != (cps.rpps, cps.profession) or who.structure not in cps.structures:
        raise WrongProfessional(rpps=who.rpps, structure=who.structure)


def check_patient(sheet: Sheet, vitale: VitaleHolders) -> None:
    """Raise :class:`WrongPatient` unless ``vitale`` covers the sheet's insured and beneficiary."""
    who, covered = sheet.beneficiary, vitale.insured == sheet.insured.number
    if who is not None and who.nir is not None:
        covered &= any(holder.nir == who.nir.number for holder in vitale.holders)
    elif who is not None:
        covered &= any(
            (holder.birth_date, holder.birth_rank) == (who.birth_date, who.birth_rank) for holder in vitale.holders
        )
    if not covered:
        raise WrongPatient(serial=vitale.serial)


def open_sheet(data: bytes) -> SealedSheet:
    """Return the sheet file ``data`` taken apart; raises :class:`fse.sealed_file.FileError` when it is not one."""
    match SealedFile.decode(data, FileFormat.SHEET):
        case SealedFile(payload=payload, seals=(professional,), parts=()):
            return SealedSheet(payload, None, professional)
        case SealedFile(payload=payload, seals=(patient, professional), parts=()):
            return SealedSheet(payload, patient, professional)
    raise FileError("FILE-FORM", expected=FileFormat.SHEET.value)


def verify_sheet(data: bytes, trust: TrustStore, received_at: datetime) -> VerifiedSheet:
    """
    Return the sheet in ``data``, all of whose seals hold against ``trust``.

    Raises :class:`fse.sealed_file.FileError` when ``data`` is not a sheet; else a named error for the first thing that
    does not hold: the classes of this module, :class:`fse.cms.CmsError`, :class:`fse.trust.TrustError`,
    :class:`fse.holders.HolderError`, or the rule that the signed content breaks.
    """
    sealed = open_sheet(data)
    professional = Seal.decode(sealed.professional)
    check_seal(professional, sealed.payload, trust, "cps")
    kind, _, mode = professional.purpose.partition(":")
    if kind != "feuille":
        raise WrongPurpose(purpose=professional.purpose)
    patient = _bound_patient(sealed, professional, secured=mode == "securise")
    if patient is not None:
        check_seal(patient, sealed.payload, trust, "vitale")
        if patient.purpose != PATIENT_PURPOSE:
            raise WrongPurpose(purpose=patient.purpose)
    sheet = read_sheet(sealed.payload)
    if sheet.mode.purpose != professional.purpose:
        raise ModeChanged(signed=professional.purpose, written=sheet.mode.purpose)
    entitlement = CpsEntitlement.of(professional.x509)
    check_professional(sheet, entitlement)
    holders = None if patient is None else VitaleHolders.of(patient.x509)
    if holders is not None:
        check_patient(sheet, holders)
    _check_times(sheet, patient, professional, received_at)
    return VerifiedSheet(sheet, entitlement, holders, professional.signing_time)


def check_seal(seal: Seal, content: bytes, trust: TrustStore, family: str) -> None:
    """Raise unless ``seal`` signs ``content`` with a key that ``trust`` vouches for, at the time of signing."""
    if seal.content_digest != sha256(content).digest():
        raise ContentChanged(family=family)
    seal.check_signature()
    trust.check(seal.x509, seal.issuer, family, seal.signing_time)


def _bound_patient(sealed: SealedSheet, professional: Seal, *, secured: bool) -> Seal | None:
    if not secured:
        if sealed.patient is not None or professional.beneficiary_seal is not None:
            raise BeneficiarySealUnexpected
        return None
    if sealed.patient is None:
        raise BeneficiarySealMissing
    if professional.beneficiary_seal != sha256(sealed.patient).digest():
        raise BeneficiarySealForeign
    return Seal.decode(sealed.patient)


def _check_times(sheet: Sheet, patient: Seal | None, professional: Seal, received_at: datetime) -> None:
    first = professional.signing_time if patient is None else patient.signing_time
    if paris_date(first) < sheet.last_act or not first <= professional.signing_time <= received_at:
        raise SigningTimeWrong(signed=professional.signing_time, last_act=sheet.last_act, received=received_at)
