"""The secret code of a card and its counter of tries."""

from __future__ import annotations

from hmac import compare_digest

from card_sim.status_words import Refusal, StatusWord
from card_sim.vocabulary import PIN

__all__ = ["MAXIMUM_TRIES", "Pin"]

MAXIMUM_TRIES = PIN["tries"]


class Pin:
    """
    A code of 4 digits that 3 wrong tries block.

    The tries left and the block survive power-off; the verified state does not.
    """

    def __init__(self, value: str, tries_left: int = MAXIMUM_TRIES) -> None:
        self._value = value.encode("ascii")
        self.tries_left = tries_left
        self.verified = False

    def reset(self) -> None:
        """Forget that the code was verified, as after power-on; the tries left stay."""
        self.verified = False

    def verify(self, value: bytes) -> None:
        """
        Compare ``value`` with the code; a right one gives all the tries back.

        Refused with 6983 when the code is blocked, 6700 when the length is wrong (no try is lost), 63Cx with x tries
        left when the code is wrong (63C0: this was the last one).
        """
        if not self.tries_left:
            raise Refusal(StatusWord.PIN_BLOCKED)
        if len(value) != len(self._value):
            raise Refusal(StatusWord.WRONG_LENGTH)
        # The try is taken before the comparison, so that a card pulled out in between has lost it.
        self.tries_left -= 1
        self.verified = compare_digest(value, self._value)
        if not self.verified:
            raise Refusal(StatusWord.WRONG_PIN, self.tries_left)
        self.tries_left = MAXIMUM_TRIES

    def ask(self) -> None:
        """Tell whether a verification is needed: refused with 63Cx or 6983 as long as it is."""
        if self.verified:
            return
        if not self.tries_left:
            raise Refusal(StatusWord.PIN_BLOCKED)
        raise Refusal(StatusWord.WRONG_PIN, self.tries_left)
