"""What the channel of one act depends on, read from the facts of its encounter and the choices of the service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.encounter import AnonymousPatient, CardInReader, SecretPatient

if TYPE_CHECKING:
    from fse.encounter import ActFact, Encounter

__all__ = [
    "ChannelPolicy",
    "CpsState",
    "Identity",
    "Payer",
    "Performer",
    "Situation",
    "Subject",
    "VitaleState",
    "situation_of",
]


class Subject(StrEnum):
    """What the act is about, as far as the channel depends on it."""

    ORDINARY = "ordinary"
    VACCINE = "vaccine"
    IVG = "ivg"
    IST = "ist"
    CONTRACEPTION = "contraception"
    UNKNOWN = "unknown"
    """The act is not in the table."""


class Identity(StrEnum):
    """Whether the patient may be named."""

    IDENTIFIED = "identified"
    ANONYMOUS = "anonymous"
    """A minor who asks for it, or somebody without open rights (CSS R162-57)."""
    ON_REQUEST = "on-request"
    """An adult with open rights who asks for anonymity."""
    SECRET = "secret"  # noqa: S105 - a word of the field, not a password
    """A minor, known by the birth date alone."""


class Payer(StrEnum):
    """Who pays the act."""

    CONVENTION = "convention"
    ELSEWHERE = "elsewhere"
    """The patient's own body is no party to the convention."""
    FINANCED = "financed"
    """Another administration, by its own competence (convention, art. 1)."""


class VitaleState(StrEnum):
    """What the Vitale card allows."""

    USABLE = "usable"
    ABSENT = "absent"
    HARDWARE = "hardware"
    SOFTWARE = "software"
    OPPOSED = "opposed"
    OPPOSED_HOLD = "opposed-hold"
    """On the opposition list, in a service that chose to hold such sheets."""


class CpsState(StrEnum):
    """Whether the professional can sign."""

    USABLE = "usable"
    UNUSABLE = "unusable"


class Performer(StrEnum):
    """Who did the act."""

    SERVICE = "service"
    DELEGATED = "delegated"


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the channel of one act depends on."""

    subject: Subject
    identity: Identity
    payer: Payer
    vitale: VitaleState
    cps: CpsState
    performer: Performer


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """
    What a service has chosen, or its convention left open; by default the convention 2023-212, read strictly.

    ``hold_opposed``: hold the sheet of an opposed card instead of sending it degraded. ``adult_screening``: form 709
    for every adult who asks. ``minor_contraception``: secrecy of minors over a degraded sheet (outside 2023-212).
    ``excluded_acts``: codes of the act table that this convention does not pay.
    """

    hold_opposed: bool = False
    adult_screening: bool = False
    minor_contraception: bool = False
    excluded_acts: frozenset[str] = frozenset()


_VITALE = {
    CardInReader.PRESENT: VitaleState.USABLE,
    CardInReader.ABSENT: VitaleState.ABSENT,
    CardInReader.UNREADABLE: VitaleState.HARDWARE,
    CardInReader.SOFTWARE_FAILURE: VitaleState.SOFTWARE,
}


def situation_of(
    encounter: Encounter,
    act: ActFact,
    subject: str | None,
    *,
    in_convention: bool,
    opposed: bool,
    policy: ChannelPolicy,
) -> Situation:
    """
    Return the situation of ``act`` in ``encounter``.

    ``subject`` is what the act table says of the code (None: not in the table); ``opposed``: the Vitale in the reader
    is on the opposition list; ``policy``: what the service has chosen.
    """
    vitale = _VITALE[encounter.vitale]
    if opposed and vitale is VitaleState.USABLE:
        vitale = VitaleState.OPPOSED_HOLD if policy.hold_opposed else VitaleState.OPPOSED
    about = _subject(subject, act, policy)
    identity = _identity(encounter, policy if about is Subject.IST else None)
    if identity is Identity.SECRET and not policy.minor_contraception and about is Subject.CONTRACEPTION:
        about = Subject.ORDINARY  # a consultation like any other where this secrecy is not provided
    payer = Payer.CONVENTION if in_convention else Payer.ELSEWHERE
    return Situation(
        subject=about,
        identity=identity,
        payer=payer if act.financed_by is None else Payer.FINANCED,
        vitale=vitale,
        cps=CpsState.USABLE if encounter.cps == "present" else CpsState.UNUSABLE,
        performer=Performer(act.by),
    )


def _subject(subject: str | None, act: ActFact, policy: ChannelPolicy) -> Subject:
    if subject is None or act.code in policy.excluded_acts:
        return Subject.UNKNOWN
    return {member.value: member for member in Subject}.get(subject, Subject.ORDINARY)


def _identity(encounter: Encounter, screening: ChannelPolicy | None) -> Identity:
    """Return whether the patient may be named; ``screening`` is the policy when the act is the screening of an IST."""
    match encounter.patient:
        case AnonymousPatient(minor=minor, without_rights=without_rights):
            of_right = minor or without_rights or (screening is not None and screening.adult_screening)
            return Identity.ANONYMOUS if of_right else Identity.ON_REQUEST
        case SecretPatient():
            return Identity.SECRET
    return Identity.IDENTIFIED
