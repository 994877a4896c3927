"""What both cards share: the application to select, the files to read, the key that signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate

from fse.cards import tlv
from fse.cards.apdu import Command, Dialogue
from fse.cards.errors import DigestFormat
from fse.cards.vocabulary import APPLICATION, FILE, LIMIT, PARAMETER, SIGNATURE, STATUS

if TYPE_CHECKING:
    from collections.abc import Callable

    from fse.cards.apdu import Transmit
    from fse.cards.errors import CardError, CardName

__all__ = ["CardApplication"]

_DIGEST_BYTES = 32
_READ_STATUSES = {STATUS["ok"], STATUS["end_of_file"]}


class CardApplication:
    """
    The application of one card family, selected once, when it is first needed.

    ``unknown`` makes the error, from the status word, for a card that does not know the application.
    """

    def __init__(self, transmit: Transmit, card: CardName, unknown: Callable[[int], CardError]) -> None:
        self.dialogue = Dialogue(transmit, card)
        self._unknown = unknown
        self._selected = False

    def select(self) -> None:
        """Select the application when that was not done yet."""
        if self._selected:
            return
        how = PARAMETER["select_by_name"] << 8 | PARAMETER["select_returns_nothing"]
        name = bytes.fromhex(APPLICATION[self.dialogue.card.lower()])
        response = self.dialogue.exchange(Command("select", how, name))
        if response.sw != STATUS["ok"]:
            raise self._unknown(response.sw)
        self._selected = True

    def read_file(self, name: str) -> bytes:
        """
        Return the content of the file ``name``, one TLV object, whose own length says how much there is to read.

        :raises CardDataInvalid: when it is malformed, too long, or ends before what it announces.
        """
        place = tlv.Place(self.dialogue.card, name)
        how = PARAMETER["select_by_identifier"] << 8 | PARAMETER["select_returns_nothing"]
        self.dialogue.expect_ok(Command("select", how, FILE[name].to_bytes(2, "big")))
        content = self._read(0, LIMIT["read_bytes"])
        size = tlv.announced_size(content[: tlv.HEADER_BYTES], place)
        if size > LIMIT["file_bytes"]:
            raise place.wrong("too-long")
        while len(content) < size:
            part = self._read(len(content), min(size - len(content), LIMIT["read_bytes"]))
            if not part:
                raise place.wrong("truncated")
            content += part
        return content[:size]

    def read_certificate(self, name: str) -> bytes:
        """Return the DER of the X.509 certificate in the file ``name``; whether it is trusted is for others to say."""
        content = self.read_file(name)
        try:
            load_der_x509_certificate(content)
        except ValueError:
            raise tlv.Place(self.dialogue.card, name).wrong("certificate") from None
        return content

    def sign(self, algorithm: int, digest: bytes, to_sign: bytes) -> bytes:
        """
        Return what the card's key makes of ``to_sign``, the form of ``digest`` that ``algorithm`` takes.

        :raises DigestFormat: when ``digest`` has not 32 bytes.
        """
        if len(digest) != _DIGEST_BYTES:
            raise DigestFormat(len(digest))
        template = bytes((SIGNATURE["algorithm_tag"], 1, algorithm, SIGNATURE["key_tag"], 1, SIGNATURE["key"]))
        self.dialogue.expect_ok(Command("manage_security_environment", PARAMETER["set_signature_template"], template))
        return self.dialogue.expect_ok(
            Command("perform_security_operation", PARAMETER["compute_signature"], to_sign, expected=256)
        )

    def _read(self, offset: int, count: int) -> bytes:
        command = Command("read_binary", offset, expected=count)
        response = self.dialogue.exchange(command)
        if response.sw not in _READ_STATUSES:
            raise self.dialogue.refused(command, response)
        return response.data
