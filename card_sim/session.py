"""What a card holds while it is powered: where the host stands, which secrets it gave, which keys it named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from card_sim.status_words import Refusal, StatusWord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from card_sim.files import FileTree
    from card_sim.pin import Pin
    from card_sim.randomness import ByteStream
    from card_sim.security_environment import SecurityEnvironment

__all__ = ["Session"]


@dataclass(frozen=True, slots=True)
class Session:
    """
    The state that the commands work on.

    ``pin`` is None on a card that asks for none. ``data_objects`` gives what GET DATA reads: by P1-P2, and after P1-P2
    by the whole data field for the odd GET DATA.
    """

    files: FileTree
    environment: SecurityEnvironment
    pin: Pin | None
    challenges: ByteStream
    data_objects: Mapping[bytes, Callable[[], bytes]]

    def reset(self) -> None:
        """Do what power-off and power-on do: the verified code is forgotten, the tries left are kept."""
        self.files.reset()
        self.environment.reset()
        if self.pin is not None:
            self.pin.reset()

    def require_pin(self) -> None:
        """Refuse with 6982 as long as the card has a PIN that was not verified."""
        if self.pin is not None and not self.pin.verified:
            raise Refusal(StatusWord.SECURITY_NOT_SATISFIED)
