"""What every typed record is: values by the names of its layout, and the 128 characters over them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

from fse.b2.codec import encode_record
from fse.nir import mask_nir

if TYPE_CHECKING:
    from datetime import date

    from fse.b2.codec import FieldValue

__all__ = ["OfInvoice", "OfLine", "Record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record: its ``type`` is that of its layout, its fields are the named ones of the layout. Amounts in cents."""

    type: ClassVar[str] = ""

    @property
    def values(self) -> dict[str, FieldValue]:
        """Return the values by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def encode(self, day: date, rank: int = 1) -> str:
        """Return the 128 characters; raises the errors of :func:`fse.b2.codec.encode_record`."""
        return encode_record(self.type, self.values, day, rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfLine(Record):
    """A record of an invoice in the short form: no rank of the beneficiary. The NIR is masked in ``repr``."""

    biller: str
    nir: str
    nir_key: str
    invoice: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(invoice={self.invoice!r}, nir={mask_nir(self.nir)!r})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OfInvoice(OfLine):
    """A record of an invoice with the rank of the beneficiary: ``000`` in the general scheme."""

    rank: str = "000"
