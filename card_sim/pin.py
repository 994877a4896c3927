"""The secret codes of a card (PIN, and the PUK that unblocks it) and their counters."""

from __future__ import annotations

from hmac import compare_digest

from card_sim.status_words import Refusal, StatusWord
from card_sim.vocabulary import PIN

__all__ = ["MAXIMUM_TRIES", "MAXIMUM_UNBLOCKS", "Pin"]

MAXIMUM_TRIES = PIN["tries"]
MAXIMUM_UNBLOCKS = PIN["unblocks"]


class Pin:
    """
    A code of 4 digits that 3 wrong tries block, and the PUK of 8 digits that gives the tries back.

    The PUK serves 10 times in the life of the card, right or wrong. The codes, the tries left and the unblocks left
    survive power-off; the verified state does not.
    """

    def __init__(
        self, value: str, puk: str, tries_left: int = MAXIMUM_TRIES, unblocks_left: int = MAXIMUM_UNBLOCKS
    ) -> None:
        self._value = value.encode("ascii")
        self._puk = puk.encode("ascii")
        self.tries_left = tries_left
        self.unblocks_left = unblocks_left
        self.verified = False

    @property
    def value(self) -> str:
        """The code, for whoever saves the card; no command gives it."""
        return self._value.decode("ascii")

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

    def change(self, both: bytes) -> None:
        """
        Replace the code: ``both`` is the present one, then the new one, which counts as verified.

        Refused as :meth:`verify` does, and with 6A80 when the new one is not 4 digits (no try is lost).
        """
        if not self.tries_left:
            raise Refusal(StatusWord.PIN_BLOCKED)
        old, new = self._split(both, len(self._value))
        self.verify(old)
        self._value = new

    def unblock(self, both: bytes) -> None:
        """
        Give all the tries back and set a new code: ``both`` is the PUK, then the new code, not yet verified.

        Refused with 6983 when the PUK has served 10 times, 6700 or 6A80 when what is given is malformed (nothing is
        lost), 63Cx with x uses left when the PUK is wrong.
        """
        if not self.unblocks_left:
            raise Refusal(StatusWord.PIN_BLOCKED)
        puk, new = self._split(both, len(self._puk))
        self.unblocks_left -= 1
        if not compare_digest(puk, self._puk):
            raise Refusal(StatusWord.WRONG_PIN, self.unblocks_left)
        self._value, self.tries_left, self.verified = new, MAXIMUM_TRIES, False

    def _split(self, both: bytes, at: int) -> tuple[bytes, bytes]:
        first, new = both[:at], both[at:]
        if len(new) != len(self._value):
            raise Refusal(StatusWord.WRONG_LENGTH)
        if not new.isdigit():
            raise Refusal(StatusWord.WRONG_DATA)
        return first, new
