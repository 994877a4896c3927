"""The lines of type 4 and what follows them (norme B2). Fields as in ``schemas/b2/acts.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from fse.b2.record import OfInvoice, OfLine

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Act", "ActBiology", "ActCcam", "ActIds", "ActMedicine", "ActMore"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Act(OfInvoice):
    """A line of type 4: an act, amounts in cents."""

    type: ClassVar[str] = "4"

    treatment: str | None = None
    discipline: str | None = None
    prescriber: str | None = None
    origin: str | None = None
    exemption: str | None = None
    prescriber_specialty: str | None = None
    performer: str | None = None
    tariff_zone: str | None = None
    specialty: str | None = None
    care_on: date
    act: str
    quantity: int = 0
    coefficient: Decimal = Decimal(0)
    count: int = 0
    unit_price: int = 0
    base: int = 0
    rate: int = 0
    amo: int = 0
    fee: int = 0
    qualifier: str | None = None
    amc: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ActMore(OfLine):
    """An act, continued: conditions of exercise, prior agreement, device."""

    type: ClassVar[str] = "4S"

    sequence: int = 1
    exercise: str | None = None
    option: str | None = None
    theoretical_base: int = 0
    prescriber_exercise: str | None = None
    agreement_on: date | None = None
    agreement: str | None = None
    amo_forced: str | None = None
    place: str | None = None
    network: str | None = None
    amc_forced: str | None = None
    technical_order: str | None = None
    device: str | None = None
    ghs: str | None = None
    domain: str | None = None
    prevention: str | None = None
    prevention_qualifier: str | None = None
    participation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ActIds(OfLine):
    """An act, continued: RPPS and structures of prescriber and performer."""

    type: ClassVar[str] = "4E"

    sequence: int = 1
    prescriber_rpps: str | None = None
    prescriber_structure: str | None = None
    performer_rpps: str | None = None
    performer_structure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ActBiology(OfLine):
    """Five biology codes (NABM) of an act."""

    type: ClassVar[str] = "4B"

    sequence: int = 1
    sesam: str | None = None
    done_on: tuple[date | None, ...] = (None,) * 5
    quantity: tuple[int, ...] = (0,) * 5
    nabm: tuple[str | None, ...] = (None,) * 5


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ActMedicine(OfLine):
    """A medicine (UCD) of an act, amounts in cents."""

    type: ClassVar[str] = "4H"

    sequence: int = 1
    sesam: str | None = None
    ucd: str
    fraction: Decimal = Decimal(0)
    reconstitution: int = 0
    margin: int = 0
    unit_price: int = 0
    quantity: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ActCcam(OfLine):
    """The CCAM code of an act."""

    type: ClassVar[str] = "4M"

    sequence: int = 1
    sesam: str | None = None
    ccam: str
    extension: str | None = None
    activity: str | None = None
    phase: int = 0
    modifiers: tuple[str | None, ...] = (None,) * 4
    association: str | None = None
    conditional: str | None = None
    done_on: date | None = None
    teeth: tuple[str | None, ...] = (None,) * 16
    supplement: str | None = None
    complementary_modifiers: tuple[str | None, ...] = (None,) * 4
