"""The files of a CPS in the dialect of OpenSC's isoApplet driver: PKCS #15 beside our own application."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.cps_data import activities, billing_situation, holder_data, holder_information
from card_sim.files import Directory, ElementaryFile, Name
from card_sim.keys import RSA_BITS
from card_sim.pkcs15 import CertificateEntry, DataEntry, KeyEntry, KeyUsage, Token
from card_sim.tlv import encode, encode_all
from card_sim.vocabulary import APPLICATION, FILE, FILE_CONTROL, SHORT_FILE, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.x509 import Certificate

    from card_sim.pkcs15 import Algorithm
    from card_sim.profiles import CpsProfile

__all__ = [
    "Certificates",
    "application_entry",
    "application_files",
    "directory_file",
    "isoapplet_tree",
    "token_of",
]

_SIGNATURE_ID, _AUTHENTICATION_ID, _AUTHORITY_ID = b"\x45", b"\x46", b"\x47"
# What the driver wants to hear: version 0.6 of the applet; features: extended lengths and RSA of 4096 bits, no curves.
_ISOAPPLET_ANSWER = bytes.fromhex("000605")


@dataclass(frozen=True, slots=True)
class Certificates:
    """The certificates on a CPS; ``authentication`` is None on a card with a signature key only."""

    signature: Certificate
    issuer: Certificate
    authentication: Certificate | None


def isoapplet_tree(profile: CpsProfile, certificates: Certificates) -> Directory:
    """Return the master file of a CPS: EF.DIR, and one directory that is both our application and the PKCS #15 one."""
    # One entry for the one directory: with two names in EF.DIR, OpenSC shows every key twice.
    path = _bytes(FILE["master"]) + _bytes(FILE["application"])
    entry = application_entry(APPLICATION["pkcs15"], "CPS TEST", path)
    names = (Name(APPLICATION["cps"]), Name(APPLICATION["pkcs15"]))
    driver = Name(APPLICATION["isoapplet"], _ISOAPPLET_ANSWER)
    application = Directory(FILE["application"], names, application_files(profile, certificates, path))
    return Directory(FILE["master"], (driver,), (directory_file(entry), application))


def directory_file(entries: bytes) -> ElementaryFile:
    """Return EF.DIR with its ``entries``."""
    return ElementaryFile(FILE["directory"], SHORT_FILE["directory"], entries)


def application_files(
    profile: CpsProfile, certificates: Certificates, path: bytes, algorithms: tuple[Algorithm, ...] = ()
) -> tuple[ElementaryFile, ...]:
    """Return the files of the application at ``path``: data, certificates, directories of PKCS #15."""
    data = _data_files(profile)
    token = replace(token_of(profile, certificates, path, [entry for entry, _ in data]), algorithms=algorithms)
    return (
        *_certificate_files(certificates),
        *(file for _, file in data),
        *(ElementaryFile(FILE[name], None, content) for name, content in token.directories().items()),
    )


def application_entry(name: bytes, label: str, path: bytes | None = None) -> bytes:
    """Return an entry of EF.DIR (ISO 7816-4 §12.2.1): name, label, path when there is one."""
    parts = {"application_identifier": name, "application_label": label.encode("ascii")}
    if path is not None:
        parts["application_path"] = path
    return encode_all(
        FILE_CONTROL["application_template"], (encode(FILE_CONTROL[tag], value) for tag, value in parts.items())
    )


def token_of(profile: CpsProfile, certificates: Certificates, path: bytes, data: Iterable[DataEntry]) -> Token:
    """Return the card as PKCS #15 describes it; labels are those of the ANS Cryptolib."""
    keys = [
        KeyEntry(
            "CPS_PRIV_SIG",
            _SIGNATURE_ID,
            SIGNATURE["key"],
            RSA_BITS,
            (KeyUsage.SIGN, KeyUsage.NON_REPUDIATION),
        )
    ]
    known = [CertificateEntry("CPS_CERT_SIG", _SIGNATURE_ID, FILE["certificate"])]
    if certificates.authentication is not None:
        usage = (KeyUsage.SIGN, KeyUsage.SIGN_RECOVER)
        keys.append(KeyEntry("CPS_PRIV_AUTH", _AUTHENTICATION_ID, SIGNATURE["authentication_key"], RSA_BITS, usage))
        known.append(CertificateEntry("CPS_CERT_AUTH", _AUTHENTICATION_ID, FILE["authentication_certificate"]))
    known.append(CertificateEntry("CPS_AC", _AUTHORITY_ID, FILE["issuer_certificate"], authority=True))
    label = f"{profile.family} TEST {profile.card_serial}"
    return Token(label, profile.card_serial, path, tuple(keys), tuple(known), tuple(data))


def _certificate_files(certificates: Certificates) -> Iterable[ElementaryFile]:
    known = {"certificate": certificates.signature, "issuer_certificate": certificates.issuer}
    if certificates.authentication is not None:
        known["authentication_certificate"] = certificates.authentication
    for name, certificate in known.items():
        yield ElementaryFile(FILE[name], SHORT_FILE.get(name), certificate.public_bytes(Encoding.DER))


def _data_files(profile: CpsProfile) -> list[tuple[DataEntry, ElementaryFile]]:
    """Return what the card says of its holder, each as an object of PKCS #15 and as a file."""
    name = f"{profile.family_name} {profile.first_name}"
    free = {
        "CPS_DATA": ("data", holder_data(profile)),
        "CPS_ID_CARD": ("identity_card", profile.card_serial.encode()),
        "CPS_NAME_PS": ("holder_name", name.encode()),
        "CPS_LANG_PS": ("holder_language", b"fr"),
        "CPS_INFO_PS": ("holder_information", holder_information(profile)),
    }
    files = [
        (DataEntry(label, FILE[name], private=False), ElementaryFile(FILE[name], SHORT_FILE.get(name), content))
        for label, (name, content) in free.items()
    ]
    kept = {
        f"CPS_ACTIVITY_{index:02}_PS": (FILE["activities"] + index - 1, content)
        for index, content in enumerate(activities(profile), 1)
    }
    situation = billing_situation(profile)
    if situation is not None:
        kept["CPS_SIT_FACT"] = (FILE["billing_situation"], situation)
    files += [
        (DataEntry(label, file, private=True), ElementaryFile(file, None, content, needs_pin=True))
        for label, (file, content) in kept.items()
    ]
    return files


def _bytes(identifier: int) -> bytes:
    return identifier.to_bytes(2, "big")
