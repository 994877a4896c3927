"""What a transition asks of the world; the gateway carries it out, this library never does."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Effect"]


class Effect(StrEnum):
    """One thing to do after a transition; its sentence stands in ``schemas/lifecycle.toml``."""

    MAKE_PAPER_TWIN = "make_paper_twin"
    MAKE_PLAIN_PAPER = "make_plain_paper"
    PROPOSE_DUPLICATA = "propose_duplicata"
    VOID_PAPER = "void_paper"
    VOID_DUPLICATA = "void_duplicata"
    QUEUE_FOR_LOT = "queue_for_lot"
    SEND = "send"
    SEND_AGAIN = "send_again"
    PROPOSE_CORRECTION = "propose_correction"
    ASK_ATTESTATION = "ask_attestation"
    FLAG_LATE_ANSWER = "flag_late_answer"
    TELL_PERSON = "tell_person"
