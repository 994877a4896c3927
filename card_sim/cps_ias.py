"""
The files of a CPS in the IAS-ECC dialect, as far as the CPS3 is publicly known (``[ias]`` of the vocabulary).

The layout below the names, paths and objects that are public is the same as in the other dialect, and ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from card_sim.cps_files import application_entry, application_files, directory_file
from card_sim.files import Directory, ElementaryFile, Name
from card_sim.pkcs15 import Algorithm
from card_sim.tlv import encode
from card_sim.vocabulary import APPLICATION, FILE, IAS

if TYPE_CHECKING:
    from card_sim.cps_files import Certificates
    from card_sim.files import File
    from card_sim.profiles import CpsProfile

__all__ = ["ATR", "ias_tree"]

ATR: Final = bytes.fromhex(IAS["atr"])
_ALGORITHMS: Final = tuple(
    Algorithm(one["mechanism"], one["operation"], bytes.fromhex(one["identifier"]), one["reference"])
    for one in IAS["algorithms"]
)
_SERIAL_TAG: Final = 0x5A
# Access mode byte, then a condition for each of its bits: 00 always, 11 user authentication of environment 1.
_READ_ALWAYS, _READ_WITH_PIN, _NOTHING_ALLOWED = b"\x01\x00", b"\x01\x11", b"\x00"
_CONTACT: Final = b"\x01"


def ias_tree(profile: CpsProfile, certificates: Certificates) -> Directory:
    """Return the master file: EF.ATR, EF.DIR, serial number, and the application with its files."""
    path = FILE["master"].to_bytes(2, "big") + IAS["directory"].to_bytes(2, "big")
    name, announced = bytes.fromhex(IAS["application"]), bytes.fromhex(IAS["announced"])
    serial = encode(_SERIAL_TAG, bytes.fromhex(IAS["issuer"]) + bytes.fromhex(profile.card_serial))
    files = (
        *application_files(profile, certificates, path, _ALGORITHMS),
        ElementaryFile(IAS["contact_file"], None, _CONTACT),
        ElementaryFile(IAS["serial_file"], IAS["serial_short"], serial),  # where OpenSC looks for it
    )
    names = (Name(name), Name(announced), Name(APPLICATION["cps"]))
    below: tuple[File, ...] = (
        directory_file(application_entry(name, "CPS TEST", path)),
        ElementaryFile(IAS["ef_atr_file"], None, bytes.fromhex(IAS["ef_atr"])),
        ElementaryFile(IAS["serial_file"], None, serial),
        Directory(IAS["directory"], names, tuple(map(_with_access, files)), _NOTHING_ALLOWED),
    )
    return Directory(FILE["master"], (), tuple(map(_with_access, below)), _NOTHING_ALLOWED)


def _with_access(file: File) -> File:
    """Return ``file`` with the access rules that the driver asks for in its control information."""
    if isinstance(file, Directory):
        return file
    return replace(file, access=_READ_WITH_PIN if file.needs_pin else _READ_ALWAYS)
