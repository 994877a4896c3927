"""
One outcome per act, from one table.

The table is read as a whole: its rows exclude each other whatever their order, and together they answer every
situation. Sources: convention Pas-de-Calais 2023-212 articles 3 to 10 and its Annexe 1.2; CSS R161-43; form 708.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fse.situation import CpsState, Identity, Payer, Performer, Situation, Subject, VitaleState

__all__ = ["ROWS", "Outcome", "Row", "route"]


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
_BILLED = frozenset({Subject.ORDINARY, Subject.IVG, Subject.CONTRACEPTION})
_NAMED = frozenset({Identity.IDENTIFIED})
_ANONYMOUS = frozenset({Identity.ANONYMOUS, Identity.ON_REQUEST})
_SECRET = frozenset({Identity.SECRET})
_OURS = frozenset({Payer.CONVENTION})
_ANY_BODY = frozenset({Payer.CONVENTION, Payer.ELSEWHERE})
_HERE = frozenset({Performer.SERVICE})
_THERE = frozenset({Performer.DELEGATED})
_MINOR_SOURCE = "CSS L162-8-1, decree of 29 June 2016; law R4 (profile)"


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
        "financed-elsewhere",
        "convention art. 1; avenant PEGASE 2025-459",
        subjects=_KNOWN,
        payers=frozenset({Payer.FINANCED}),
        rule="ROUTE-FINANCED",
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
        subjects=frozenset({Subject.ORDINARY, Subject.VACCINE, Subject.CONTRACEPTION}),
        identities=_ANONYMOUS,
        payers=_ANY_BODY,
        performers=_HERE,
        rule="ROUTE-ANONYMOUS",
    ),
    Row(
        Outcome.PLAIN_PAPER,
        "ivg-anonymous",
        "convention art. 10.3.1",
        subjects=frozenset({Subject.IVG}),
        identities=_ANONYMOUS,
        payers=_ANY_BODY,
        performers=_HERE,
    ),
    Row(
        Outcome.FORM_709,
        "ist-anonymous",
        "convention art. 10.3.2; CSP L2311-5",
        subjects=frozenset({Subject.IST}),
        identities=frozenset({Identity.ANONYMOUS}),
        payers=_ANY_BODY,
        performers=_HERE,
    ),
    Row(
        Outcome.REFUSED,
        "ist-public",
        "convention art. 10.3.2; CSS R162-57",
        subjects=frozenset({Subject.IST}),
        identities=frozenset({Identity.ON_REQUEST}),
        payers=_ANY_BODY,
        performers=_HERE,
        rule="ROUTE-IST-PUBLIC",
    ),
    Row(
        Outcome.REFUSED,
        "ist-named",
        "convention art. 10.3.2; CSS R162-56",
        subjects=frozenset({Subject.IST}),
        identities=_NAMED,
        payers=_OURS,
        performers=_HERE,
        rule="ROUTE-IST-NAMED",
    ),
    Row(
        Outcome.REFUSED,
        "secret-not-provided",
        _MINOR_SOURCE,
        subjects=_KNOWN - {Subject.CONTRACEPTION},
        identities=_SECRET,
        payers=_ANY_BODY,
        performers=_HERE,
        rule="ROUTE-SECRET",
    ),
    Row(
        Outcome.DEGRADED,
        "secret",
        _MINOR_SOURCE,
        subjects=frozenset({Subject.CONTRACEPTION}),
        identities=_SECRET,
        payers=_ANY_BODY,
        cps=frozenset({CpsState.USABLE}),
        performers=_HERE,
        cause="secret",
    ),
    Row(
        Outcome.PLAIN_PAPER,
        "secret-paper",
        _MINOR_SOURCE,
        subjects=frozenset({Subject.CONTRACEPTION}),
        identities=_SECRET,
        payers=_ANY_BODY,
        cps=frozenset({CpsState.UNUSABLE}),
        performers=_HERE,
    ),
    Row(
        Outcome.RECAP,
        "delegated-anonymous",
        "convention art. 10.3.3",
        subjects=_KNOWN,
        identities=_ANONYMOUS | _SECRET,
        payers=_ANY_BODY,
        performers=_THERE,
    ),
    Row(
        Outcome.RECAP,
        "delegated",
        "convention art. 6.3",
        subjects=_KNOWN,
        identities=_NAMED,
        payers=_OURS,
        performers=_THERE,
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
