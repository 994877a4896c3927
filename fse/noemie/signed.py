"""
A payment return sealed by its caisse: one file, one CAdES seal, in the manner of the acknowledgement (``fse.arl``).

Nothing of a return is believed before the seal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.cms import Seal, Signer, make_seal
from fse.holders import BillingParty
from fse.noemie.codec import decode
from fse.noemie.errors import ReturnError
from fse.noemie.return_stream import return_of, write_return
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.seals import WrongPurpose, check_seal

if TYPE_CHECKING:
    from datetime import datetime

    from fse.noemie.returns import Return
    from fse.trust import TrustStore

__all__ = ["RETURN_PURPOSE", "sign_return", "verify_return"]

RETURN_PURPOSE = "return"
"""What the seal of a return says that it is for."""


def sign_return(found: Return, caisse: Signer, at: datetime) -> bytes:
    """Return ``found`` as a file sealed by the caisse; raises the errors of :func:`fse.noemie.write_return`."""
    payload = write_return(found)
    return SealedFile(FileFormat.RETURN, payload, (make_seal(payload, caisse, at, RETURN_PURPOSE).encode(),)).encode()


def verify_return(data: bytes, trust: TrustStore) -> Return:
    """
    Return the return in ``data`` when the caisse that it names has sealed it.

    Raises :class:`fse.sealed_file.FileError`, :class:`fse.cms.CmsError`, :class:`fse.trust.TrustError`, the errors of
    ``fse.seals``, those of :func:`fse.noemie.read_return`, or :class:`ReturnError` (RETURN-ISSUER).
    """
    file = SealedFile.decode(data, FileFormat.RETURN)
    if len(file.seals) != 1 or file.parts:
        raise FileError("FILE-FORM", expected=FileFormat.RETURN.value)
    seal = Seal.decode(file.seals[0])
    check_seal(seal, file.payload, trust, "facturation")
    if seal.purpose != RETURN_PURPOSE:
        raise WrongPurpose(purpose=seal.purpose)
    found = return_of(decode(file.payload))
    if BillingParty.of(seal.x509) != BillingParty("caisse", found.organism):
        raise ReturnError("RETURN-ISSUER", organism=found.organism)
    return found
