"""Reading and using the card of an insured person (Vitale)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509 import load_der_x509_certificate

from fse.cards import fields, tlv
from fse.cards.application import CardApplication
from fse.cards.errors import NotATestCard, NotAVitale
from fse.cards.vocabulary import LIMIT, SIGNATURE, VITALE
from fse.holders import ApcvRights, HolderError
from fse.identifiers import Nir, check_rpps

if TYPE_CHECKING:
    from datetime import date, datetime

    from fse.cards.apdu import Transmit
    from fse.cards.tlv import Place

__all__ = ["Holder", "Insured", "RightsPeriod", "VitaleData", "VitaleReader"]

_INSURED_QUALITY = "1"
_P256_BITS = 256
_OPTIONAL = frozenset({"attending_physician", "exemption", "cover"})


@dataclass(frozen=True, slots=True)
class Insured:
    """The insured person: NIR of 13 characters and its key, names, birth date."""

    nir: str = field(repr=False)
    key: str = field(repr=False)
    family_name: str
    first_name: str
    birth_date: date


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Somebody whom the card covers.

    ``nir`` has 13 characters, or is None for who has no number of his own on the card: birth date and rank then tell
    him from the others (CSS R161-42 1°). ``quality`` is a key of ``[vitale.qualities]``.
    """

    nir: str | None = field(repr=False)
    family_name: str
    first_name: str
    birth_date: date
    birth_rank: int
    quality: str


@dataclass(frozen=True, slots=True)
class RightsPeriod:
    """Days during which the rights are open, first and last included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class VitaleData:
    """
    What a Vitale card says: the family, the fund that pays, the rights (CSS R161-33-1 for the contents).

    ``beneficiaries`` are the others than the insured; :attr:`holders` is everybody. ``updated_on`` is the last update
    of the card. ``attending_physician`` is the RPPS of the médecin traitant, ``exemption`` the code of exoneration of
    the ticket modérateur, ``cover`` a key of ``[vitale.covers]``; None where there is none. ``token_until`` is when the
    token of an apCV-sim ends, None for a card. The certificates are DER, not yet trusted.
    """

    serial: str
    insured: Insured
    beneficiaries: tuple[Holder, ...]
    regime: str
    caisse: str
    centre: str
    rights: tuple[RightsPeriod, ...]
    updated_on: date
    valid_from: date
    certificate: bytes = field(repr=False)
    issuer_certificate: bytes = field(repr=False)
    attending_physician: str | None = None
    exemption: str | None = None
    cover: str | None = None
    token_until: datetime | None = None

    @property
    def holders(self) -> tuple[Holder, ...]:
        """Everybody whom the card covers, the insured first."""
        one = self.insured
        first = Holder(one.nir, one.family_name, one.first_name, one.birth_date, 1, _INSURED_QUALITY)
        return (first, *self.beneficiaries)


class VitaleReader:
    """
    The Vitale card in a reader, over ``transmit``; it asks for no PIN.

    Every method may raise :class:`CardMute`, :class:`UnexpectedStatus` and :class:`NotAVitale`. After the card was
    taken out, make a new reader.
    """

    def __init__(self, transmit: Transmit) -> None:
        self._application = CardApplication(transmit, "Vitale", NotAVitale)

    def read(self) -> VitaleData:
        """
        Return the data of the card.

        :raises NotATestCard: when the card does not say that it is a test card.
        :raises CardDataInvalid: with the place of what is malformed.
        """
        self._application.select()
        place = tlv.Place("Vitale", "data")
        tags = dict(VITALE["tags"])
        data = self._application.read_file("data")
        content = tlv.only(data, tags.pop("template"), place)
        found = tlv.fields(content, tags, place, optional=_OPTIONAL)
        if found["nature"] != VITALE["nature"].encode("ascii"):
            raise NotATestCard("Vitale")
        items = VITALE["items"]
        listed = tlv.items(
            found["beneficiaries"], items["beneficiary"], LIMIT["beneficiaries"], place.inside("beneficiaries")
        )
        periods = tlv.items(found["rights"], items["period"], LIMIT["rights_periods"], place.inside("rights"))
        certificate = self._application.read_certificate("certificate")
        return VitaleData(
            serial=fields.digits(found["serial"], 12, place.inside("serial")),
            insured=_insured(found["insured"], place.inside("insured")),
            beneficiaries=tuple(_beneficiary(value, where) for value, where in listed),
            regime=fields.digits(found["regime"], 2, place.inside("regime")),
            caisse=fields.digits(found["caisse"], 3, place.inside("caisse")),
            centre=fields.digits(found["centre"], 4, place.inside("centre")),
            rights=tuple(_period(value, where) for value, where in periods),
            updated_on=fields.day(found["updated_on"], place.inside("updated_on")),
            valid_from=fields.day(found["valid_from"], place.inside("valid_from")),
            certificate=certificate,
            issuer_certificate=self._application.read_certificate("issuer_certificate"),
            attending_physician=(
                fields.identifier(found["attending_physician"], check_rpps, place.inside("attending_physician"))
                if "attending_physician" in found
                else None
            ),
            exemption=_exemption(found["exemption"], place.inside("exemption")) if "exemption" in found else None,
            cover=(
                fields.word(found["cover"], list(VITALE["covers"]), place.inside("cover")) if "cover" in found else None
            ),
            token_until=_token_until(certificate, data),
        )

    def sign(self, digest: bytes) -> bytes:
        """
        Return the ECDSA signature (P-256, DER) of the card over a SHA-256 ``digest`` of 32 bytes.

        :raises DigestFormat: when ``digest`` has another size.
        :raises CardDataInvalid: when the answer is not such a signature in DER.
        """
        self._application.select()
        signature = self._application.sign(SIGNATURE["ecdsa"], digest, digest)
        try:
            r, s = decode_dss_signature(signature)
        except ValueError:
            r = s = 0
        in_range = all(0 < number < 1 << _P256_BITS for number in (r, s))
        if not in_range or encode_dss_signature(r, s) != signature:
            raise tlv.Place("Vitale", "signature").wrong("encoding")
        return signature


def _token_until(certificate: bytes, data: bytes) -> datetime | None:
    """Return when the token of an apCV-sim ends, None for a card; the token must bind ``data``."""
    place = tlv.Place("Vitale", "certificate")
    try:
        found = load_der_x509_certificate(certificate)
        rights = ApcvRights.of(found)
    except (ValueError, HolderError):
        raise place.wrong("token") from None
    if rights is None:
        return None
    if rights.digest != sha256(data).digest():
        raise place.wrong("rights")
    return found.not_valid_after_utc


def _insured(value: bytes, place: Place) -> Insured:
    found = tlv.fields(value, VITALE["person"], place)
    nir = _nir(found["nir"], place.inside("nir"))
    return Insured(
        nir=nir.number,
        key=nir.key,
        family_name=fields.name(found["family_name"], place.inside("family_name")),
        first_name=fields.name(found["first_name"], place.inside("first_name")),
        birth_date=fields.day(found["birth_date"], place.inside("birth_date")),
    )


def _beneficiary(value: bytes, place: Place) -> Holder:
    found = tlv.fields(value, VITALE["beneficiary"], place, optional=frozenset({"nir"}))
    rank = int(fields.digits(found["birth_rank"], 1, place.inside("birth_rank")))
    if not rank:
        raise place.inside("birth_rank").wrong("rank")
    return Holder(
        nir=_nir(found["nir"], place.inside("nir")).number if "nir" in found else None,
        family_name=fields.name(found["family_name"], place.inside("family_name")),
        first_name=fields.name(found["first_name"], place.inside("first_name")),
        birth_date=fields.day(found["birth_date"], place.inside("birth_date")),
        birth_rank=rank,
        quality=fields.word(found["quality"], list(VITALE["qualities"]), place.inside("quality")),
    )


def _period(value: bytes, place: Place) -> RightsPeriod:
    found = tlv.fields(value, VITALE["period"], place)
    start, end = (fields.day(found[name], place.inside(name)) for name in ("from", "to"))
    if end < start:
        raise place.inside("to").wrong("order")
    return RightsPeriod(start, end)


def _exemption(value: bytes, place: Place) -> str:
    code = fields.name(value, place)
    if not (len(code) == 1 and code.isascii() and (code.isdigit() or code.isupper())):
        raise place.wrong("unknown-value")
    return code


def _nir(value: bytes, place: Place) -> Nir:
    if len(value) != 15:  # noqa: PLR2004 - number and key
        raise place.wrong("NIR-FORM")
    return fields.identifier(value, Nir.parse, place)
