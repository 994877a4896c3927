"""Sealed files taken apart for other programs to judge: the XML that was signed, and each signature beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.sealed_file import FileFormat, SealedFile

if TYPE_CHECKING:
    from fse.seals import SealedSheet

__all__ = ["parts_of_acknowledgement", "parts_of_lot", "parts_of_sheet"]


def parts_of_sheet(sealed: SealedSheet, root: bytes) -> dict[str, bytes]:
    """Return the signed XML of a sheet, its seals (DER) and the trusted ``root`` (PEM), by file name."""
    files = {"payload.xml": sealed.payload, "cps.p7s": sealed.professional, "ca.pem": root}
    if sealed.patient is not None:
        files["vitale.p7s"] = sealed.patient
    return files


def parts_of_lot(signed: bytes, folder: str) -> dict[str, bytes]:
    """
    Return the signed list of a lot and its signature, by file name in ``folder``.

    The list gives each sheet's number and digest; the sheets themselves, which are other people's, are left out.
    """
    return _payload_and_seal(signed, FileFormat.LOT, f"{folder}/lot")


def parts_of_acknowledgement(file: bytes, name: str) -> dict[str, bytes]:
    """Return an acknowledgement as the caisse sealed it, its XML and its signature, under ``name``."""
    return {f"{name}.arl": file, **_payload_and_seal(file, FileFormat.ARL, name)}


def _payload_and_seal(data: bytes, form: FileFormat, name: str) -> dict[str, bytes]:
    file = SealedFile.decode(data, form)
    return {f"{name}.xml": file.payload, f"{name}.p7s": file.seals[0]}
