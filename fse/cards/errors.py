"""
What can go wrong between the host and a card.

The fact ``code``, where it exists, is the public code that the 2005 SESAM-Vitale programming manual gives to the same
situation. No fact holds a PIN, a NIR or a key.
"""

from __future__ import annotations

from typing import Literal

from fse.errors import FseError

__all__ = [
    "CardDataInvalid",
    "CardError",
    "CardMute",
    "CardName",
    "DigestFormat",
    "NotACps",
    "NotATestCard",
    "NotAVitale",
    "PinBlocked",
    "PinFormat",
    "PinNeeded",
    "PukBlocked",
    "UnexpectedStatus",
    "WrongPin",
    "WrongPuk",
]

CardName = Literal["CPS", "Vitale"]

_MUTE_CODES = {"CPS": "0x0400", "Vitale": "0xF014"}


class CardError(FseError):
    """A dialogue with a card failed."""


class CardMute(CardError):
    """The transport failed or the answer has no status word; ``reason`` says which."""

    default_rule = "CARD-MUTE"

    def __init__(self, card: CardName, reason: str) -> None:
        super().__init__(card=card, reason=reason, code=_MUTE_CODES[card])


class UnexpectedStatus(CardError):
    """The card refused a command; ``sw`` is its status word."""

    default_rule = "CARD-STATUS"

    def __init__(self, card: CardName, command: str, sw: int) -> None:
        self.sw = sw
        super().__init__(card=card, command=command, sw=f"{sw:04X}")


class NotACps(CardError):
    """The card does not know the application of a CPS."""

    default_rule = "CARD-NOT-CPS"

    def __init__(self, sw: int) -> None:
        super().__init__(sw=f"{sw:04X}", code="0xF004")


class NotAVitale(CardError):
    """The card does not know the application of a Vitale card."""

    default_rule = "CARD-NOT-VITALE"

    def __init__(self, sw: int) -> None:
        super().__init__(sw=f"{sw:04X}")


class NotATestCard(CardError):
    """The card does not say that it is a test card."""

    default_rule = "CARD-NOT-TEST"

    def __init__(self, card: CardName) -> None:
        super().__init__(card=card, code="0xF026")


class CardDataInvalid(CardError):
    """What the card holds is not what such a card holds; ``place`` names the data, never their value."""

    default_rule = "CARD-DATA"

    def __init__(self, card: CardName, place: str, reason: str) -> None:
        super().__init__(card=card, place=place, reason=reason)


class PinFormat(CardError):
    """The PIN has not the right number of digits; it was not given to the card."""

    default_rule = "CARD-PIN-FORMAT"

    def __init__(self, digits: int) -> None:
        super().__init__(digits=digits)


class WrongPin(CardError):
    """The PIN is wrong; ``tries_left`` is at least 1."""

    default_rule = "CARD-PIN-WRONG"

    def __init__(self, tries_left: int) -> None:
        self.tries_left = tries_left
        super().__init__(tries_left=tries_left, code="0xF003")


class PinBlocked(CardError):
    """No try is left."""

    default_rule = "CARD-PIN-BLOCKED"


class WrongPuk(CardError):
    """The PUK is wrong; ``uses_left`` is how often the card still takes one, right or wrong."""

    default_rule = "CARD-PUK-WRONG"

    def __init__(self, uses_left: int) -> None:
        super().__init__(uses_left=uses_left)


class PukBlocked(CardError):
    """The PUK has served for the last time: the card is lost."""

    default_rule = "CARD-PUK-BLOCKED"


class PinNeeded(CardError):
    """The card signs only after the PIN was verified."""

    default_rule = "CARD-PIN-NEEDED"


class DigestFormat(CardError):
    """What was to be signed has not the size of a SHA-256 digest; the card was not asked."""

    default_rule = "CARD-DIGEST"

    def __init__(self, size: int) -> None:
        super().__init__(size=size)
