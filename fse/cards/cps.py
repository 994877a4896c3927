"""Reading and using the card of a professional (CPS)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fse.cards import fields, tlv
from fse.cards.apdu import Command
from fse.cards.application import CardApplication
from fse.cards.errors import (
    NotACps,
    NotATestCard,
    PinBlocked,
    PinFormat,
    PinNeeded,
    PukBlocked,
    UnexpectedStatus,
    WrongPin,
    WrongPuk,
)
from fse.cards.vocabulary import CPS, LIMIT, PIN, SIGNATURE, STATUS
from fse.identifiers import check_finess, check_rpps

if TYPE_CHECKING:
    from datetime import date

    from fse.cards.apdu import Transmit

__all__ = ["CpsHolder", "CpsReader"]

_RSA_2048_BYTES = 256
_TRIES_MASK = 0xFFF0


@dataclass(frozen=True, slots=True)
class CpsHolder:
    """
    What a CPS says of its holder; the days of validity are both included (CSS R161-52 to R161-58 for the contents).

    ``profession`` is a word (medecin, sage-femme, infirmier), ``structures`` are FINESS numbers. The certificates are
    DER, not yet trusted.
    """

    card_serial: str
    card_type: str
    rpps: str
    family_name: str
    first_name: str
    profession: str
    structures: tuple[str, ...]
    valid_from: date
    valid_to: date
    may_sign_sheet: bool
    may_sign_lot: bool
    certificate: bytes = field(repr=False)
    issuer_certificate: bytes = field(repr=False)


class CpsReader:
    """
    The CPS in a reader, over ``transmit``.

    Every method may raise :class:`CardMute`, :class:`UnexpectedStatus` and :class:`NotACps`. After the card was taken
    out, make a new reader: the card has forgotten the PIN.
    """

    def __init__(self, transmit: Transmit) -> None:
        self._application = CardApplication(transmit, "CPS", NotACps)

    def read(self) -> CpsHolder:
        """
        Return the holder's data, which the card gives without a PIN.

        :raises NotATestCard: when the card does not say that it is a test card.
        :raises CardDataInvalid: with the place of what is malformed.
        """
        self._application.select()
        place = tlv.Place("CPS", "data")
        tags = dict(CPS["tags"])
        content = tlv.only(self._application.read_file("data"), tags.pop("template"), place)
        found = tlv.fields(content, tags, place)
        if found["card_type"] != CPS["kind"].encode("ascii"):
            raise NotATestCard("CPS")
        listed = tlv.items(
            found["structures"], CPS["items"]["structure"], LIMIT["structures"], place.inside("structures")
        )
        valid_from = fields.day(found["valid_from"], place.inside("valid_from"))
        valid_to = fields.day(found["valid_to"], place.inside("valid_to"))
        if valid_to < valid_from:
            raise place.inside("valid_to").wrong("order")
        return CpsHolder(
            card_serial=fields.digits(found["card_serial"], 10, place.inside("card_serial")),
            card_type=CPS["kind"],
            rpps=fields.identifier(found["rpps"], check_rpps, place.inside("rpps")),
            family_name=fields.name(found["family_name"], place.inside("family_name")),
            first_name=fields.name(found["first_name"], place.inside("first_name")),
            profession=fields.word(found["profession"], CPS["professions"], place.inside("profession")),
            structures=tuple(fields.identifier(value, check_finess, where) for value, where in listed),
            valid_from=valid_from,
            valid_to=valid_to,
            may_sign_sheet=fields.flag(found["may_sign_sheet"], place.inside("may_sign_sheet")),
            may_sign_lot=fields.flag(found["may_sign_lot"], place.inside("may_sign_lot")),
            certificate=self._application.read_certificate("certificate"),
            issuer_certificate=self._application.read_certificate("issuer_certificate"),
        )

    def tries_left(self) -> int:
        """Return how many wrong PINs the card still takes, without using one; 0 when it is blocked."""
        self._application.select()
        command = Command("verify", PIN["reference"])
        response = self._application.dialogue.exchange(command)
        if response.sw == STATUS["ok"]:
            return PIN["tries"]  # already verified, and a right PIN gave them all back
        if response.sw == STATUS["pin_blocked"]:
            return 0
        if response.sw & _TRIES_MASK == STATUS["wrong_pin"]:
            return response.sw & ~_TRIES_MASK
        raise self._application.dialogue.refused(command, response)

    def verify_pin(self, pin: str) -> None:
        """
        Give the PIN to the card, which may sign from then on until it is taken out.

        :raises PinFormat: when ``pin`` is not 4 digits; no try is used.
        :raises WrongPin: with the tries left.
        :raises PinBlocked: when none is left.
        """
        if len(pin) != PIN["digits"] or not (pin.isascii() and pin.isdigit()):
            raise PinFormat(PIN["digits"])
        self._application.select()
        command = Command("verify", PIN["reference"], pin.encode("ascii"))
        response = self._application.dialogue.exchange(command)
        if response.sw == STATUS["ok"]:
            return
        if response.sw in {STATUS["pin_blocked"], STATUS["wrong_pin"]}:
            raise PinBlocked
        if response.sw & _TRIES_MASK == STATUS["wrong_pin"]:
            raise WrongPin(response.sw & ~_TRIES_MASK)
        raise self._application.dialogue.refused(command, response)

    def unblock(self, puk: str, new_pin: str) -> None:
        """
        Give the card its tries back and a new PIN, which is not yet verified (RESET RETRY COUNTER of ISO 7816-4).

        :raises PinFormat: when ``puk`` is not 8 digits or ``new_pin`` not 4; nothing is used.
        :raises WrongPuk: with the uses left.
        :raises PukBlocked: when none is left.
        """
        for code, digits in ((puk, PIN["puk_digits"]), (new_pin, PIN["digits"])):
            if len(code) != digits or not (code.isascii() and code.isdigit()):
                raise PinFormat(digits)
        self._application.select()
        command = Command("reset_retry_counter", PIN["reference"], (puk + new_pin).encode("ascii"))
        response = self._application.dialogue.exchange(command)
        if response.sw == STATUS["ok"]:
            return
        if response.sw in {STATUS["pin_blocked"], STATUS["wrong_pin"]}:
            raise PukBlocked
        if response.sw & _TRIES_MASK == STATUS["wrong_pin"]:
            raise WrongPuk(response.sw & ~_TRIES_MASK)
        raise self._application.dialogue.refused(command, response)

    def sign(self, digest: bytes) -> bytes:
        """
        Return the RSA signature (PKCS #1 v1.5, SHA-256, 256 bytes) of the card over a SHA-256 ``digest`` of 32 bytes.

        :raises PinNeeded: when the PIN was not verified since the card was put in.
        :raises DigestFormat: when ``digest`` has another size.
        :raises CardDataInvalid: when the answer has not the size of such a signature.
        """
        self._application.select()
        digest_info = bytes.fromhex(SIGNATURE["digest_info_sha256"]) + digest
        try:
            signature = self._application.sign(SIGNATURE["rsa_pkcs1"], digest, digest_info)
        except UnexpectedStatus as refusal:
            if refusal.sw == STATUS["security_not_satisfied"]:
                raise PinNeeded from None
            raise
        if len(signature) != _RSA_2048_BYTES:
            raise tlv.Place("CPS", "signature").wrong("size")
        return signature
