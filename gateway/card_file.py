"""
A card in its file, used by one process at a time: a card is in one reader, or at its issuer's counter.

The lock is on the file itself. Saving a card replaces its file, so whoever has locked one that is no longer there
begins again.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from card_sim.cps import CpsCard
from card_sim.errors import StoredCardInvalid
from card_sim.life import CardState
from card_sim.storage import load, save
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from card_sim.vitale import VitaleCard

__all__ = ["card_in_reader", "held_card"]


@contextmanager
def held_card(path: Path) -> Iterator[CpsCard | VitaleCard]:
    """
    Yield the card saved in ``path``, for this user alone; nothing is saved.

    Raises :class:`gateway.errors.GatewayError` (CARD-IN-USE) while another holds it, and
    :class:`card_sim.errors.StoredCardInvalid`.
    """
    while True:
        try:
            file = path.open("rb")
        except OSError as error:
            raise StoredCardInvalid(path, reason=error.strerror or "cannot be read") from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GatewayError("CARD-IN-USE", file=path) from None
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield load(path)
                return


@contextmanager
def card_in_reader(path: Path) -> Iterator[CpsCard | VitaleCard]:
    """
    Yield the card saved in ``path``; a CPS is saved again afterwards, so that its PIN counter lasts.

    Raises :class:`gateway.errors.GatewayError`: CARD-WITHDRAWN for a card that was given back, CARD-IN-USE.
    """
    with held_card(path) as card:
        if card.life.state is CardState.WITHDRAWN:
            raise GatewayError("CARD-WITHDRAWN", file=path, since=card.life.since or "?")
        try:
            yield card
        finally:
            if isinstance(card, CpsCard):
                save(card, path)
