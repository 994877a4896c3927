"""GET DATA in its two forms, and GET CHALLENGE (ISO 7816-4 §11.4.3 and §11.5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from card_sim.apdu import Answer
from card_sim.status_words import Refusal, StatusWord
from card_sim.vocabulary import PARAMETER

if TYPE_CHECKING:
    from card_sim.apdu import Command
    from card_sim.session import Session

__all__ = ["get_challenge", "get_data", "get_data_by_template"]

_MOST_CHALLENGE = 256


def get_data(session: Session, command: Command) -> Answer:
    """Return the data object that P1 and P2 name."""
    if command.data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return _object(session, command)


def get_data_by_template(session: Session, command: Command) -> Answer:
    """Return the data object that the data field describes."""
    if command.parameters != PARAMETER["by_template"]:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    if not command.data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return _object(session, command)


def get_challenge(session: Session, command: Command) -> Answer:
    """Return fresh bytes, as many as the host takes."""
    if command.expected is None or command.expected > _MOST_CHALLENGE or command.data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    if command.parameters:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    return Answer(session.challenges.read(command.expected))


def _object(session: Session, command: Command) -> Answer:
    read = session.data_objects.get(command.parameters.to_bytes(2, "big") + command.data)
    if read is None:
        raise Refusal(StatusWord.REFERENCE_NOT_FOUND)
    return Answer(read())
