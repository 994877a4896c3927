"""
The sheet (FSE): the items of the arrêté du 9 avril 1998, as values.

One insured person, one beneficiary, one biller, one nature d'assurance, act lines. Amounts are whole euro cents.
A sheet is made from facts and prices, written by ``fse.sheet_xml``, then sealed and never changed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from fse.errors import FseError
from fse.identifiers import Nir, NirKind, check_finess, check_rpps

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

__all__ = [
    "Accident",
    "Beneficiary",
    "Cause",
    "Illness",
    "Imaging",
    "Line",
    "Maternity",
    "MaternityFrom",
    "Mode",
    "Prescriber",
    "Professional",
    "Sheet",
    "SheetError",
    "check_sheet",
]


class SheetError(FseError):
    """A sheet whose items contradict each other or an identifier's rules."""


class Cause(StrEnum):
    """Why a sheet is degraded, in the words of the XML (protocol art. 6; the last two are the simulator's policy)."""

    NO_CARD = "sans-carte"
    HARDWARE = "materiel"
    SOFTWARE = "logiciel"
    CARD_OPPOSED = "carte-opposee"
    SECRET = "secret"  # noqa: S105 - a word of the field, not a password


@dataclass(frozen=True, slots=True)
class Mode:
    """How a sheet is signed: secured (both cards) when ``cause`` is None, else degraded for that cause."""

    cause: Cause | None = None

    @property
    def secured(self) -> bool:
        """Whether both cards sign."""
        return self.cause is None

    @property
    def kind(self) -> str:
        """``securise`` or ``degrade``: what a lot may not mix."""
        return "securise" if self.secured else "degrade"

    @property
    def purpose(self) -> str:
        """The words that the professional's seal carries in its signed part."""
        return f"feuille:{self.kind}" if self.cause is None else f"feuille:{self.kind}:{self.cause}"


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """Item 4: who received the care, when it is not the insured: by NIR, else by birth date and rank."""

    nir: Nir | None = None
    birth_date: date | None = None
    birth_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Professional:
    """Item 6, cases d and f: who did the acts, where, and who bills."""

    rpps: str
    family_name: str
    first_name: str
    profession: str
    structure: str
    biller: str


@dataclass(frozen=True, slots=True)
class Prescriber:
    """Item 7, for acts executed on prescription."""

    rpps: str
    prescribed_on: date


@dataclass(frozen=True, slots=True)
class Illness:
    """Item 8 a."""

    exemption: str = "0"
    accident_by_third_party: date | None = None
    prevention: str | None = None


class MaternityFrom(StrEnum):
    """Which date item 8 b holds."""

    PREGNANCY_START = "date_debut_grossesse"
    DELIVERY = "date_accouchement"
    ADOPTION = "date_adoption"


@dataclass(frozen=True, slots=True)
class Maternity:
    """Item 8 b: before birth the presumed start of pregnancy, after it the date of delivery or adoption."""

    kind: MaternityFrom
    on: date


@dataclass(frozen=True, slots=True)
class Accident:
    """Item 8 c: the accident's registration number, else its date."""

    number: str | None = None
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Item 9: one act. Amounts in cents; ``amo_cents`` is what the compulsory insurance pays of ``fee_cents``."""

    on: date
    code: str
    fee_cents: int
    rate_percent: int
    amo_cents: int
    quantity: int = 1
    coefficient: Decimal | None = None
    modifiers: tuple[str, ...] = ()
    tooth: str | None = None
    excess: str | None = None
    travel_cents: int | None = None
    mileage: tuple[int, int] | None = None
    exemption: str | None = None


@dataclass(frozen=True, slots=True)
class Imaging:
    """Item 11, variable-price imaging."""

    order: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One electronic care sheet, before its signatures (item 16)."""

    number: int
    drawn_up_on: date
    order: int
    delay_from: date
    specification: str
    mode: Mode
    titre: str
    insured: Nir
    beneficiary: Beneficiary | None
    organism: str
    professional: Professional
    cover: Illness | Maternity | Accident
    lines: tuple[Line, ...]
    prescriber: Prescriber | None = None
    prior_agreement: date | None = None
    imaging: Imaging | None = None
    sent_to_complementary: bool = False
    total_cents: int = field(init=False)
    advance_cents: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total_cents", sum(_line_total(line) for line in self.lines))
        object.__setattr__(self, "advance_cents", sum(line.amo_cents for line in self.lines))

    @property
    def last_act(self) -> date:
        """The date of the last act presented."""
        return max(line.on for line in self.lines)


def check_sheet(sheet: Sheet) -> None:
    """
    Hold a sheet against the rules that a schema cannot say.

    Raises :class:`SheetError`: SHEET-PART (the insurance pays more than the fee), SHEET-DATES (an act after the day the
    sheet was drawn up, or a delay that starts outside the two), SHEET-ANONYMOUS (a number reserved for anonymous care,
    which never travels as a sheet but for contraception of minors, degraded), or the rule of an identifier.
    """
    for line in sheet.lines:
        if line.amo_cents > line.fee_cents:
            raise SheetError("SHEET-PART", code=line.code, amo=line.amo_cents, fee=line.fee_cents)
    if not sheet.last_act <= sheet.delay_from <= sheet.drawn_up_on:
        raise SheetError("SHEET-DATES", last_act=sheet.last_act, start=sheet.delay_from, drawn_up=sheet.drawn_up_on)
    for nir in (sheet.insured, sheet.beneficiary and sheet.beneficiary.nir):
        kind = nir.kind if nir else NirKind.ORDINARY
        if kind is not NirKind.ORDINARY and (kind, sheet.mode.cause) != (NirKind.MINOR_CONTRACEPTION, Cause.SECRET):
            raise SheetError("SHEET-ANONYMOUS", kind=kind.value)
    professional = sheet.professional
    check_rpps(professional.rpps, "professionnel.rpps")
    check_finess(professional.structure, "professionnel.structure")
    check_finess(professional.biller, "professionnel.facturier")
    if sheet.prescriber is not None:
        check_rpps(sheet.prescriber.rpps, "prescripteur.rpps")


def _line_total(line: Line) -> int:
    return line.fee_cents + (line.travel_cents or 0) + (line.mileage[1] if line.mileage else 0)
