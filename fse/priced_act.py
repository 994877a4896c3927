"""A question of price, and its answer with the reason for each number."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import schemas
from fse.act_window import CaseFacts

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

__all__ = ["Nature", "PricedAct", "PricingQuestion", "Reason", "part_of", "reason"]

Nature = Literal["maladie", "maternite"]

_WHOLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingQuestion:
    """
    What is known of one act; ``on`` is the day when it was done.

    ``pregnancy_start`` is the date présumée de début de grossesse; ``weeks_of_pregnancy`` the week in progress, 1
    being the first (6 and 7 for a drug forfait «6th and 7th weeks»), counted from ``pregnancy_start`` when absent.
    ``profession`` is ``medecin``, ``sage-femme`` or ``infirmier``. ``titre`` is that of the convention when it is not
    the table's; ``local_scheme``: a member of the régime local d'Alsace-Moselle; ``referent``: whether the performer
    is the recorded sage-femme référente; ``cip`` names a vaccine.
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
    titre: str | None = None
    local_scheme: bool = False
    referent: bool = True
    cip: str | None = None

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
    """One short sentence of the explanation, and where it comes from; ``name`` is its key in the pricing table."""

    name: str
    fr: str
    en: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedAct:
    """
    The price of an act, in euro cents.

    ``letter`` and ``coefficient`` are what the sheet prints (C 2.5 for the code EPP). ``cents`` = ``unit_cents`` x
    ``quantity``; ``amo_cents`` is the part of the compulsory insurance, rounded half up to the cent once for the
    line; ``complement_cents`` is the rest, asked from nobody here. ``certainty`` is that of the table's amount; ``cip``
    names a vaccine.
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
    cip: str | None = None


def part_of(cents: int, rate_percent: int) -> int:
    """Return that part of an amount in cents, rounded half up to the cent (``[rounding]`` of the pricing table)."""
    return (cents * rate_percent + _WHOLE // 2) // _WHOLE


def reason(name: str, source: str = "", **facts: object) -> Reason:
    """Return a sentence of ``schemas/tables/pricing.toml`` with its facts; ``source`` when it is not its own."""
    words = schemas.read_toml("tables/pricing.toml")["reason"][name]
    return Reason(name, words["fr"].format(**facts), words["en"].format(**facts), source or words["source"])
