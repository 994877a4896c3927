"""
The identifiers of a sheet: NIR (see :mod:`fse.nir`), RPPS, FINESS, CIP of a vaccine and code organisme.

Each check raises :class:`IdentifierError` with the field, the masked value and what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from fse.nir import IdentifierError, Nir, NirKind, mask_nir, nir_key

__all__ = [
    "IdentifierError",
    "Nir",
    "NirKind",
    "OrganismCode",
    "check_cip",
    "check_finess",
    "check_rpps",
    "is_luhn_valid",
    "mask_nir",
    "nir_key",
]

_RPPS = re.compile(r"[0-9]{11}")
_FINESS = re.compile(r"(?:[0-9]{2}|2[AB])[0-9]{7}")
_CIP = re.compile(r"34009[0-9]{8}")
_LONGEST_CIP = 13
_ORGANISM = re.compile(r"([0-9]{2})([0-9]{3})([0-9]{4})")


def is_luhn_valid(digits: str) -> bool:
    """Tell whether ``digits`` (its last one is the key) passes the Luhn formula of ISO/IEC 7812-1."""
    if re.fullmatch(r"[0-9]+", digits) is None:
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[::-2]) + sum(doubled)) % 10 == 0


def check_rpps(text: str, field: str = "rpps") -> str:
    """
    Return ``text`` when it is an RPPS number: 11 digits, the last one the Luhn key.

    :raises IdentifierError: ``RPPS-FORM`` or ``RPPS-KEY``.
    """
    if _RPPS.fullmatch(text) is None:
        raise IdentifierError("RPPS-FORM", field=field, value=mask_nir(text))
    if not is_luhn_valid(text):
        raise IdentifierError("RPPS-KEY", field=field, value=mask_nir(text))
    return text


def check_finess(text: str, field: str = "finess") -> str:
    """
    Return ``text`` when it is a FINESS number: département on 2, 7 digits, the last one the Luhn key.

    The letter of a Corsican number counts as 1 (2A) or 2 (2B); this is the same sum as the published conversion of
    2A0002689 into 200102689.

    :raises IdentifierError: ``FINESS-FORM`` or ``FINESS-KEY``.
    """
    if _FINESS.fullmatch(text) is None:
        raise IdentifierError("FINESS-FORM", field=field, value=mask_nir(text))
    if not is_luhn_valid(text.replace("A", "1").replace("B", "2")):
        raise IdentifierError("FINESS-KEY", field=field, value=mask_nir(text))
    return text


def check_cip(text: str, field: str = "cip") -> str:
    """
    Return ``text`` when it is a CIP13: 34009, then 8 digits, the last one the key of an EAN-13.

    :raises IdentifierError: ``CIP-FORM`` or ``CIP-KEY``.
    """
    if _CIP.fullmatch(text) is None:
        raise IdentifierError("CIP-FORM", field=field, value=text[:_LONGEST_CIP])
    weighed = sum(int(digit) * weight for digit, weight in zip(text, (1, 3) * 7, strict=False))
    if weighed % 10:
        raise IdentifierError("CIP-KEY", field=field, value=text)
    return text


@dataclass(frozen=True, slots=True, order=True)
class OrganismCode:
    """
    The code of the fund that pays: régime (2 digits), caisse (3), centre (4); ``str`` gives the 9 digits.

    :raises IdentifierError: ``ORGANISM-FORM``.
    """

    regime: str
    caisse: str
    centre: str

    def __post_init__(self) -> None:
        found = _ORGANISM.fullmatch(str(self))
        if found is None or found.groups() != (self.regime, self.caisse, self.centre):
            raise IdentifierError("ORGANISM-FORM", field="organisme", value=mask_nir(str(self)))

    @classmethod
    def parse(cls, text: str, field: str = "organisme") -> Self:
        """
        Return the code written in ``text`` as 9 digits.

        :param field: the name of the field for the error.
        :raises IdentifierError: ``ORGANISM-FORM``.
        """
        found = _ORGANISM.fullmatch(text)
        if found is None:
            raise IdentifierError("ORGANISM-FORM", field=field, value=mask_nir(text))
        return cls(*found.groups())

    def __str__(self) -> str:
        return f"{self.regime}{self.caisse}{self.centre}"
