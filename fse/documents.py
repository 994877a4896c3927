"""
The paper forms as values: what each must hold, checked, with totals in euro cents.

The field sets are those of CSS R161-41 and R161-42 (feuille de soins), of the forms CNAMTS 708-12-2016 and 709-12-2016
and of the recap of delegated acts (convention 2023-212, art. 6.3). Wording and layout are ours. Every form says that it
is a simulation.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

import schemas
from fse.errors import FseError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ActLine",
    "CareSheetPaper",
    "Document",
    "DocumentError",
    "Form708",
    "Form709",
    "Invoice",
    "Nobody",
    "Patient",
    "Place",
    "Practitioner",
    "Recap",
    "Screening",
    "Slip709",
    "Vaccine",
    "patient_copy",
    "read_document",
]

MENTION: Literal["SIMULATION - sans valeur, non homologué"] = "SIMULATION - sans valeur, non homologué"
"""What every form bears."""

_LARGEST = 200_000


class DocumentError(FseError):
    """A form that does not hold what it must."""


def _broken(rule: str, **facts: object) -> PydanticCustomError:
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "facts": facts})


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Cents = Annotated[int, Field(ge=0, le=99_999_999)]


class Place(_Part):
    """The place of care (FINESS) and the service that bills (FINESS)."""

    finess: str
    name: str
    address: str = ""
    biller: str


class Practitioner(_Part):
    """Who did the acts; his profession decides which forms he may sign."""

    rpps: str
    family_name: str
    first_name: str
    profession: Literal["medecin", "sage-femme", "infirmier"]


class Patient(_Part):
    """A named person: NIR with its key (15 characters) when known, names, birth."""

    nir: str | None = None
    family_name: str
    first_name: str
    birth_date: date
    birth_rank: int = 1


class Nobody(_Part):
    """Who must not be named: a number of no person; of a minor's contraception the birth date too."""

    nir: str
    birth_date: date | None = None


class ActLine(_Part):
    """One act of a feuille de soins."""

    code: str
    label: str = ""
    on: date
    quantity: int = Field(default=1, ge=1, le=99)
    coefficient: str = ""
    cents: Cents
    rate_percent: int = Field(ge=0, le=100)
    amo_cents: Cents


class _Form(_Part):
    mention: Literal["SIMULATION - sans valeur, non homologué"] = MENTION
    place: Place
    drawn_up_on: date


class CareSheetPaper(_Form):
    """
    A feuille de soins on paper, on the field set of CSS R161-41: alone, twin of a degraded sheet, duplicata, or a copy.

    ``number`` and ``lot`` are those of the electronic sheet that it stands beside or replaces; ``reason`` a key of the
    wording. A duplicata is marked as such, with its reason (protocol art. 6).
    """

    form: Literal["plain", "twin", "duplicata", "patient-copy"]
    reason: str = ""
    number: str | None = None
    lot: str | None = None
    practitioner: Practitioner
    insured: Patient | Nobody
    beneficiary: Patient | None = None
    organism: str
    nature: Literal["maladie", "maternite"]
    maternity_from: date | None = None
    accident_on: date | None = None
    exemption: str = "0"
    lines: tuple[ActLine, ...] = Field(min_length=1, max_length=20)
    total_cents: Cents
    amo_cents: Cents

    @model_validator(mode="after")
    def _holds(self) -> CareSheetPaper:
        _sum("total_cents", self.total_cents, (line.cents for line in self.lines))
        _sum("amo_cents", self.amo_cents, (line.amo_cents for line in self.lines))
        if self.form in {"twin", "duplicata"} and self.number is None:
            raise _broken("DOC-NUMBER", form=self.form)
        if self.form == "duplicata" and not self.reason:
            raise _broken("DOC-REASON")
        return self


class Vaccine(_Part):
    """One line of the form 708: a vaccine that was given, with its CIP13 and its negotiated price."""

    label: str
    cip: str
    on: date
    quantity: int = Field(default=1, ge=1, le=99)
    cents: Cents
    rate_percent: int = Field(ge=0, le=100)
    amo_cents: Cents


class Form708(_Form):
    """The form 708, vaccination: about ten lines a page; signed by a doctor or a midwife (A21)."""

    form: Literal["form_708"] = "form_708"
    practitioner: Practitioner
    insured: Patient
    beneficiary: Patient | None = None
    organism: str
    lines: tuple[Vaccine, ...] = Field(min_length=1, max_length=20)
    total_cents: Cents
    amo_cents: Cents

    @model_validator(mode="after")
    def _holds(self) -> Form708:
        _signatory(self.practitioner, {"medecin", "sage-femme"}, "708")
        _sum("total_cents", self.total_cents, (line.cents for line in self.lines))
        _sum("amo_cents", self.amo_cents, (line.amo_cents for line in self.lines))
        return self


class Screening(_Part):
    """One line of the form 709; an amount that the encounter does not give is filled in by hand."""

    label: str
    nature: Literal["prelevement", "analyse", "examen", "pharmacie"] | None = None
    quotation: str = ""
    on: date
    count: int = Field(default=1, ge=1, le=99)
    cents: Cents | None = None


class Form709(_Form):
    """
    The form 709: screening and treatment of an IST, one patient a form, signed by a doctor alone (A21).

    ``fictitious_number`` is given by the CPAM, and left blank until then; there is no identity here.
    """

    form: Literal["form_709"] = "form_709"
    practitioner: Practitioner
    fictitious_number: str | None = None
    lines: tuple[Screening, ...] = Field(min_length=1, max_length=20)
    total_cents: Cents | None = None

    @model_validator(mode="after")
    def _holds(self) -> Form709:
        _signatory(self.practitioner, {"medecin"}, "709")
        amounts = [line.cents for line in self.lines]
        if self.total_cents is not None or None not in amounts:
            _sum("total_cents", self.total_cents or 0, (amount or 0 for amount in amounts))
        return self


class Invoice(_Part):
    """One invoice of a delegated act: who did it, for whom (a name, or the number of nobody), when, for how much."""

    finess: str
    rpps: str
    performer: str
    insured: Patient | Nobody
    beneficiary: Patient | None = None
    code: str
    on: date
    rate_percent: int = Field(ge=0, le=100)
    cents: Cents


class Recap(_Form):
    """
    The recap of delegated acts: one line an invoice, their count and sum, «service fait» (DELEG-02 to DELEG-06).

    ``signed_by`` is a function that may attest it on ``drawn_up_on`` (``schemas/tables/habilitations.csv``).
    """

    form: Literal["recap"] = "recap"
    organism: str
    invoices: tuple[Invoice, ...] = Field(min_length=1, max_length=200)
    count: int
    total_cents: Cents
    signed_by: str

    @model_validator(mode="after")
    def _holds(self) -> Recap:
        if self.count != len(self.invoices):
            raise _broken("DOC-COUNT", count=self.count, found=len(self.invoices))
        _sum("total_cents", self.total_cents, (one.cents for one in self.invoices))
        return self


class Slip709(_Form):
    """The slip of a quarter's forms 709: how many, and their total; blank when an amount was left to the hand."""

    form: Literal["slip_709"] = "slip_709"
    organism: str
    first_day: date
    last_day: date
    count: int = Field(ge=1)
    total_cents: Cents | None = None


Document = CareSheetPaper | Form708 | Form709 | Recap | Slip709

_DOCUMENTS: TypeAdapter[Document] = TypeAdapter(Annotated[Document, Field(discriminator="form")])


def read_document(data: str | bytes) -> Document:
    """
    Return the form that a program wrote as JSON.

    Raises :class:`DocumentError`: DOC-FORM for what is no form, with the place; the rule of what does not hold
    (DOC-TOTAL, DOC-COUNT, DOC-NUMBER, DOC-REASON, DOC-SIGNATORY).
    """
    if len(data) > _LARGEST:
        raise DocumentError("DOC-FORM", place="document", reason=f"> {_LARGEST}")
    try:
        return _DOCUMENTS.validate_json(data)
    except ValidationError as error:
        raise document_error(error) from None


def document_error(error: ValidationError) -> DocumentError:
    """Return the first thing that ``error`` complains of as a rule of ours."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "rule":
        return DocumentError(first["ctx"]["rule"], **first["ctx"]["facts"])
    return DocumentError("DOC-FORM", place=".".join(map(str, first["loc"]))[:80] or "document", reason=first["type"])


def patient_copy(paper: CareSheetPaper) -> CareSheetPaper:
    """Return the patient's copy: acts of an IVG stand as «Forfait médical», without their code (art. 10.3.1)."""
    hidden: dict[str, str] = schemas.read_toml("forms.toml")["statement"]
    lines = tuple(
        line.model_copy(update={"code": "", "label": hidden[line.code]}) if line.code in hidden else line
        for line in paper.lines
    )
    return paper.model_copy(update={"form": "patient-copy", "lines": lines})


def _sum(name: str, said: int, parts: Iterable[int]) -> None:
    found = sum(parts)
    if said != found:
        raise _broken("DOC-TOTAL", field=name, said=said, found=found)


def _signatory(who: Practitioner, allowed: set[str], form: str) -> None:
    if who.profession not in allowed:
        raise _broken("DOC-SIGNATORY", form=form, profession=who.profession)
