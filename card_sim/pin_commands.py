"""VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (ISO 7816-4 §11.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from card_sim.apdu import Answer
from card_sim.status_words import Refusal, StatusWord
from card_sim.vocabulary import PIN

if TYPE_CHECKING:
    from card_sim.apdu import Command
    from card_sim.pin import Pin
    from card_sim.session import Session

__all__ = ["change_reference_data", "reset_retry_counter", "verify"]


def verify(session: Session, command: Command) -> Answer:
    """Verify the PIN; without data, tell whether that is needed."""
    pin = _pin(session, command)
    if command.data:
        pin.verify(command.data)
    else:
        pin.ask()
    return Answer()


def change_reference_data(session: Session, command: Command) -> Answer:
    """Replace the PIN: the present one and the new one are given together."""
    _pin(session, command).change(command.data)
    return Answer()


def reset_retry_counter(session: Session, command: Command) -> Answer:
    """Unblock the PIN: the PUK and a new PIN are given together."""
    _pin(session, command).unblock(command.data)
    return Answer()


def _pin(session: Session, command: Command) -> Pin:
    if session.pin is None:
        raise Refusal(StatusWord.WRONG_INSTRUCTION)
    if command.p1:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    if command.p2 != PIN["reference"]:
        raise Refusal(StatusWord.REFERENCE_NOT_FOUND)
    return session.pin
