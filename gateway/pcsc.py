"""
The readers of this machine over PC/SC (pyscard, the extra ``pcsc``): whatever card sits there, ours or anybody's.

Each slot is a reader of its own to PC/SC. A card is taken for one user alone and reset at the end, so that it forgets
the PIN. Every call of the daemon has a time limit: one that hangs must not take its caller with it.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fse.cards import NotACps, NotAVitale
from gateway.errors import GatewayError
from gateway.readers import CardsAtHand, ProfessionalCard, VitaleCard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fse.cards import Transmit

    _Value = TypeVar("_Value")

__all__ = ["CardTakenOut", "PcscError", "ReaderSilent", "cards_in", "open_slot", "reader_names", "recognise"]

_SECONDS: Final = 20


class PcscError(GatewayError):
    """No PC/SC service, no such reader, or not the card that is needed."""


class CardTakenOut(Exception):
    """The card left the reader, or the reader the machine, in the middle of a dialogue."""


class ReaderSilent(Exception):
    """The daemon or the card has not answered in time."""


def reader_names() -> tuple[str, ...]:
    """
    Return the names of the slots that PC/SC knows.

    Raises :class:`PcscError`: PCSC-MISSING without the extra, PCSC-SERVICE when no daemon answers.
    """
    return tuple(str(reader) for reader in _readers())


@contextmanager
def open_slot(name: str) -> Iterator[Transmit | None]:
    """
    Yield what carries commands to the card in the slot ``name``; None when there is none that can be powered.

    It raises :class:`CardTakenOut` and :class:`ReaderSilent`, which the dialogue tells as a mute card. Raises
    :class:`PcscError` (PCSC-READER, PCSC-BUSY, and those of :func:`reader_names`).
    """
    pcsc = _pyscard()
    slots = {str(reader): reader for reader in _readers()}
    if name not in slots:
        raise PcscError("PCSC-READER", name=name, known=", ".join(slots) or "–")
    connection = slots[name].createConnection()
    try:
        yield _connected(pcsc, connection, name)
    finally:
        _end(connection)


def _connected(pcsc: _Pyscard, connection: Any, name: str) -> Transmit | None:  # noqa: ANN401 - pyscard has no types
    try:
        _in_time(lambda: connection.connect(mode=pcsc.exclusive, disposition=pcsc.reset))
    except ReaderSilent:
        raise PcscError("PCSC-SERVICE") from None
    except pcsc.failure as error:
        if getattr(error, "hresult", None) == pcsc.busy:
            raise PcscError("PCSC-BUSY", name=name) from None
        return None  # a card that does not answer at power-on is as good as none

    def transmit(command: bytes) -> bytes:
        try:
            data, *status = _in_time(lambda: connection.transmit(list(command)))
        except ReaderSilent:
            raise
        except pcsc.failure:
            raise CardTakenOut from None  # without the cause: it may hold the command, hence a PIN
        return bytes(data) + bytes(status)

    return transmit


@contextmanager
def cards_in(reader: str) -> Iterator[CardsAtHand]:
    """
    Yield the CPS and the Vitale in the slots whose name is, or begins with, ``reader``, whichever is in which.

    The CPS is read, its PIN not yet given. Raises :class:`PcscError` (see :func:`open_slot`), and
    :class:`fse.cards.CardError` for a card of ours that does not hold.
    """
    names = [name for name in reader_names() if name.startswith(reader)]
    if not names:
        raise PcscError("PCSC-READER", name=reader, known=", ".join(reader_names()) or "–")
    professional, vitale = None, None
    with ExitStack() as stack:
        for name in names:
            transmit = stack.enter_context(open_slot(name))
            if transmit is None:
                continue
            card = recognise(transmit)
            if isinstance(card, ProfessionalCard):
                professional = professional or card
            elif card is not None:
                vitale = vitale or transmit
        yield CardsAtHand(professional, vitale)


def recognise(transmit: Transmit) -> ProfessionalCard | VitaleCard | None:
    """
    Return the card behind ``transmit``; None for a card of another kind, which is nobody's business.

    Raises :class:`fse.cards.CardError` for one of ours that does not hold.
    """
    with suppress(NotACps):
        return ProfessionalCard.insert(transmit)
    with suppress(NotAVitale):
        return VitaleCard.insert(transmit)
    return None


class _Pyscard:
    """The names of pyscard that are used here; imported late, for it is an extra."""

    def __init__(self) -> None:
        scard = import_module("smartcard.scard")
        errors = import_module("smartcard.Exceptions")
        self.readers = import_module("smartcard.System").readers
        self.exclusive = scard.SCARD_SHARE_EXCLUSIVE
        self.reset = scard.SCARD_RESET_CARD
        self.busy = scard.SCARD_E_SHARING_VIOLATION
        low_level: type[Exception] = import_module("smartcard.pcsc.PCSCExceptions").BaseSCardException
        self.failure: tuple[type[Exception], ...] = (errors.SmartcardException, low_level, ReaderSilent)


def _pyscard() -> _Pyscard:
    try:
        return _Pyscard()
    except ImportError:
        raise PcscError("PCSC-MISSING") from None


def _readers() -> list[Any]:
    pcsc = _pyscard()
    try:
        return list(_in_time(pcsc.readers))
    except pcsc.failure:
        raise PcscError("PCSC-SERVICE") from None


def _end(connection: Any) -> None:  # noqa: ANN401 - pyscard has no types
    """Give the card back; one that is gone is given back already."""
    with suppress(*_pyscard().failure):
        _in_time(connection.release)


def _in_time(call: Callable[[], _Value]) -> _Value:
    """Return what ``call`` returns, within the time limit; beyond it, it is left alone in its thread."""
    results: list[_Value] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again by whoever called
            failures.append(error)

    thread = threading.Thread(target=run, name="pcsc", daemon=True)
    thread.start()
    thread.join(_SECONDS)
    if failures:
        raise failures[0]
    if not results:
        raise ReaderSilent
    return results[0]
