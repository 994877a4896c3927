"""
From facts to what becomes of them: route and price each act, then group what belongs on one document.

One encounter may split: a sheet has one nature d'assurance and one titre of the convention, a vaccine goes on its own
form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.encounter import AnonymousPatient, EncounterError
from fse.identifiers import Nir
from fse.maternity import is_newborn
from fse.pricing import PricedAct, PricingError, PricingQuestion, price
from fse.routing import Outcome, Row, route, situation_of
from fse.rules import rule
from fse.sheet import Beneficiary, Cause, Illness, Line, Maternity, MaternityFrom, Mode, Professional, Sheet

if TYPE_CHECKING:
    from datetime import date

    from fse.act_table import ActTable
    from fse.caisses import CaisseTable
    from fse.encounter import ActFact, Encounter, IdentifiedPatient
    from fse.errors import FseError
    from fse.routing import Situation

__all__ = ["Decision", "decide", "draw_up"]

_PRICED = frozenset({Outcome.SECURED, Outcome.DEGRADED, Outcome.PLAIN_PAPER})
_PRICE_REFUSED = "price"


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What becomes of some acts of an encounter: one outcome, one document.

    ``priced`` stands beside ``acts`` when the document carries prices. ``refusal`` is the broken rule of a refusal.
    """

    outcome: Outcome
    row: Row | None
    acts: tuple[ActFact, ...]
    priced: tuple[PricedAct, ...] = ()
    refusal: FseError | None = None

    @property
    def mode(self) -> Mode:
        """The mode of the sheet to draw up; only for the outcomes secured and degraded."""
        cause = self.row.cause if self.row else ""
        return Mode(Cause(cause) if cause else None)

    @property
    def total_cents(self) -> int:
        """The sum of the prices, in cents."""
        return sum(act.cents for act in self.priced)


def decide(
    encounter: Encounter, acts: ActTable, caisses: CaisseTable, *, opposed: bool = False, hold_opposed: bool = False
) -> tuple[Decision, ...]:
    """
    Return the outcome of every act of ``encounter``, grouped by document, in the order of the acts.

    ``opposed``: the Vitale in the reader is on the opposition list. Refusals are decisions, not exceptions: each
    carries its rule.
    """
    groups: dict[object, list[tuple[ActFact, PricedAct | None]]] = {}
    rows: dict[object, tuple[Outcome, Row | None, FseError | None]] = {}
    for index, act in enumerate(encounter.acts):
        row = route(_situation(encounter, act, acts, caisses, opposed=opposed, hold_opposed=hold_opposed))
        key: tuple[object, ...] = (row.outcome, row.reason)
        verdict: tuple[Outcome, Row | None, FseError | None] = (row.outcome, row, None)
        priced = None
        if row.rule:
            verdict = (row.outcome, row, _refusal(row, encounter, act))
            key += (index,)
        elif row.outcome in _PRICED:
            try:
                priced = price(_question(encounter, act), acts)
                key += (priced.nature, priced.titre)
            except PricingError as error:
                verdict, key = (Outcome.REFUSED, None, error), (_PRICE_REFUSED, index)
        groups.setdefault(key, []).append((act, priced))
        rows[key] = verdict
    return tuple(
        Decision(
            outcome=rows[key][0],
            row=rows[key][1],
            acts=tuple(act for act, _ in members),
            priced=tuple(priced for _, priced in members if priced is not None),
            refusal=rows[key][2],
        )
        for key, members in groups.items()
    )


def draw_up(
    decision: Decision, encounter: Encounter, *, number: int, order: int, day: date, biller: str, specification: str
) -> Sheet:
    """
    Return the sheet of a decision whose outcome is an electronic sheet.

    ``number`` is the reserved FSE number, ``order`` the rank within ``day``, the day of drawing up. Raises
    :class:`fse.encounter.EncounterError` (ENC-MATERNITY) when maternity care has no date to count from.
    """
    patient = _identified(encounter)
    exemptions = {act.exemption for act in decision.priced}
    shared = exemptions.pop() if len(exemptions) == 1 else None
    who = encounter.professional
    return Sheet(
        number=number,
        drawn_up_on=day,
        order=order,
        delay_from=max(encounter.day_of(act) for act in decision.acts),
        specification=specification,
        mode=decision.mode,
        titre=decision.priced[0].titre,
        insured=Nir.parse(patient.insured.nir),
        beneficiary=_beneficiary(patient),
        organism=patient.organism,
        professional=Professional(who.rpps, who.family_name, who.first_name, who.profession, encounter.site, biller),
        cover=_cover(encounter, decision, shared),
        lines=tuple(
            Line(
                on=encounter.day_of(act),
                code=priced.letter,
                quantity=priced.quantity,
                coefficient=priced.coefficient,
                fee_cents=priced.cents,
                rate_percent=priced.rate_percent,
                amo_cents=priced.amo_cents,
                exemption=None if shared is not None or priced.exemption == "0" else priced.exemption,
            )
            for act, priced in zip(decision.acts, decision.priced, strict=True)
        ),
    )


def _situation(
    encounter: Encounter, act: ActFact, acts: ActTable, caisses: CaisseTable, *, opposed: bool, hold_opposed: bool
) -> Situation:
    patient = encounter.patient
    caisse = None if isinstance(patient, AnonymousPatient) else caisses.find(patient.organism, encounter.day_of(act))
    return situation_of(
        encounter,
        act,
        acts.subject(act.code),
        in_convention=caisse is not None and caisse.in_convention,
        opposed=opposed,
        hold_opposed=hold_opposed,
    )


def _question(encounter: Encounter, act: ActFact) -> PricingQuestion:
    return PricingQuestion(
        code=act.code,
        on=encounter.day_of(act),
        profession=encounter.professional.profession,
        quantity=act.quantity,
        beneficiary_birth_date=encounter.patient_birth_date,
        pregnancy_start=encounter.pregnancy_start,
        delivery_date=encounter.delivery_date,
        weeks_of_pregnancy=act.weeks_of_pregnancy,
        pediatrician=encounter.professional.pediatrician,
    )


def _refusal(row: Row, encounter: Encounter, act: ActFact) -> EncounterError:
    organism = "" if isinstance(encounter.patient, AnonymousPatient) else encounter.patient.organism
    facts = {"code": act.code, "organism": organism}
    return EncounterError(row.rule, **{name: facts[name] for name in rule(row.rule).fact_names})


def _identified(encounter: Encounter) -> IdentifiedPatient:
    if isinstance(encounter.patient, AnonymousPatient):
        raise EncounterError("ROUTE-ANONYMOUS", code=encounter.acts[0].code)
    return encounter.patient


def _beneficiary(patient: IdentifiedPatient) -> Beneficiary | None:
    who = patient.beneficiary
    if who is None:
        return None
    if who.nir is not None:
        return Beneficiary(nir=Nir.parse(who.nir))
    return Beneficiary(birth_date=who.birth_date, birth_rank=who.birth_rank)


def _cover(encounter: Encounter, decision: Decision, exemption: str | None) -> Illness | Maternity:
    if decision.priced[0].nature == "maladie":
        return Illness(exemption or "0", encounter.accident_by_third_party)
    newborn = is_newborn(_question(encounter, decision.acts[0]).facts)
    delivery = encounter.patient_birth_date if newborn else encounter.delivery_date
    if delivery is not None:
        return Maternity(MaternityFrom.DELIVERY, delivery)
    if encounter.pregnancy_start is not None:
        return Maternity(MaternityFrom.PREGNANCY_START, encounter.pregnancy_start)
    raise EncounterError("ENC-MATERNITY")
