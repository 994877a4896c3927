"""
The price of one act: what the table says, whole cents, the part of the compulsory insurance, and why.

A PMI never asks the patient for money: what the insurance does not pay stays in ``complement_cents``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import schemas
from fse.act_window import add_months
from fse.maternity import MaternityPeriod, Moment, is_newborn
from fse.price_refusal import PricingError, refusal
from fse.priced_act import Nature, PricedAct, PricingQuestion, Reason, part_of, reason

if TYPE_CHECKING:
    from fse.act_table import ActLine, ActTable

__all__ = ["Nature", "PricedAct", "PricingError", "PricingQuestion", "Reason", "price"]

_LARGEST_QUANTITY = 99
_WHOLE = 100
_MATERNITY = "30"
_NATURES: dict[str, Nature] = {"10": "maladie", _MATERNITY: "maternite"}
_MONTHS_IN_YEAR = 12


def price(question: PricingQuestion, table: ActTable) -> PricedAct:
    """
    Return the price of an act done by the service.

    :raises PricingError: ``PRICING-UNKNOWN`` (outside the table), ``PRICING-PERIOD`` (not in force),
        ``PRICING-PROFESSION``, ``PRICING-PEDIATRICIAN``, ``PRICING-AGE``, ``PRICING-WEEK``, ``PRICING-DELIVERY``,
        ``PRICING-FACT`` (a fact is missing), ``PRICING-PAPER`` (paid on another form), ``PRICING-DATES``,
        ``PRICING-PREGNANCY`` (too long without a delivery), ``PRICING-QUANTITY``, ``PRICING-TITRE`` (another titre
        than the table's for what is no consultation), ``PRICING-CHILD`` (a child of six or more under titre I),
        ``PRICING-REFERENT`` (no recorded sage-femme référente).
    """
    _check_question(question)
    facts = question.facts
    if known := table.acts(question.code):
        _check_child(known[0], question)
    line = table.find(question.code, question.profession, facts, pediatrician=question.pediatrician)
    if line is None:
        raise refusal(question, table)
    if line.cents is None or line.rate_percent is None:
        raise PricingError("PRICING-PAPER", code=line.code, form="708" if line.subject == "vaccine" else "709")
    titre = _titre(line, question)
    nature, rate, why = _cover(line, titre, line.rate_percent, question)
    cents = line.cents * question.quantity
    amo = part_of(cents, rate)
    euros, rest = divmod(line.cents, 100)
    tariff = reason("tariff", line.source, code=line.code, euros=euros, cents=rest, on=question.on)
    return PricedAct(
        code=line.code,
        label=line.label,
        letter=line.letter,
        coefficient=line.coefficient,
        subject=line.subject,
        titre=titre,
        quantity=question.quantity,
        unit_cents=line.cents,
        cents=cents,
        rate_percent=rate,
        nature=nature,
        exemption=line.exemption,
        amo_cents=amo,
        complement_cents=cents - amo,
        certainty=line.certainty,
        reasons=(tariff, *why, reason("third-party")),
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


def _titre(line: ActLine, question: PricingQuestion) -> str:
    """Return the titre of the convention under which the act is billed, once its performer fits (CONV-02, D35-01)."""
    known = {"code": line.code, "on": question.on}
    readings = schemas.read_toml("tables/pricing.toml")
    titre = question.titre or line.titre
    if titre != line.titre and line.subject not in readings["titre"]["subjects"]:
        raise PricingError("PRICING-TITRE", **known, titre=line.titre)
    if line.code in readings["referent"]["codes"] and not question.referent:
        raise PricingError("PRICING-REFERENT", **known)
    return titre


def _check_child(line: ActLine, question: PricingQuestion) -> None:
    """Raise PRICING-CHILD for a minor from the sixth birthday on, neither pregnant nor delivered, under titre I."""
    ages = schemas.read_toml("tables/pricing.toml")["child"]
    born = question.beneficiary_birth_date
    expecting = question.pregnancy_start is not None or question.delivery_date is not None
    if (question.titre or line.titre) != "I" or line.subject not in ages["subjects"] or born is None or expecting:
        return
    sixth, grown = (add_months(born, ages[name] * _MONTHS_IN_YEAR) for name in ("under_years", "grown_years"))
    if sixth <= question.on < grown:
        raise PricingError("PRICING-CHILD", code=line.code, on=question.on, years=ages["under_years"])


def _cover(line: ActLine, titre: str, rate: int, question: PricingQuestion) -> tuple[Nature, int, tuple[Reason, ...]]:
    """Return nature, rate and reasons: the line's, unless maternity, a newborn or the régime local change them."""
    nature, found, reasons = _ordinary_cover(line, titre, rate, question)
    local = schemas.read_toml("tables/pricing.toml")["local_scheme"]["percent"]
    if question.local_scheme and nature == "maladie" and found < local:
        return nature, local, (*reasons, reason("local-scheme", rate=local))
    return nature, found, reasons


def _ordinary_cover(
    line: ActLine, titre: str, rate: int, question: PricingQuestion
) -> tuple[Nature, int, tuple[Reason, ...]]:
    """Return nature, rate and reasons: those of the line, unless the maternity period or a newborn changes them."""
    own: Nature = _NATURES[line.nature]
    readings = schemas.read_toml("tables/pricing.toml")
    reasons = (reason("table-nature", line.source, nature=readings["nature"][own], rate=rate),)
    if line.nature == _MATERNITY or titre != "I":
        return own, rate, reasons
    if line.subject in readings["newborn"]["subjects"] and is_newborn(question.facts):
        return "maternite", _WHOLE, (reason("newborn"),)
    period = MaternityPeriod.of(question.facts)
    if line.subject not in readings["maternity"]["subjects"] or period.first is None:
        return own, rate, reasons
    moment = period.moment(question.on)
    if moment is Moment.UNKNOWN:
        raise PricingError("PRICING-PREGNANCY", code=line.code, on=question.on, start=question.pregnancy_start)
    if moment is Moment.WITHIN:
        return "maternite", _WHOLE, (reason("maternity"),)
    day = period.first if moment is Moment.BEFORE else period.last
    return own, rate, (*reasons, reason(moment.value, day=day))
