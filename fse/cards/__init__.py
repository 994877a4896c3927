"""
The host side of the dialogue with the cards, over a ``transmit`` that is handed in.

Everything that a card answers is hostile until it was parsed: sizes are bounded, digits, days and keys are checked,
unknown or repeated data are refused. Whether a certificate is trusted is decided elsewhere.
"""

from __future__ import annotations

from fse.cards.apdu import Transmit
from fse.cards.cps import CpsHolder, CpsReader
from fse.cards.errors import (
    CardDataInvalid,
    CardError,
    CardMute,
    DigestFormat,
    NotACps,
    NotATestCard,
    NotAVitale,
    PinBlocked,
    PinFormat,
    PinNeeded,
    PukBlocked,
    UnexpectedStatus,
    WrongPin,
    WrongPuk,
)
from fse.cards.vitale import Holder, Insured, RightsPeriod, VitaleData, VitaleReader

__all__ = [
    "CardDataInvalid",
    "CardError",
    "CardMute",
    "CpsHolder",
    "CpsReader",
    "DigestFormat",
    "Holder",
    "Insured",
    "NotACps",
    "NotATestCard",
    "NotAVitale",
    "PinBlocked",
    "PinFormat",
    "PinNeeded",
    "PukBlocked",
    "RightsPeriod",
    "Transmit",
    "UnexpectedStatus",
    "VitaleData",
    "VitaleReader",
    "WrongPin",
    "WrongPuk",
]
