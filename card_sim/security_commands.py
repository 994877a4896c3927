"""MANAGE SECURITY ENVIRONMENT, PERFORM SECURITY OPERATION and INTERNAL AUTHENTICATE (ISO 7816-4 §11.5, ISO 7816-8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from card_sim.apdu import Answer
from card_sim.signature import DIGEST_INFO
from card_sim.status_words import Refusal, StatusWord
from card_sim.vocabulary import PARAMETER, SIGNATURE

if TYPE_CHECKING:
    from card_sim.apdu import Command
    from card_sim.session import Session

__all__ = ["internal_authenticate", "manage_security_environment", "perform_security_operation"]


def manage_security_environment(session: Session, command: Command) -> Answer:
    """Set one template of the security environment, or restore a whole one."""
    if command.p1 == PARAMETER["set_environment"]:
        session.environment.set(command.p2, command.data)
    elif command.p1 == PARAMETER["restore_environment"]:
        session.environment.restore(command.p2)
    else:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    return Answer()


def perform_security_operation(session: Session, command: Command) -> Answer:
    """Finish a hash, or sign: what the host gives, or the hash that the card has finished."""
    if command.parameters == PARAMETER["hash"]:
        session.environment.hash(command.data)
        return Answer()
    if command.parameters != PARAMETER["compute_signature"]:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    chosen = session.environment.chosen(SIGNATURE["signature_template"])
    session.require_pin()
    if chosen.algorithm == SIGNATURE["rsa_sha256_on_card"]:
        if command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        return Answer(chosen.key.sign(DIGEST_INFO + session.environment.take_digest()))
    if not command.data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return Answer(chosen.key.sign(command.data))


def internal_authenticate(session: Session, command: Command) -> Answer:
    """Answer the host's challenge with the authentication key."""
    if command.parameters:
        raise Refusal(StatusWord.WRONG_PARAMETERS)
    chosen = session.environment.chosen(SIGNATURE["authentication_template"])
    session.require_pin()
    if not command.data:
        raise Refusal(StatusWord.WRONG_LENGTH)
    return Answer(chosen.key.sign(command.data))
