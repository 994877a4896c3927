"""
The virtual reader of Debian's ``vsmartcard-vpcd``, seen from the side of the cards: any PC/SC program finds them there.

The connection is reversed: the reader's entry in pcscd says ``DEVICENAME localhost:0x8C7B``, so that the daemon
connects to us, and we listen on the loopback only. One entry is two slots, on this port and the next. The daemon
(pcscd 1.9.9 with vpcd 3.3) aborts when nobody listens at one of them or hangs up: the reader starts before it and ends
after it, and an empty slot stays connected. To PC/SC it looks like a card that cannot be powered: present, without ATR.
A card that comes later than the daemon is powered at its first connection; where another was in the slot before, the
daemon is started anew, or told to reset the slot (``opensc-tool --reset``).
"""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock, Thread
from typing import Final, Protocol, Self

__all__ = ["FIRST_PORT", "SLOTS", "InsertableCard", "VirtualReader"]

FIRST_PORT: Final = 0x8C7B  # that of slot 0; slot 1 has the next one
SLOTS: Final = 2

_LOOPBACK: Final = "127.0.0.1"
_LENGTH_BYTES: Final = 2
_POWER_OFF, _POWER_ON, _RESET, _ASK_ATR = b"\x00", b"\x01", b"\x02", b"\x04"
_NOTHING_TO_POWER: Final = bytes(40)  # longer than an ATR may be: the daemon's attempt to power the slot fails
_STOP_SECONDS: Final = 5
# Linux gives up its quick acknowledgements after each answer; elsewhere the option does not exist and nothing is lost.
_QUICK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


class InsertableCard(Protocol):
    """What a card must do to sit in the reader."""

    @property
    def atr(self) -> bytes:
        """What the card says at power-on."""

    def transmit(self, command: bytes) -> bytes:
        """Return the answer to ``command``."""

    def reset(self) -> None:
        """Forget what power-off makes a card forget."""


class VirtualReader:
    """
    Two slots, open from construction to :meth:`close`; start it before the daemon, close it after.

    The daemon looks for cards about once a second: a card is seen, and missed, with that delay. OSError when a port is
    taken.
    """

    def __init__(self, port: int = FIRST_PORT) -> None:
        self._slots: list[_Slot] = []
        try:
            for slot in range(SLOTS):
                self._slots.append(_Slot(port + slot if port else 0))
        except OSError:
            self.close()
            raise

    @property
    def ports(self) -> tuple[int, ...]:
        """Where the slots listen."""
        return tuple(slot.port for slot in self._slots)

    def insert(self, card: InsertableCard, slot: int = 0) -> None:
        """Put ``card`` into ``slot``, in the place of the one that was there."""
        self._slots[slot].hold(card)

    def remove(self, slot: int = 0) -> None:
        """Take out what is in ``slot``."""
        self._slots[slot].hold(None)

    def close(self) -> None:
        """Take the cards out and stop listening; a second call does nothing."""
        for slot in self._slots:
            slot.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Slot:
    """One port, its thread, and the card in it."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server((_LOOPBACK, port))
        self.port: int = self._listener.getsockname()[1]
        self._card: InsertableCard | None = None
        self._lock = Lock()
        self._link: socket.socket | None = None
        self._closed = False
        self._thread = Thread(target=self._answer_daemon, name=f"slot on port {self.port}", daemon=True)
        self._thread.start()

    def hold(self, card: InsertableCard | None) -> None:
        with self._lock:
            for one in (self._card, card):
                if one is not None:
                    one.reset()
            self._card = card

    def close(self) -> None:
        self._closed = True
        self.hold(None)
        self._hang_up(self._link)
        self._hang_up(self._listener)
        self._thread.join(_STOP_SECONDS)
        self._listener.close()

    @staticmethod
    def _hang_up(end: socket.socket | None) -> None:
        if end is not None:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _answer_daemon(self) -> None:
        while not self._closed:
            try:
                link, _ = self._listener.accept()
            except OSError:
                continue  # closed, or a daemon that gave up before it was heard
            with link:
                self._link = link
                with suppress(OSError):
                    self._dialogue(link)
                self._link = None

    def _dialogue(self, link: socket.socket) -> None:
        while not self._closed:
            message = _receive(link, int.from_bytes(_receive(link, _LENGTH_BYTES), "big"))
            if not message:
                break
            with self._lock:
                answer = self._answer(message)
            if answer is not None:
                link.sendall(len(answer).to_bytes(_LENGTH_BYTES, "big") + answer)
        with self._lock:
            self._answer(_POWER_OFF)

    def _answer(self, message: bytes) -> bytes | None:
        """Return what is said to the daemon: nothing at a change of power, what is no ATR for an empty slot."""
        if message in {_POWER_OFF, _POWER_ON, _RESET}:
            if self._card is not None:
                self._card.reset()
            return None
        if self._card is None:
            return _NOTHING_TO_POWER
        return self._card.atr if message == _ASK_ATR else self._card.transmit(message)


def _receive(link: socket.socket, size: int) -> bytes:
    """Return ``size`` bytes; none when the daemon has hung up."""
    received = b""
    while len(received) < size:
        if _QUICK is not None:
            link.setsockopt(socket.IPPROTO_TCP, _QUICK, 1)
        part = link.recv(size - len(received))
        if not part:
            return b""
        received += part
    return received
