"""The card's end of the virtual reader, with the test in the place of the daemon."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from gateway.virtual_reader import VirtualReader

if TYPE_CHECKING:
    from collections.abc import Iterator


class RecordingCard:
    """A card that answers with what it got, and counts its resets."""

    atr = b"\x3b\x80\x01\x81"

    def __init__(self) -> None:
        self.resets = 0

    def transmit(self, command: bytes) -> bytes:
        """Answer ``command`` with itself and 9000."""
        return command + b"\x90\x00"

    def reset(self) -> None:
        """Count."""
        self.resets += 1


@pytest.fixture
def card() -> RecordingCard:
    """Return a card."""
    return RecordingCard()


@pytest.fixture
def reader() -> Iterator[VirtualReader]:
    """Return a reader at ports that were free."""
    with VirtualReader(0) as one:
        yield one


def connect(reader: VirtualReader, slot: int = 0) -> socket.socket:
    """Connect as the daemon does."""
    return socket.create_connection(("127.0.0.1", reader.ports[slot]), timeout=5)


def say(link: socket.socket, message: bytes) -> None:
    """Send ``message`` in two pieces, as the daemon does."""
    link.sendall(len(message).to_bytes(2, "big"))
    link.sendall(message)


def hear(link: socket.socket) -> bytes:
    """Return the next message; none at the end."""
    with link.makefile("rb", buffering=0) as stream:
        size = int.from_bytes(stream.read(2) or b"", "big")
        received = b""
        while len(received) < size:
            received += stream.read(size - len(received)) or b""
        return received


def settled(card: RecordingCard, resets: int) -> bool:
    """Wait for that many resets."""
    deadline = time.monotonic() + 5
    while card.resets != resets and time.monotonic() < deadline:
        time.sleep(0.01)
    return card.resets == resets


def test_power_atr_and_commands(card: RecordingCard, reader: VirtualReader) -> None:
    """Power on, off and reset reset the card without an answer; the ATR and commands of any length get theirs."""
    reader.insert(card)
    with connect(reader) as link:
        for signal in (b"\x01", b"\x02", b"\x00"):
            say(link, signal)
        say(link, b"\x04")
        assert hear(link) == card.atr
        assert card.resets == 4  # one when it was put in
        for command in (b"\x00\xa4\x04\x00", bytes(4000)):
            say(link, command)
            assert hear(link) == command + b"\x90\x00"


def test_cards_come_and_go_while_the_daemon_stays(card: RecordingCard, reader: VirtualReader) -> None:
    """An empty slot keeps the connection and gives no ATR; a card that is taken out forgets its PIN."""
    with connect(reader, 1) as link:
        say(link, b"\x01")
        say(link, b"\x04")
        assert len(hear(link)) > 33
        reader.insert(card, 1)
        say(link, b"\x04")
        assert hear(link) == card.atr
        reader.remove(1)
        assert card.resets == 2
        say(link, b"\x04")
        assert len(hear(link)) > 33


def test_a_daemon_may_come_back(card: RecordingCard, reader: VirtualReader) -> None:
    """A daemon that hangs up powers the card off, and finds it again when it connects anew."""
    reader.insert(card)
    with connect(reader) as link:
        say(link, b"\x04")
        assert hear(link) == card.atr
    assert settled(card, 2)
    with connect(reader) as link:
        link.sendall(b"\x00\x05\x00\xa4")  # cut inside a message
    assert settled(card, 3)
    with connect(reader) as link:
        say(link, b"\x04")
        assert hear(link) == card.atr


def test_a_closed_reader_leaves_nothing(card: RecordingCard) -> None:
    """After the block the daemon is hung up on, the ports are free, and the card has forgotten its PIN."""
    with VirtualReader(0) as reader:
        reader.insert(card)
        ports = reader.ports
        link = connect(reader)
        say(link, b"\x04")
        assert hear(link) == card.atr
    assert hear(link) == b""
    link.close()
    reader.close()
    assert card.resets >= 2
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_the_ports_of_another_reader_are_refused(reader: VirtualReader) -> None:
    """Two readers do not fit on one port; the one that fails keeps none."""
    with pytest.raises(OSError, match="in use"):
        VirtualReader(reader.ports[0])


def test_only_this_machine_is_listened_to(reader: VirtualReader) -> None:
    """The reader listens at 127.0.0.1 and nowhere else."""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", reader.ports[0]), timeout=5)
