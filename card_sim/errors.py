"""The errors of the card simulator: one tree, each error with its facts."""

from __future__ import annotations

__all__ = [
    "CardFaultInvalid",
    "CardLifeError",
    "CardSimError",
    "FolderTaken",
    "PkiInvalid",
    "ProfileInvalid",
    "StoredCardInvalid",
    "UnknownIssuer",
]


class CardSimError(Exception):
    """Something that was handed to the card simulator cannot be used. Facts never hold a PIN, a NIR or a key."""


class _InvalidInput(CardSimError):
    """An input is wrong because of ``reason``; ``place`` goes from the outside (a file) to the inside (a key)."""

    def __init__(self, *place: object, reason: str) -> None:
        self.place = ": ".join(map(str, place))
        self.reason = reason
        super().__init__(f"{self.place}: {reason}")


class ProfileInvalid(_InvalidInput):
    """The description of a card is wrong; ``place`` is the path of the key, with dots."""


class StoredCardInvalid(_InvalidInput):
    """A saved card cannot be loaded; ``place`` is the file, then the key inside it."""


class CardFaultInvalid(_InvalidInput):
    """A fault that is asked for is none."""


class CardLifeError(_InvalidInput):
    """A card cannot go from the state in ``place`` to the one that is asked for."""


class PkiInvalid(_InvalidInput):
    """A saved public-key infrastructure cannot be loaded, or a value cannot stand in a certificate."""


class FolderTaken(_InvalidInput):
    """A folder holds something else than an earlier state of what is being written; nothing was changed."""


class UnknownIssuer(CardSimError):
    """A certificate was not issued by this infrastructure."""
