"""
The encounter: the facts of one consultation, as the PMI software knows them, before any decision.

An encounter says what happened; which channel, price and paper follow is decided by ``fse.routing`` and
``fse.pricing``. Its JSON Schema is ``schemas/encounter-1.schema.json``.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fse.deadlines import paris_date
from fse.errors import FseError
from fse.identifiers import IdentifierError, Nir, OrganismCode, check_finess, check_rpps

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MAX_ENCOUNTER_BYTES",
    "ActFact",
    "AnonymousPatient",
    "CardInReader",
    "Encounter",
    "EncounterError",
    "IdentifiedPatient",
    "Insured",
    "Person",
    "Profession",
    "ProfessionalFact",
    "encounter_error",
    "read_encounter",
]

MAX_ENCOUNTER_BYTES = 100_000
"""Largest encounter that is read, in bytes of JSON."""


class EncounterError(FseError):
    """Facts that cannot be used: not JSON, a field missing, unknown or wrong."""


def _broken(rule: str, **facts: object) -> PydanticCustomError:
    """Return the error that carries a rule of ours through pydantic."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "facts": facts})


def _identifier(check: Callable[[str], object]) -> AfterValidator:
    """Run a check of ``fse.identifiers``; its rule becomes the rule of the field."""

    def validate(value: str) -> str:
        try:
            return str(check(value))
        except IdentifierError as error:
            raise _broken(error.rule.id, **error.facts) from None

    return AfterValidator(validate)


Rpps = Annotated[str, _identifier(check_rpps)]
Finess = Annotated[str, _identifier(check_finess)]
NirText = Annotated[str, _identifier(lambda value: Nir.parse(value).number)]
Organism = Annotated[str, _identifier(OrganismCode.parse)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\W\d_]([^\W\d_]|['’ -])*$", max_length=50)]
ActCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9+]{0,9}$")]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class CardInReader(StrEnum):
    """What the operator saw of a card when the sheet was drawn up."""

    PRESENT = "present"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    """Card or reader: a failure of hardware."""
    SOFTWARE_FAILURE = "software-failure"


class Profession(StrEnum):
    """Who did the act, in the words of the act table."""

    DOCTOR = "medecin"
    MIDWIFE = "sage-femme"
    NURSE = "infirmier"


class Person(_Facts):
    """A person as a card or the PMI file names him: NIR without key (13 characters) unless unknown, names, birth."""

    nir: NirText | None = Field(default=None, description="13 characters, or 15 with the key; absent when unknown")
    family_name: Name
    first_name: Name
    birth_date: date
    birth_rank: int = Field(default=1, ge=1, le=9, description="rank among those born the same day in this family")


class Insured(Person):
    """The insured person: the holder of the rights."""

    nir: NirText


class IdentifiedPatient(_Facts):
    """The ordinary case: an insured person, and the beneficiary when it is somebody else (CSS R161-42, 1°)."""

    kind: Literal["identified"] = "identified"
    insured: Insured
    beneficiary: Person | None = Field(default=None, description="absent when the insured is the patient")
    organism: Organism = Field(description="régime 2 + caisse 3 + centre 4: the body that pays")


class AnonymousPatient(_Facts):
    """A patient whose care must stay secret: no field here can hold an identity (convention, 10.3)."""

    kind: Literal["anonymous"] = "anonymous"
    minor: bool


class ProfessionalFact(_Facts):
    """Who did the acts; the CPS must say the same."""

    rpps: Rpps
    profession: Profession
    family_name: Name
    first_name: Name
    pediatrician: bool = False


class ActFact(_Facts):
    """One act done."""

    code: ActCode
    on: date | None = Field(default=None, description="date of the act, when not the date of the encounter")
    quantity: int = Field(default=1, ge=1, le=99)
    weeks_of_pregnancy: int | None = Field(
        default=None,
        ge=1,
        le=45,
        description="week in progress, 1 being the first (IVG forfaits); counted from pregnancy_start when absent",
    )
    by: Literal["service", "delegated"] = Field(
        default="service", description="delegated: done elsewhere, paid by the département"
    )


class Encounter(_Facts):
    """One consultation. Dates and times carry their offset; a date is a day in France."""

    reference: str = Field(
        pattern=r"^[A-Za-z0-9._-]{1,40}$", description="the PMI software's own id; never an identity"
    )
    at: datetime = Field(description="when the patient was seen, with its offset")
    site: Finess = Field(description="FINESS of the place of care")
    professional: ProfessionalFact
    patient: Annotated[IdentifiedPatient | AnonymousPatient, Field(discriminator="kind")]
    vitale: CardInReader = CardInReader.PRESENT
    cps: Literal["present", "unusable"] = "present"
    acts: tuple[ActFact, ...] = Field(min_length=1, max_length=20)
    pregnancy_start: date | None = Field(default=None, description="date présumée de début de grossesse")
    delivery_date: date | None = None
    accident_by_third_party: date | None = Field(
        default=None, description="date of an accident caused by somebody else"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Encounter:
        if self.at.tzinfo is None:
            raise _broken("ENC-TIMEZONE")
        dates = {f"acts[{index}].on": act.on for index, act in enumerate(self.acts)}
        dates |= {name: getattr(self, name) for name in ("pregnancy_start", "delivery_date", "accident_by_third_party")}
        dates["patient.birth_date"] = self.patient_birth_date
        for place, value in dates.items():
            if value is not None and value > self.day:
                raise _broken("ENC-ORDER", place=place, day=self.day)
        return self

    @property
    def day(self) -> date:
        """The day of the encounter, in France."""
        return paris_date(self.at)

    @property
    def patient_birth_date(self) -> date | None:
        """Birth date of whoever received the care; None for an anonymous patient."""
        if isinstance(self.patient, AnonymousPatient):
            return None
        return (self.patient.beneficiary or self.patient.insured).birth_date

    def day_of(self, act: ActFact) -> date:
        """Return the date of ``act``."""
        return act.on or self.day

    @property
    def last_act(self) -> date:
        """The date of the last act: where the time to transmit starts (CSS R161-42, 10°)."""
        return max(self.day_of(act) for act in self.acts)


def read_encounter(data: bytes) -> Encounter:
    """
    Return the encounter written in ``data``, JSON in UTF-8.

    Raises :class:`EncounterError` for the first thing that is wrong, with its place: ENC-SIZE, ENC-JSON, ENC-MISSING,
    ENC-UNKNOWN, ENC-VALUE, ENC-ORDER, ENC-TIMEZONE, or the rule of the identifier that is wrong.
    """
    if len(data) > MAX_ENCOUNTER_BYTES:
        raise EncounterError("ENC-SIZE", size=len(data), limit=MAX_ENCOUNTER_BYTES)
    try:
        return Encounter.model_validate_json(data)
    except ValidationError as error:
        raise encounter_error(error) from None


def encounter_error(error: ValidationError) -> EncounterError:
    """
    Return the first thing that ``error`` complains of as a rule of ours, with its place.

    The value is not repeated.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "encounter"
    match first["type"]:
        case "rule":
            context = first["ctx"]
            return EncounterError(context["rule"], **{"place": place, **context["facts"], "field": place})
        case "json_invalid" | "json_type":
            return EncounterError("ENC-JSON", reason=first["ctx"]["error"])
        case "missing":
            return EncounterError("ENC-MISSING", place=place)
        case "extra_forbidden":
            return EncounterError("ENC-UNKNOWN", place=place)
        case _:
            return EncounterError("ENC-VALUE", place=place, reason=first["msg"])
