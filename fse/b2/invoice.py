"""The records that open and close an invoice (norme B2). Fields as in ``schemas/b2/invoice.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fse.b2.record import OfInvoice

if TYPE_CHECKING:
    from datetime import date

__all__ = ["InvoiceEnd", "InvoiceMore", "InvoiceStart"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InvoiceStart(OfInvoice):
    """Start of invoice: insured, caisse, nature of insurance, beneficiary."""

    type: ClassVar[str] = "2"

    operation: str
    entry: str | None = None
    regime: str
    caisse: str
    centre: str
    evidence: str | None = None
    cover_on: date | None = None
    rights_from: date | None = None
    issuer: str | None = None
    benefit: str | None = None
    nature: str
    exemption: str | None = None
    hospital_on: date | None = None
    accident: str | None = None
    split: str | None = None
    birth_on: date | None = None
    birth_rank: str | None = None
    entry_on: date | None = None
    exit_on: date | None = None
    exit_hour: int = 0
    contract: str | None = None
    complementary: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InvoiceMore(OfInvoice):
    """The invoice, continued: individual NIR of the beneficiary, care pathway."""

    type: ClassVar[str] = "2S"

    sequence: int = 1
    complement: str | None = None
    payee: str | None = None
    own_nir: str | None = None
    own_nir_key: str | None = None
    declared: str | None = None
    gp_family_name: str | None = None
    gp_first_name: str | None = None
    gp_number: str | None = None
    pathway: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class InvoiceEnd(OfInvoice):
    """End of invoice: count of lines and totals in cents."""

    type: ClassVar[str] = "5"

    lines: int = 0
    stay_base: int = 0
    stay_amo: int = 0
    act_fees: int = 0
    act_amo: int = 0
    insured_share: int = 0
    stay_amc: int = 0
    act_amc: int = 0
    stay_expense: int = 0
    vendor: str | None = None
