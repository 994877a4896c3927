"""
The price of one act: what the table says, whole cents, the part of the compulsory insurance, and why.

A PMI never asks the patient for money: what the insurance does not pay stays in ``complement_cents``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import schemas
from fse.act_window import CaseFacts
from fse.maternity import MaternityPeriod, Moment, is_newborn
from fse.price_refusal import PricingError, refusal

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from fse.act_table import ActLine, ActTable

__all__ = ["Nature", "PricedAct", "PricingError", "PricingQuestion", "Reason", "price"]

Nature = Literal["maladie", "maternite"]

_LARGEST_QUANTITY = 99
_WHOLE = 100
_MATERNITY = "30"
_NATURES: dict[str, Nature] = {"10": "maladie", _MATERNITY: "maternite"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingQuestion:
    """
    What is known of one act; ``on`` is the day when it was done.

    ``pregnancy_start`` is the date présumée de début de grossesse; ``weeks_of_pregnancy`` the week in progress, 1
    being the first (6 and 7 for a drug forfait «6th and 7th weeks»), counted from ``pregnancy_start`` when absent.
    ``profession`` is ``medecin``, ``sage-femme`` or ``infirmier``.
    """

    code: str
    on: date
    profession: str
    quantity: int = 1
    beneficiary_birth_date: date | None = None
    pregnancy_start: date | None = None
    delivery_date: date | None = None
    weeks_of_pregnancy: int | None = None
    pediatrician: bool = False

    @property
    def facts(self) -> CaseFacts:
        """Return what the windows of the table look at."""
        return CaseFacts(
            on=self.on,
            birth_date=self.beneficiary_birth_date,
            delivery_date=self.delivery_date,
            pregnancy_start=self.pregnancy_start,
            week=self.weeks_of_pregnancy,
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """One short sentence of the explanation, and where it comes from."""

    fr: str
    en: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedAct:
    """
    The price of an act, in euro cents.

    ``letter`` and ``coefficient`` are what the sheet prints (C 2.5 for the code EPP). ``cents`` = ``unit_cents`` x
    ``quantity``; ``amo_cents`` is the part of the compulsory insurance, rounded half up to the cent once for the
    line; ``complement_cents`` is the rest, asked from nobody here. ``certainty`` is that of the table's amount.
    """

    code: str
    label: str
    letter: str
    coefficient: Decimal | None
    subject: str
    titre: str
    quantity: int
    unit_cents: int
    cents: int
    rate_percent: int
    nature: Nature
    exemption: str
    amo_cents: int
    complement_cents: int
    patient_cents: int = field(default=0, init=False)
    certainty: str
    reasons: tuple[Reason, ...]


def price(question: PricingQuestion, table: ActTable) -> PricedAct:
    """
    Return the price of an act done by the service.

    :raises PricingError: ``PRICING-UNKNOWN`` (outside the table), ``PRICING-PERIOD`` (not in force),
        ``PRICING-PROFESSION``, ``PRICING-PEDIATRICIAN``, ``PRICING-AGE``, ``PRICING-WEEK``, ``PRICING-DELIVERY``,
        ``PRICING-FACT`` (a fact is missing), ``PRICING-PAPER`` (paid on another form), ``PRICING-DATES``,
        ``PRICING-PREGNANCY`` (too long without a delivery), ``PRICING-QUANTITY``.
    """
    _check_question(question)
    facts = question.facts
    line = table.find(question.code, question.profession, facts, pediatrician=question.pediatrician)
    if line is None:
        raise refusal(question, table)
    if line.cents is None or line.rate_percent is None:
        raise PricingError("PRICING-PAPER", code=line.code, form="708" if line.subject == "vaccine" else "709")
    nature, rate, why = _cover(line, line.rate_percent, question)
    cents = line.cents * question.quantity
    amo = (cents * rate + _WHOLE // 2) // _WHOLE
    euros, rest = divmod(line.cents, 100)
    tariff = _reason("tariff", line.source, code=line.code, euros=euros, cents=rest, on=question.on)
    return PricedAct(
        code=line.code,
        label=line.label,
        letter=line.letter,
        coefficient=line.coefficient,
        subject=line.subject,
        titre=line.titre,
        quantity=question.quantity,
        unit_cents=line.cents,
        cents=cents,
        rate_percent=rate,
        nature=nature,
        exemption=line.exemption,
        amo_cents=amo,
        complement_cents=cents - amo,
        certainty=line.certainty,
        reasons=(tariff, *why, _reason("third-party")),
    )


def _check_question(question: PricingQuestion) -> None:
    if not 1 <= question.quantity <= _LARGEST_QUANTITY:
        raise PricingError("PRICING-QUANTITY", code=question.code, quantity=question.quantity, limit=_LARGEST_QUANTITY)
    born, start, delivery = question.beneficiary_birth_date, question.pregnancy_start, question.delivery_date
    if born is not None and born > question.on:
        facts = {"field": "beneficiary_birth_date", "first": question.on, "then": born}
        raise PricingError("PRICING-DATES", code=question.code, **facts)
    if start is not None and delivery is not None and start > delivery:
        facts = {"field": "pregnancy_start", "first": delivery, "then": start}
        raise PricingError("PRICING-DATES", code=question.code, **facts)


def _cover(line: ActLine, rate: int, question: PricingQuestion) -> tuple[Nature, int, tuple[Reason, ...]]:
    """Return nature, rate and reasons: those of the line, unless the maternity period or a newborn changes them."""
    own: Nature = _NATURES[line.nature]
    readings = schemas.read_toml("tables/pricing.toml")
    reasons = (_reason("table-nature", line.source, nature=readings["nature"][own], rate=rate),)
    if line.nature == _MATERNITY or line.titre != "I":
        return own, rate, reasons
    if line.subject in readings["newborn"]["subjects"] and is_newborn(question.facts):
        return "maternite", _WHOLE, (_reason("newborn"),)
    period = MaternityPeriod.of(question.facts)
    if line.subject not in readings["maternity"]["subjects"] or period.first is None:
        return own, rate, reasons
    moment = period.moment(question.on)
    if moment is Moment.UNKNOWN:
        raise PricingError("PRICING-PREGNANCY", code=line.code, on=question.on, start=question.pregnancy_start)
    if moment is Moment.WITHIN:
        return "maternite", _WHOLE, (_reason("maternity"),)
    day = period.first if moment is Moment.BEFORE else period.last
    return own, rate, (*reasons, _reason(moment.value, day=day))


def _reason(name: str, source: str = "", **facts: object) -> Reason:
    words = schemas.read_toml("tables/pricing.toml")["reason"][name]
    return Reason(words["fr"].format(**facts), words["en"].format(**facts), source or words["source"])
