"""Which process holds the virtual reader of a local folder, so that another one can take a card out of it."""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["TAKE_OUT", "hold_reader", "take_out"]

_FILE: Final = "reader.pid"

TAKE_OUT: Final = (signal.SIGUSR1, signal.SIGUSR2)
"""What tells the process that holds the reader to take out the card of slot 0, or 1."""


@contextmanager
def hold_reader(folder: Path) -> Iterator[None]:
    """Hold the reader of ``folder`` for this process; raises GatewayError (CARD-READER-HELD) when another does."""
    path = folder / _FILE
    path.touch(0o600)
    with path.open("r+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GatewayError("CARD-READER-HELD", folder=folder) from None
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def take_out(folder: Path, slot: int) -> None:
    """Have the card in ``slot`` taken out; raises GatewayError (CARD-NO-READER) when no process holds the reader."""
    path = folder / _FILE
    try:
        with path.open("r+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # held: whoever wrote its number there is alive
                os.kill(int(file.read()), TAKE_OUT[slot])
                return
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass
    raise GatewayError("CARD-NO-READER", folder=folder)
