"""The card of an insured person (Vitale): the family's data to read, a P-256 key that asks for no PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.card import SoftCard
from card_sim.cps_files import application_entry
from card_sim.files import Directory, ElementaryFile, FileTree, Name
from card_sim.security_environment import SecurityEnvironment
from card_sim.session import Session
from card_sim.signature import EcdsaSigner
from card_sim.tlv import encode, encode_all
from card_sim.vitale_public import PUBLIC, public_identity, public_numbers
from card_sim.vocabulary import APPLICATION, ATR, FILE, PARAMETER, SHORT_FILE, SIGNATURE, VITALE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate

    from card_sim.profiles import Beneficiary, VitaleProfile
    from card_sim.randomness import ByteStream

__all__ = ["VitaleCard", "family_data"]


_OPTIONAL = ("attending_physician", "exemption", "cover")


class VitaleCard(SoftCard):
    """A simulated Vitale card."""

    def __init__(
        self,
        profile: VitaleProfile,
        private_key: EllipticCurvePrivateKey,
        certificate: Certificate,
        issuer_certificate: Certificate,
        *,
        challenges: ByteStream,
    ) -> None:
        self.profile = profile
        self.private_key = private_key
        self.certificate = certificate
        self.issuer_certificate = issuer_certificate
        session = Session(
            files=FileTree(_tree(profile, certificate, issuer_certificate)),
            environment=SecurityEnvironment({SIGNATURE["key"]: EcdsaSigner(private_key)}, {}),
            pin=None,
            challenges=challenges,
            data_objects={PARAMETER["serial_number"].to_bytes(2, "big"): profile.serial.encode},
        )
        super().__init__(session, ATR["vitale"])


def _tree(profile: VitaleProfile, certificate: Certificate, issuer_certificate: Certificate) -> Directory:
    contents = {
        "data": family_data(profile),
        "certificate": certificate.public_bytes(Encoding.DER),
        "issuer_certificate": issuer_certificate.public_bytes(Encoding.DER),
    }
    own = APPLICATION["vitale"]
    entries = ElementaryFile(FILE["directory"], SHORT_FILE["directory"], application_entry(own, "VITALE TEST"))
    files = tuple(ElementaryFile(FILE[name], SHORT_FILE[name], content) for name, content in contents.items())
    names = Name(bytes.fromhex(PUBLIC["master"])), Name(bytes.fromhex(PUBLIC["application"]))
    short = PUBLIC["short_identifier"]
    identity = ElementaryFile(PUBLIC["identity"], short, public_identity(profile))
    numbers = ElementaryFile(PUBLIC["numbers"], short, public_numbers(profile))
    public = Directory(PUBLIC["directory"], (names[1],), (numbers,))
    return Directory(
        FILE["master"], (names[0],), (entries, identity, public, Directory(FILE["application"], (Name(own),), files))
    )


def family_data(profile: VitaleProfile) -> bytes:
    """Return the data of the card as it stores them (layout: ``[vitale.tags]`` of the card vocabulary)."""
    items = VITALE["items"]
    periods = (
        encode(items["period"], _fields("period", {"from": f"{p.start:%Y%m%d}", "to": f"{p.end:%Y%m%d}"}))
        for p in profile.rights
    )
    values = {
        "serial": profile.serial.encode(),
        "insured": _fields(
            "person",
            {
                "nir": profile.nir,
                "family_name": profile.family_name,
                "first_name": profile.first_name,
                "birth_date": f"{profile.birth_date:%Y%m%d}",
            },
        ),
        "beneficiaries": b"".join(encode(items["beneficiary"], _beneficiary(one)) for one in profile.beneficiaries),
        "regime": profile.regime.encode(),
        "caisse": profile.caisse.encode(),
        "centre": profile.centre.encode(),
        "rights": b"".join(periods),
        "updated_on": f"{profile.updated_on:%Y%m%d}".encode(),
        "valid_from": f"{profile.valid_from:%Y%m%d}".encode(),
        "nature": VITALE["nature"].encode(),
    }
    values |= {name: value.encode() for name in _OPTIONAL if (value := getattr(profile, name)) is not None}
    tags = VITALE["tags"]
    return encode_all(tags["template"], (encode(tags[name], value) for name, value in values.items()))


def _beneficiary(one: Beneficiary) -> bytes:
    own_number = {"nir": one.nir} if one.nir is not None else {}
    return _fields(
        "beneficiary",
        own_number
        | {
            "family_name": one.family_name,
            "first_name": one.first_name,
            "birth_date": f"{one.birth_date:%Y%m%d}",
            "birth_rank": str(one.birth_rank),
            "quality": one.quality,
        },
    )


def _fields(template: str, values: Mapping[str, str]) -> bytes:
    tags = VITALE[template]
    return b"".join(encode(tags[name], value.encode()) for name, value in values.items())
