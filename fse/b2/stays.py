"""The lines of type 3 and what follows them (norme B2). Fields as in ``schemas/b2/stays.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from fse.b2.record import OfInvoice, OfLine

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Stay", "StayDevice", "StayIds", "StayMedicine", "StayMore"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Stay(OfInvoice):
    """A line of type 3: stay or forfait, amounts in cents."""

    type: ClassVar[str] = "3"

    treatment: str | None = None
    discipline: str | None = None
    start_on: date
    end_on: date | None = None
    act: str
    quantity: int = 0
    exemption: str | None = None
    coefficient: Decimal = Decimal(0)
    daily_fee: str | None = None
    mco_coefficient: Decimal = Decimal(0)
    unit_price: int = 0
    base: int = 0
    rate: int = 0
    amo: int = 0
    expense: int = 0
    ghs: str | None = None
    funding_rate: int = 0
    participation: str | None = None
    qualifier: str | None = None
    domain: str | None = None
    amc: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StayMore(OfInvoice):
    """A line of type 3, continued: prescriber, prior agreement, place."""

    type: ClassVar[str] = "3S"

    sequence: int = 1
    prescriber: str | None = None
    exercise: str | None = None
    specialty: str | None = None
    prescribed_on: date | None = None
    agreement_on: date | None = None
    agreement: str | None = None
    place: str | None = None
    end_nature: str | None = None
    network: str | None = None
    technical_order: str | None = None
    device: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StayIds(OfInvoice):
    """A line of type 3, continued: RPPS and structure of the prescriber."""

    type: ClassVar[str] = "3E"

    sequence: int = 1
    prescriber_rpps: str | None = None
    prescriber_structure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StayDevice(OfLine):
    """A medical device (LPP) of a line of type 3, amounts in cents."""

    type: ClassVar[str] = "3F"

    sequence: int = 1
    sesam: str | None = None
    lpp: str
    maker: str | None = None
    quantity: int = 0
    reference: int = 0
    total: int = 0
    purchase: int = 0
    unit_gap: int = 0
    gap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StayMedicine(OfLine):
    """A medicine (UCD) of a line of type 3, amounts in cents."""

    type: ClassVar[str] = "3H"

    sequence: int = 1
    sesam: str | None = None
    ucd: str
    fraction: Decimal = Decimal(0)
    purchase: int = 0
    unit_gap: int = 0
    gap: int = 0
    quantity: int = 0
    total: int = 0
