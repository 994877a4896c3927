"""
Who the cards belong to: the data that a personality is built from.

Only synthetic people get a card: an RPPS outside the range of public test identities, or a NIR whose order number
is not one of 990 to 999, is refused.
"""

from __future__ import annotations

from dataclasses import field
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass

from card_sim.errors import ProfileInvalid
from card_sim.synthetic_identity import calendar_day, professional_number, social_security_number, structure_number
from card_sim.vocabulary import CPS, LIMIT, VITALE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Beneficiary", "CpsProfile", "RightsPeriod", "VitaleProfile"]

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)

_Day = Annotated[date, BeforeValidator(calendar_day)]
_Name = Annotated[str, Field(pattern=r"^[^\W\d_](?:[^\W\d_]|[ '.\-])*$", max_length=LIMIT["name_characters"])]
_Nir = Annotated[str, AfterValidator(social_security_number)]
_Finess = Annotated[str, AfterValidator(structure_number)]


class _Profile:
    """Strict reading and writing of a profile as plain values (text, numbers, booleans, lists, tables)."""

    @classmethod
    def from_dict(cls, raw: Mapping[str, object], place: str = "profile") -> Self:
        """Return the profile that ``raw`` describes; ProfileInvalid names the first key that is unknown or wrong."""
        try:
            return TypeAdapter(cls).validate_python(raw)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            where = ".".join((place, *map(str, first["loc"])))
            raise ProfileInvalid(where, reason=first["msg"]) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as plain values, dates as YYYY-MM-DD; :meth:`from_dict` reads it back."""
        plain: dict[str, Any] = TypeAdapter(type(self)).dump_python(self, mode="json", exclude_none=True)
        return plain


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class CpsProfile(_Profile):
    """
    A professional: identity, places of exercise (FINESS), validity of the card (both days included), rights, PIN, PUK.

    ``family`` is the type of card (CPS, CPF, CPE, CPA); the first structure is the biller when the holder ``bills``.
    ``dialect`` is how the card speaks to programs that are not ours (``[cps.dialects]``).
    """

    card_serial: Annotated[str, Field(pattern=r"^[0-9]{10}$")]
    rpps: Annotated[str, AfterValidator(professional_number)]
    family_name: _Name
    first_name: _Name
    profession: Annotated[str, Field(pattern=f"^(?:{'|'.join(CPS['professions'])})$")]
    structures: Annotated[tuple[_Finess, ...], Field(min_length=1, max_length=LIMIT["structures"])]
    valid_from: _Day
    valid_to: _Day
    may_sign_sheet: StrictBool
    may_sign_lot: StrictBool
    pin: Annotated[str, Field(pattern=r"^[0-9]{4}$")] = field(repr=False)
    puk: Annotated[str, Field(pattern=r"^[0-9]{8}$")] = field(default="12345678", repr=False)
    family: Annotated[str, Field(pattern=f"^(?:{'|'.join(CPS['families'])})$")] = "CPS"
    exercise_mode: Annotated[str, Field(pattern=r"^[0147]$")] = "1"
    convention: Annotated[str, Field(pattern=r"^[0-3]$")] = "0"
    bills: StrictBool = True
    dialect: Annotated[str, Field(pattern=f"^(?:{'|'.join(CPS['dialects'])})$")] = "isoapplet"

    @model_validator(mode="after")
    def _check(self) -> Self:
        _in_order(self, "valid_from", "valid_to")
        return self


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Beneficiary(_Profile):
    """Somebody whom the card of the insured covers; most children have no NIR of their own on it."""

    family_name: _Name
    first_name: _Name
    birth_date: _Day
    birth_rank: Annotated[int, Field(strict=True, ge=1, le=9)] = 1
    quality: Annotated[str, Field(pattern=f"^[{''.join(VITALE['qualities'])}]$")] = "3"
    nir: _Nir | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class RightsPeriod(_Profile):
    """Days during which the rights are open, first and last included."""

    start: _Day
    end: _Day

    @model_validator(mode="after")
    def _check(self) -> Self:
        _in_order(self, "start", "end")
        return self


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class VitaleProfile(_Profile):
    """
    An insured person (NIR of 15 characters, key included), the beneficiaries, the affiliation and the rights.

    ``attending_physician`` is the RPPS of the médecin traitant, ``exemption`` the code of exoneration of the ticket
    modérateur, ``cover`` a word of ``[vitale.covers]``; None where there is none.
    """

    serial: Annotated[str, Field(pattern=r"^[0-9]{12}$")]
    nir: _Nir = field(repr=False)
    family_name: _Name
    first_name: _Name
    birth_date: _Day
    regime: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    caisse: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    centre: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    updated_on: _Day
    valid_from: _Day
    beneficiaries: Annotated[tuple[Beneficiary, ...], Field(max_length=LIMIT["beneficiaries"])] = ()
    rights: Annotated[tuple[RightsPeriod, ...], Field(max_length=LIMIT["rights_periods"])] = ()
    attending_physician: Annotated[str, AfterValidator(professional_number)] | None = None
    exemption: Annotated[str, Field(pattern=r"^[0-9A-Z]$")] | None = None
    cover: Annotated[str, Field(pattern=f"^(?:{'|'.join(VITALE['covers'])})$")] | None = None


def _in_order(period: object, first: str, last: str) -> None:
    if getattr(period, first) > getattr(period, last):
        message = f"{first} is after {last}"
        raise ValueError(message)
