"""
The container of an evidence file: ASiC-E with CAdES (ETSI EN 319 162-1), in one encoding.

A zip whose first member is its media type. ``META-INF/ASiCManifest.xml`` lists every other member with its SHA-256, and
``META-INF/signature.p7s`` is the detached CAdES-BES signature of that list. Nothing is compressed and every date is
the time of signing, so that the same content makes the same bytes, and what was read can be written again: any bit
that differs, be it in a header of the zip that no signature covers, is found.
"""

from __future__ import annotations

import io
import zipfile
from base64 import b64encode
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lxml import etree

from fse.cms import Seal, make_seal
from fse.holders import BillingParty
from fse.seals import WrongPurpose, check_seal
from gateway.errors import GatewayError
from gateway.party import signer_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from fse.trust import TrustStore
    from gateway.party import Party

__all__ = ["EVIDENCE_PURPOSE", "MANIFEST", "SIGNATURE", "check_evidence", "pack"]

EVIDENCE_PURPOSE = "dossier"
"""What the seal of an evidence file says that it is for."""

MANIFEST, SIGNATURE = "META-INF/ASiCManifest.xml", "META-INF/signature.p7s"
"""The names that EN 319 162-1 (§4.4, annex A) gives to the list and its signature."""

_MEDIA_TYPE = ("mimetype", b"application/vnd.etsi.asic-e+zip")
_ASIC, _DSIG = "http://uri.etsi.org/02918/v1.2.1#", "http://www.w3.org/2000/09/xmldsig#"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".p7s": "application/pkcs7-signature",
    ".pem": "application/x-pem-file",
    ".txt": "text/plain",
    ".xml": "application/xml",
}
_UNIX, _OWNER_ONLY = 3, 0o600 << 16


def pack(files: Mapping[str, bytes], party: Party, at: datetime) -> bytes:
    """Return the container of ``files`` (bytes by name), signed by ``party`` at ``at``."""
    manifest = _manifest(files)
    seal = make_seal(manifest, signer_of(party), at, EVIDENCE_PURPOSE)
    return _zip({**files, MANIFEST: manifest, SIGNATURE: seal.encode()}, seal.signing_time)


def check_evidence(data: bytes, trust: TrustStore) -> dict[str, bytes]:
    """
    Return the files in the container ``data``, each as the biller signed it.

    Raises :class:`gateway.errors.GatewayError`: EVIDENCE-FORM for what is no such container, EVIDENCE-CHANGED for any
    difference from what was signed; and for a signature that does not hold :class:`fse.cms.CmsError`,
    :class:`fse.trust.TrustError`, :class:`fse.holders.HolderError` or the errors of ``fse.seals``.
    """
    found = _members(data)
    manifest, signature = found.pop(MANIFEST, None), found.pop(SIGNATURE, None)
    if manifest is None or signature is None:
        raise GatewayError("EVIDENCE-FORM")
    seal = Seal.decode(signature)
    check_seal(seal, manifest, trust, "facturation")
    if seal.purpose != EVIDENCE_PURPOSE or BillingParty.of(seal.x509).role != "biller":
        raise WrongPurpose(purpose=seal.purpose)
    if _manifest(found) != manifest:
        raise GatewayError("EVIDENCE-CHANGED")
    if _zip({**found, MANIFEST: manifest, SIGNATURE: signature}, seal.signing_time) != data:
        raise GatewayError("EVIDENCE-CHANGED")
    return found


def _manifest(files: Mapping[str, bytes]) -> bytes:
    """Return the list of ``files`` with their digests, canonical, as EN 319 162-1 (annex A) writes it."""
    root = etree.Element(f"{{{_ASIC}}}ASiCManifest", nsmap={"asic": _ASIC, "ds": _DSIG})
    etree.SubElement(root, f"{{{_ASIC}}}SigReference", URI=SIGNATURE, MimeType=_TYPES[".p7s"])
    for name, data in sorted(files.items()):
        media_type = _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
        one = etree.SubElement(root, f"{{{_ASIC}}}DataObjectReference", URI=name, MimeType=media_type)
        etree.SubElement(one, f"{{{_DSIG}}}DigestMethod", Algorithm=_SHA256)
        etree.SubElement(one, f"{{{_DSIG}}}DigestValue").text = b64encode(sha256(data).digest()).decode()
    return etree.tostring(root, method="c14n")


def _zip(files: Mapping[str, bytes], at: datetime) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (_MEDIA_TYPE, *sorted(files.items())):
            info = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
            info.create_system, info.external_attr = _UNIX, _OWNER_ONLY
            archive.writestr(info, data)
    return buffer.getvalue()


def _members(data: bytes) -> dict[str, bytes]:
    """Return what the zip holds; its media type comes first, and nothing is compressed: no bomb is ever opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if any(one.compress_type != zipfile.ZIP_STORED or one.file_size > len(data) for one in infos):
                raise GatewayError("EVIDENCE-FORM")
            found = {one.filename: archive.read(one) for one in infos}
    # zipfile has no single error for what it cannot read: damaged, encrypted, of an unknown version, cut short
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise GatewayError("EVIDENCE-FORM") from None
    if found.pop(_MEDIA_TYPE[0], None) != _MEDIA_TYPE[1]:
        raise GatewayError("EVIDENCE-FORM")
    return found
