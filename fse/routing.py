"""
One outcome per act, from one table.

The table is read as a whole: its rows exclude each other whatever their order, and together they answer every
situation. Sources: convention Pas-de-Calais 2023-212 articles 3 to 10 and its Annexe 1.2; CSS R161-43; form 708.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.encounter import AnonymousPatient, CardInReader

if TYPE_CHECKING:
    from fse.encounter import ActFact, Encounter

__all__ = [
    "ROWS",
    "CpsState",
    "Identity",
    "Outcome",
    "Payer",
    "Performer",
    "Row",
    "Situation",
    "Subject",
    "VitaleState",
    "route",
    "situation_of",
]


class Outcome(StrEnum):
    """What becomes of an act."""

    SECURED = "secured"
    DEGRADED = "degraded"
    PLAIN_PAPER = "plain-paper"
    FORM_708 = "form-708"
    FORM_709 = "form-709"
    RECAP = "recap"
    HELD = "held"
    REFUSED = "refused"


class Subject(StrEnum):
    """What the act is about, as far as the channel depends on it."""

    ORDINARY = "ordinary"
    VACCINE = "vaccine"
    IVG = "ivg"
    IST = "ist"
    UNKNOWN = "unknown"
    """The act is not in the table."""


class Identity(StrEnum):
    """Whether the patient may be named."""

    IDENTIFIED = "identified"
    ANONYMOUS = "anonymous"


class Payer(StrEnum):
    """Whether the patient's own body is a party to the convention."""

    CONVENTION = "convention"
    ELSEWHERE = "elsewhere"


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


@dataclass(frozen=True, slots=True)
class Row:
    """
    One row: where it applies, what follows, and why.

    An empty set means «whatever»; ``rule`` is the id of the refusal, ``cause`` the cause of a degraded sheet in the
    words of the signed XML, ``reason`` the key of the sentence in ``schemas/wording.toml``.
    """

    outcome: Outcome
    reason: str
    source: str
    subjects: frozenset[Subject] = frozenset()
    identities: frozenset[Identity] = frozenset()
    payers: frozenset[Payer] = frozenset()
    vitales: frozenset[VitaleState] = frozenset()
    cps: frozenset[CpsState] = frozenset()
    performers: frozenset[Performer] = frozenset()
    rule: str = ""
    cause: str = ""

    def matches(self, situation: Situation) -> bool:
        """Tell whether this row is the one for ``situation``."""
        asked = (
            (self.subjects, situation.subject),
            (self.identities, situation.identity),
            (self.payers, situation.payer),
            (self.vitales, situation.vitale),
            (self.cps, situation.cps),
            (self.performers, situation.performer),
        )
        return all(not allowed or value in allowed for allowed, value in asked)


_KNOWN = frozenset(Subject) - {Subject.UNKNOWN}
_BILLED = frozenset({Subject.ORDINARY, Subject.IVG, Subject.IST})
_NAMED = frozenset({Identity.IDENTIFIED})
_SECRET = frozenset({Identity.ANONYMOUS})
_OURS = frozenset({Payer.CONVENTION})
_HERE = frozenset({Performer.SERVICE})


def _sheet(outcome: Outcome, vitale: VitaleState, source: str, cause: str = "") -> Row:
    return Row(
        outcome,
        f"{outcome}-{vitale}",
        source,
        subjects=_BILLED,
        identities=_NAMED,
        payers=_OURS,
        vitales=frozenset({vitale}),
        cps=frozenset({CpsState.USABLE}),
        performers=_HERE,
        cause=cause,
    )


ROWS: tuple[Row, ...] = (
    Row(
        Outcome.REFUSED, "act-unknown", "convention art. 4, 8", subjects=frozenset({Subject.UNKNOWN}), rule="ROUTE-ACT"
    ),
    Row(
        Outcome.REFUSED,
        "affiliation",
        "convention art. 3, 7",
        subjects=_KNOWN,
        identities=_NAMED,
        payers=frozenset({Payer.ELSEWHERE}),
        rule="ROUTE-AFFILIATION",
    ),
    Row(
        Outcome.REFUSED,
        "anonymity-not-provided",
        "convention art. 10.3",
        subjects=frozenset({Subject.ORDINARY, Subject.VACCINE}),
        identities=_SECRET,
        performers=_HERE,
        rule="ROUTE-ANONYMOUS",
    ),
    Row(
        Outcome.PLAIN_PAPER,
        "ivg-anonymous",
        "convention art. 10.3.1",
        subjects=frozenset({Subject.IVG}),
        identities=_SECRET,
        performers=_HERE,
    ),
    Row(
        Outcome.FORM_709,
        "ist-anonymous",
        "convention art. 10.3.2; CSP L2311-5",
        subjects=frozenset({Subject.IST}),
        identities=_SECRET,
        performers=_HERE,
    ),
    Row(
        Outcome.RECAP,
        "delegated-anonymous",
        "convention art. 10.3.3",
        subjects=_KNOWN,
        identities=_SECRET,
        performers=frozenset({Performer.DELEGATED}),
    ),
    Row(
        Outcome.RECAP,
        "delegated",
        "convention art. 6.3",
        subjects=_KNOWN,
        identities=_NAMED,
        payers=_OURS,
        performers=frozenset({Performer.DELEGATED}),
    ),
    Row(
        Outcome.FORM_708,
        "vaccine",
        "convention art. 6.2, annexe 1.3",
        subjects=frozenset({Subject.VACCINE}),
        identities=_NAMED,
        payers=_OURS,
        performers=_HERE,
    ),
    Row(
        Outcome.PLAIN_PAPER,
        "cps-unusable",
        "convention art. 6.2",
        subjects=_BILLED,
        identities=_NAMED,
        payers=_OURS,
        cps=frozenset({CpsState.UNUSABLE}),
        performers=_HERE,
    ),
    _sheet(Outcome.SECURED, VitaleState.USABLE, "protocol art. 5; CSS R161-43"),
    _sheet(Outcome.DEGRADED, VitaleState.ABSENT, "protocol art. 6", "sans-carte"),
    _sheet(Outcome.DEGRADED, VitaleState.HARDWARE, "protocol art. 6", "materiel"),
    _sheet(Outcome.DEGRADED, VitaleState.SOFTWARE, "protocol art. 6", "logiciel"),
    _sheet(Outcome.DEGRADED, VitaleState.OPPOSED, "protocol art. 7 (our policy)", "carte-opposee"),
    _sheet(Outcome.HELD, VitaleState.OPPOSED_HOLD, "protocol art. 7 (our policy)"),
)
"""The routing table."""


def route(situation: Situation) -> Row:
    """Return the one row for ``situation``."""
    (row,) = (row for row in ROWS if row.matches(situation))
    return row


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
    hold_opposed: bool = False,
) -> Situation:
    """
    Return the situation of ``act`` in ``encounter``.

    ``subject`` is what the act table says of the code (None: not in the table); ``opposed``: the Vitale in the reader
    is on the opposition list; ``hold_opposed``: the service holds such sheets instead of sending them degraded.
    """
    vitale = _VITALE[encounter.vitale]
    if opposed and vitale is VitaleState.USABLE:
        vitale = VitaleState.OPPOSED_HOLD if hold_opposed else VitaleState.OPPOSED
    subjects = {member.value: member for member in Subject}
    return Situation(
        subject=Subject.UNKNOWN if subject is None else subjects.get(subject, Subject.ORDINARY),
        identity=Identity.ANONYMOUS if isinstance(encounter.patient, AnonymousPatient) else Identity.IDENTIFIED,
        payer=Payer.CONVENTION if in_convention else Payer.ELSEWHERE,
        vitale=vitale,
        cps=CpsState.USABLE if encounter.cps == "present" else CpsState.UNUSABLE,
        performer=Performer(act.by),
    )
