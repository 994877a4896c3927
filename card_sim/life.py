"""The life of a card beside its codes: in use, opposed, replaced, withdrawn; one table says what may follow what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self

from card_sim.errors import CardLifeError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LIFE", "CardEvent", "CardLife", "CardState"]


class CardState(StrEnum):
    """Where a card stands for its issuer. Blocked and expired are no states: its counters and its dates say so."""

    IN_USE = "in-use"
    OPPOSED = "opposed"
    """On the issuer's list (lost, stolen, denounced); it still answers commands, so that one can try."""
    REPLACED = "replaced"
    """A successor was issued; it still answers commands."""
    WITHDRAWN = "withdrawn"
    """Given back: it goes into no reader any more."""


class CardEvent(StrEnum):
    """What an issuer does with a card."""

    UPDATE = "update"
    EXPIRE = "expire"
    OPPOSE = "oppose"
    REPLACE = "replace"
    WITHDRAW = "withdraw"


_S, _E = CardState, CardEvent

LIFE: Final[Mapping[tuple[CardState, CardEvent], CardState]] = MappingProxyType(
    {
        (_S.IN_USE, _E.UPDATE): _S.IN_USE,
        (_S.IN_USE, _E.EXPIRE): _S.IN_USE,
        (_S.IN_USE, _E.OPPOSE): _S.OPPOSED,
        (_S.IN_USE, _E.REPLACE): _S.REPLACED,
        (_S.OPPOSED, _E.REPLACE): _S.REPLACED,
        (_S.IN_USE, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.OPPOSED, _E.WITHDRAW): _S.WITHDRAWN,
        (_S.REPLACED, _E.WITHDRAW): _S.WITHDRAWN,
    }
)
"""What follows; what is not here is refused. An opposition is never lifted: the holder gets a new card."""


@dataclass(frozen=True, slots=True)
class CardLife:
    """The state, the day since when, and the serial number of the successor of a replaced card."""

    state: CardState = CardState.IN_USE
    since: date | None = None
    successor: str = ""

    def after(self, event: CardEvent, on: date, successor: str = "") -> CardLife:
        """
        Return the life after ``event`` on the day ``on``.

        :raises CardLifeError: when the table has no such step.
        """
        state = LIFE.get((self.state, event))
        if state is None:
            raise CardLifeError(self.state.value, reason=f"no {event.value} any more")
        if state is self.state:
            return self
        return CardLife(state, on, successor or self.successor)

    def to_dict(self) -> dict[str, str]:
        """Return the life as plain values."""
        since = {} if self.since is None else {"since": self.since.isoformat()}
        return {"state": self.state.value} | since | ({"successor": self.successor} if self.successor else {})

    @classmethod
    def from_dict(cls, raw: Any) -> Self:  # noqa: ANN401 - whatever a file holds
        """Return the life that :meth:`to_dict` wrote; ValueError for anything else."""
        if not isinstance(raw, dict) or not raw.keys() <= {"state", "since", "successor"}:
            message = "state, since and successor are expected"
            raise ValueError(message)
        since = raw.get("since")
        day = None if since is None else date.fromisoformat(str(since))
        return cls(CardState(str(raw.get("state"))), day, str(raw.get("successor", "")))
