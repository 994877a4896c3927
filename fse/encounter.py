"""
The encounter: the facts of one consultation, as the PMI software knows them, before any decision.

An encounter says what happened; which channel, price and paper follow is decided by ``fse.routing`` and
``fse.pricing``. Its JSON Schema is ``schemas/encounter-1.schema.json``.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

import schemas
from fse.deadlines import paris_date
from fse.errors import FseError
from fse.identifiers import IdentifierError, Nir, OrganismCode, check_cip, check_finess, check_rpps

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "MAX_ENCOUNTER_BYTES",
    "ActFact",
    "AnonymousPatient",
    "CardInReader",
    "DelegatedInvoice",
    "Encounter",
    "EncounterError",
    "IdentifiedPatient",
    "Insured",
    "Orientation",
    "Person",
    "Profession",
    "ProfessionalFact",
    "ReferentMidwife",
    "RightsCheck",
    "ScreeningItem",
    "SecretPatient",
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


def _form(pattern: str) -> WithJsonSchema:
    """Say in the JSON Schema what an identifier looks like; its key and ranges are for ``fse.identifiers`` alone."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


def _written(as_: str, pattern: str) -> BeforeValidator:
    """Take a text of that form only: pydantic alone would read a number as seconds since 1970."""

    def validate(value: object) -> object:
        if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(pattern, value)):
            return value
        raise PydanticCustomError("written", "{as} expected", {"as": as_})

    return BeforeValidator(validate)


Day = Annotated[date, _written("YYYY-MM-DD", "[0-9]{4}-[0-9]{2}-[0-9]{2}")]
Instant = Annotated[
    datetime, _written("YYYY-MM-DDThh:mm:ss+hh:mm", r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}[0-9:.]*([Zz+-].*)?")
]
Rpps = Annotated[str, _identifier(check_rpps), _form("^[0-9]{11}$")]
Finess = Annotated[str, _identifier(check_finess), _form("^([0-9]{2}|2[AB])[0-9]{7}$")]
NirText = Annotated[
    str, _identifier(lambda value: Nir.parse(value).number), _form("^[0-9]{5}([0-9]{2}|2[AB])[0-9]{6}([0-9]{2})?$")
]
Cip = Annotated[str, _identifier(check_cip), _form("^34009[0-9]{8}$")]
Organism = Annotated[str, _identifier(OrganismCode.parse), _form("^[0-9]{9}$")]
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏḀ-ỹ"  # Latin letters as every engine reads them; the XSD's Nom has the same
Name = Annotated[str, StringConstraints(pattern=f"^[{_LETTER}][{_LETTER}'’ -]*$", max_length=50)]
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
    birth_date: Day
    birth_rank: StrictInt = Field(
        default=1, ge=1, le=9, description="rank among those born the same day in this family"
    )


class Insured(Person):
    """The insured person: the holder of the rights."""

    nir: NirText


class IdentifiedPatient(_Facts):
    """The ordinary case: an insured person, and the beneficiary when it is somebody else (CSS R161-42, 1°)."""

    kind: Literal["identified"] = "identified"
    insured: Insured
    beneficiary: Person | None = Field(default=None, description="absent when the insured is the patient")
    organism: Organism = Field(description="régime 2 + caisse 3 + centre 4: the body that pays")
    local_scheme: StrictBool = Field(default=False, description="member of the régime local d'Alsace-Moselle")


class AnonymousPatient(_Facts):
    """A patient whose care must stay secret: no field here can hold an identity (convention, 10.3)."""

    kind: Literal["anonymous"] = "anonymous"
    minor: StrictBool
    without_rights: StrictBool = Field(default=False, description="no base scheme, or no open rights (CSS R162-57)")


class SecretPatient(_Facts):
    """A minor who asks for contraception in secret: the exact birth date, and nothing else (pseudo-NIR …042)."""

    kind: Literal["secret"] = "secret"
    birth_date: Day


class ProfessionalFact(_Facts):
    """Who did the acts; the CPS must say the same."""

    rpps: Rpps
    profession: Profession
    family_name: Name
    first_name: Name
    pediatrician: StrictBool = False


class DelegatedInvoice(_Facts):
    """The invoice of an act that the département has delegated and paid (convention 2023-212, art. 6.3)."""

    finess: Finess = Field(description="geographic FINESS of the performer")
    rpps: Rpps
    family_name: Name
    first_name: Name
    rate_percent: StrictInt = Field(ge=0, le=100)
    cents: StrictInt = Field(gt=0, le=99_999_999, description="what the caisse is asked for")


class ScreeningItem(_Facts):
    """What the form 709 says of an act beside its date: what was delivered, its nature, quotation and amount."""

    label: str = Field(min_length=1, max_length=100)
    nature: Literal["prelevement", "analyse", "examen", "pharmacie"]
    quotation: str = Field(default="", pattern=r"^[A-Za-z0-9 .,+-]{0,20}$")
    cents: StrictInt = Field(ge=0, le=99_999_999)


class ActFact(_Facts):
    """One act done."""

    code: ActCode
    on: Day | None = Field(default=None, description="date of the act, when not the date of the encounter")
    quantity: StrictInt = Field(default=1, ge=1, le=99)
    weeks_of_pregnancy: StrictInt | None = Field(
        default=None,
        ge=1,
        le=45,
        description="week in progress, 1 being the first (IVG forfaits); counted from pregnancy_start when absent",
    )
    titre: Literal["I", "II"] | None = Field(
        default=None, description="of the convention, for a consultation that is not of the titre of the act table"
    )
    cip: Cip | None = Field(default=None, description="CIP13 of a vaccine that was given")
    financed_by: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9 ._-]{1,40}$",
        description="who else pays this act by his own competence (PEGASE…): it is then not billed",
    )
    invoice: DelegatedInvoice | None = Field(default=None, description="of a delegated act")
    screening: ScreeningItem | None = Field(default=None, description="of an anonymous screening (form 709)")
    by: Literal["service", "delegated"] = Field(
        default="service", description="delegated: done elsewhere, paid by the département"
    )


class ReferentMidwife(_Facts):
    """The designation of a sage-femme référente: the woman's choice, the midwife's consent, on record."""

    rpps: Rpps
    designated_on: Day
    chosen_by_woman: StrictBool
    accepted: StrictBool


class RightsCheck(_Facts):
    """What the online consultation of rights (ADRi) answered; it informs, and blocks no care."""

    result: Literal["open", "closed", "unknown", "not-consulted"] = "not-consulted"
    on: Day | None = None


class Orientation(_Facts):
    """A person guided towards rights, with the consent on record: without it nothing is passed on."""

    family: Literal["puma", "c2s", "ame", "soins-urgents"]
    consent: StrictBool


class Encounter(_Facts):
    """One consultation. Dates and times carry their offset; a date is a day in France."""

    reference: str = Field(
        pattern=r"^[A-Za-z0-9._-]{1,40}$", description="the PMI software's own id; never an identity"
    )
    at: Instant = Field(description="when the patient was seen, with its offset")
    site: Finess = Field(description="FINESS of the place of care")
    professional: ProfessionalFact
    patient: Annotated[IdentifiedPatient | AnonymousPatient | SecretPatient, Field(discriminator="kind")]
    vitale: CardInReader = CardInReader.PRESENT
    cps: Literal["present", "unusable"] = "present"
    acts: tuple[ActFact, ...] = Field(min_length=1, max_length=20)
    pregnancy_start: Day | None = Field(default=None, description="date présumée de début de grossesse")
    delivery_date: Day | None = None
    referent_midwife: ReferentMidwife | None = Field(default=None, description="for the forfait SFR")
    rights: RightsCheck = RightsCheck()
    orientations: tuple[Orientation, ...] = Field(default=(), max_length=4)
    accident_by_third_party: Day | None = Field(default=None, description="date of an accident caused by somebody else")

    @model_validator(mode="after")
    def _consistent(self) -> Encounter:
        if self.at.tzinfo is None:
            raise _broken("ENC-TIMEZONE")
        refused = next((rank for rank, one in enumerate(self.orientations) if not one.consent), None)
        if refused is not None:
            raise _broken("ENC-CONSENT", place=f"orientations[{refused}]")
        if self.orientations and isinstance(self.patient, AnonymousPatient):
            raise _broken("ENC-CONSENT", place="orientations")
        try:
            day = self.day
        except OverflowError:
            reasons = {"reason_fr": "ce jour n'existe pas en France", "reason_en": "no such day in France"}
            raise _broken("ENC-VALUE", place="at", **reasons) from None
        dates = {f"acts[{index}].on": act.on for index, act in enumerate(self.acts)}
        dates |= {name: getattr(self, name) for name in ("pregnancy_start", "delivery_date", "accident_by_third_party")}
        if self.referent_midwife is not None:
            dates["referent_midwife.designated_on"] = self.referent_midwife.designated_on
        dates["patient.birth_date"] = self.patient_birth_date
        for place, value in dates.items():
            if value is not None and value > day:
                raise _broken("ENC-ORDER", place=place, day=day)
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
        if isinstance(self.patient, SecretPatient):
            return self.patient.birth_date
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
    ENC-UNKNOWN, ENC-VALUE, ENC-ORDER, ENC-TIMEZONE, ENC-CONSENT, or the rule of the identifier that is wrong.
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
    place = _place(first["loc"])
    match first["type"]:
        case "rule":
            context = first["ctx"]
            return EncounterError(context["rule"], **{"place": place, **context["facts"], "field": place})
        case "json_invalid":
            return EncounterError("ENC-JSON", reason=first["ctx"]["error"])
        case "missing":
            return EncounterError("ENC-MISSING", place=place)
        case "extra_forbidden":
            return EncounterError("ENC-UNKNOWN", place=place)
        case "union_tag_not_found":
            return EncounterError("ENC-MISSING", place=f"{place}.kind")
        case kind:
            place += ".kind" if kind == "union_tag_invalid" else ""
            words = schemas.read_toml("wording.toml")["value"].get(kind, {"fr": first["msg"], "en": first["msg"]})
            context = {name: str(value).replace(" or ", ", ") for name, value in first.get("ctx", {}).items()}
            reasons = {f"reason_{language}": text.format_map(context) for language, text in words.items()}
            return EncounterError("ENC-VALUE", place=place, **reasons)


def _place(location: tuple[int | str, ...]) -> str:
    """Return where it is, as ``acts[0].code``; of a name that is not ours only the letters: it may be anything."""
    # pydantic names the kind of patient as a step of its own; the file has no such step
    steps = [part for rank, part in enumerate(location) if not (part in _KINDS and location[rank - 1] == "patient")]
    names = (f"[{part}]" if isinstance(part, int) else "." + re.sub(r"[^A-Za-z_]", "*", part)[:40] for part in steps)
    return "".join(names).removeprefix(".") or "encounter"


_KINDS = frozenset({"identified", "anonymous", "secret"})
