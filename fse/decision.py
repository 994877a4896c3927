"""
From facts to what becomes of them: route and price each act, then group what belongs on one document.

One encounter may split: a sheet has one nature d'assurance and one titre of the convention, a vaccine goes on its own
form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import schemas
from fse.act_window import add_months
from fse.cumulation import check_cumulation
from fse.encounter import AnonymousPatient, EncounterError, IdentifiedPatient, SecretPatient
from fse.identifiers import Nir
from fse.maternity import is_newborn
from fse.pricing import PricedAct, PricingError, PricingQuestion, price
from fse.routing import Outcome, Row, route
from fse.rules import rule
from fse.sheet import Beneficiary, Cause, Illness, Line, Maternity, MaternityFrom, Mode, Professional, Sheet
from fse.situation import ChannelPolicy, Identity, Subject, situation_of
from fse.vaccines import price_vaccine

if TYPE_CHECKING:
    from datetime import date

    from fse.encounter import ActFact, Encounter
    from fse.errors import FseError
    from fse.situation import Situation
    from fse.tables import Tables

__all__ = ["Decision", "decide", "draw_up", "maternity_of", "secret_nir"]

_PRICED = frozenset({Outcome.SECURED, Outcome.DEGRADED, Outcome.PLAIN_PAPER, Outcome.FORM_708})
_PRICE_REFUSED = "price"
_FREED_BY_A_TABLE = "VACCINE-MARKET"
_MONTHS_IN_YEAR = 12


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What becomes of some acts of an encounter: one outcome, one document.

    ``priced`` stands beside ``acts`` when the document carries prices. ``refusal`` is the broken rule of a refusal, or
    what a held act waits for.
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
    encounter: Encounter, tables: Tables, *, opposed: bool = False, policy: ChannelPolicy | None = None
) -> tuple[Decision, ...]:
    """
    Return the outcome of every act of ``encounter``, grouped by document, in the order of the acts.

    ``opposed``: the Vitale in the reader is on the opposition list; ``policy``: what the service has chosen, else the
    convention read strictly. Refusals are decisions, not exceptions: each carries its rule.
    """
    chosen = policy or ChannelPolicy()
    groups: dict[object, list[tuple[ActFact, PricedAct | None]]] = {}
    rows: dict[object, tuple[Outcome, Row | None, FseError | None]] = {}
    billed: list[ActFact] = []
    for index, act in enumerate(encounter.acts):
        situation = _situation(encounter, act, tables, opposed=opposed, policy=chosen)
        row = route(situation)
        key: tuple[object, ...] = (row.outcome, row.reason)
        verdict: tuple[Outcome, Row | None, FseError | None] = (row.outcome, row, None)
        priced = None
        if row.outcome is Outcome.RECAP and act.invoice is None:
            verdict = (Outcome.REFUSED, None, EncounterError("DELEGATED-INVOICE", code=act.code))
            key = (_PRICE_REFUSED, index)
        elif row.rule:
            verdict = (row.outcome, row, _refusal(row, encounter, act, tables))
            key += (index,)
        elif row.outcome in _PRICED:
            try:
                priced = _price(encounter, act, situation, tables, billed)
            except PricingError as error:
                held = error.rule.id == _FREED_BY_A_TABLE
                verdict = (Outcome.HELD if held else Outcome.REFUSED, None, error)
                key = (_PRICE_REFUSED, index)
            else:
                billed.append(act)
                if situation.subject is not Subject.VACCINE:
                    key += (priced.nature, priced.titre)
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


def secret_nir(organism: str) -> str:
    """
    Return the number that stands for a minor whose contraception is secret: 2 55 55 55, caisse, 042.

    Source: fmfpro.org, urps-ml-paca.org (decree of 29 June 2016).
    """
    return f"2555555{organism[2:5]}042"


def draw_up(  # noqa: PLR0913 - everything that a sheet says beside the facts, handed in
    decision: Decision,
    encounter: Encounter,
    *,
    number: int,
    order: int,
    day: date,
    biller: str,
    specification: str,
    anonymous_organism: str,
    since: date | None = None,
) -> Sheet:
    """
    Return the sheet of a decision whose outcome is an electronic sheet.

    ``number`` is the reserved FSE number, ``order`` the rank within ``day``, the day of drawing up;
    ``anonymous_organism`` pays for a minor whose name stays secret; ``since`` is the day on which a rejection was
    received, when this sheet corrects another: its delay counts from there (our reading of CSS R161-42 10°). Raises
    :class:`fse.encounter.EncounterError`: ENC-MATERNITY when maternity care has no date to count from,
    ROUTE-ANONYMOUS for an anonymous patient.
    """
    insured, beneficiary, organism = _who(encounter, anonymous_organism)
    exemptions = {act.exemption for act in decision.priced}
    shared = exemptions.pop() if len(exemptions) == 1 else None
    who = encounter.professional
    return Sheet(
        number=number,
        drawn_up_on=day,
        order=order,
        delay_from=max([encounter.day_of(act) for act in decision.acts] + ([since] if since else [])),
        specification=specification,
        mode=decision.mode,
        titre=decision.priced[0].titre,
        insured=insured,
        beneficiary=beneficiary,
        organism=organism,
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


def _price(
    encounter: Encounter, act: ActFact, situation: Situation, tables: Tables, billed: list[ActFact]
) -> PricedAct:
    """Return the price of ``act``; raises :class:`fse.price_refusal.PricingError` when it is not billed so."""
    question = _question(encounter, act)
    line = next(iter(tables.acts.acts(act.code)), None)
    if situation.subject is Subject.VACCINE and line is not None:
        return price_vaccine(question, line, tables.vaccines)
    if situation.identity is Identity.SECRET:
        _check_secret(question)
    day = question.on
    before = [one.code for one in billed if encounter.day_of(one) == day]
    others = [
        one.code for one in encounter.acts if one is not act and encounter.day_of(one) == day and one.by == act.by
    ]
    priced = price(question, tables.acts)
    check_cumulation(act.code, day, before, others)
    return priced


def _check_secret(question: PricingQuestion) -> None:
    """Raise PRICING-SECRET unless the minor is of the age to which secrecy of contraception is open."""
    readings = schemas.read_toml("tables/pricing.toml")["secret"]
    first, end = readings["from_years"], readings["below_years"]
    born = question.beneficiary_birth_date
    opens, closes = (born and add_months(born, years * _MONTHS_IN_YEAR) for years in (first, end))
    if opens is None or closes is None or not opens <= question.on < closes:
        raise PricingError("PRICING-SECRET", code=question.code, on=question.on, first=first, last=end - 1)


def _situation(
    encounter: Encounter, act: ActFact, tables: Tables, *, opposed: bool, policy: ChannelPolicy
) -> Situation:
    patient, in_convention = encounter.patient, True
    if isinstance(patient, IdentifiedPatient):
        caisse = tables.caisses.find(patient.organism, encounter.day_of(act))
        in_convention = caisse is not None and caisse.in_convention
    return situation_of(
        encounter, act, tables.acts.subject(act.code), in_convention=in_convention, opposed=opposed, policy=policy
    )


def _question(encounter: Encounter, act: ActFact) -> PricingQuestion:
    who, on = encounter.professional, encounter.day_of(act)
    record = encounter.referent_midwife
    return PricingQuestion(
        code=act.code,
        on=on,
        profession=who.profession,
        quantity=act.quantity,
        beneficiary_birth_date=encounter.patient_birth_date,
        pregnancy_start=encounter.pregnancy_start,
        delivery_date=encounter.delivery_date,
        weeks_of_pregnancy=act.weeks_of_pregnancy,
        pediatrician=who.pediatrician,
        titre=act.titre,
        local_scheme=isinstance(encounter.patient, IdentifiedPatient) and encounter.patient.local_scheme,
        referent=(
            record is not None
            and (record.rpps, record.chosen_by_woman, record.accepted) == (who.rpps, True, True)
            and record.designated_on <= on
        ),
        cip=act.cip,
    )


def _refusal(row: Row, encounter: Encounter, act: ActFact, tables: Tables) -> EncounterError:
    patient = encounter.patient
    organism = patient.organism if isinstance(patient, IdentifiedPatient) else ""
    caisse = tables.caisses.find(organism, encounter.day_of(act))
    name = tables.organisms.name_of(organism) if caisse is None else caisse.name
    facts = {"code": act.code, "organism": organism, "payer": act.financed_by, "name": f"({name or '?'})"}
    return EncounterError(row.rule, **{name: facts[name] for name in rule(row.rule).fact_names})


def _who(encounter: Encounter, anonymous_organism: str) -> tuple[Nir, Beneficiary | None, str]:
    """Return insured, beneficiary and the body that pays."""
    match encounter.patient:
        case AnonymousPatient():
            raise EncounterError("ROUTE-ANONYMOUS", code=encounter.acts[0].code)
        case SecretPatient(birth_date=born):
            return (
                Nir.parse(secret_nir(anonymous_organism)),
                Beneficiary(birth_date=born, birth_rank=1),
                anonymous_organism,
            )
        case patient:
            return Nir.parse(patient.insured.nir), _beneficiary(patient), patient.organism


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
    found = maternity_of(encounter, decision)
    if found is None:
        raise EncounterError("ENC-MATERNITY")
    return found


def maternity_of(encounter: Encounter, decision: Decision) -> Maternity | None:
    """Return what maternity care counts from: birth, delivery, else the presumed start; None when no date is known."""
    newborn = is_newborn(_question(encounter, decision.acts[0]).facts)
    delivery = encounter.patient_birth_date if newborn else encounter.delivery_date
    if delivery is not None:
        return Maternity(MaternityFrom.DELIVERY, delivery)
    if encounter.pregnancy_start is not None:
        return Maternity(MaternityFrom.PREGNANCY_START, encounter.pregnancy_start)
    return None
