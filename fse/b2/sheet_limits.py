"""Which sheets B2 can carry, and the forms that it asks of their identifiers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fse.errors import FseError
from fse.sheet import Accident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fse.sheet import Line, Sheet

__all__ = ["ProjectionError", "digits_of_finess", "require_projectable"]

_ACT_CODE = re.compile(r"[A-Z0-9]{1,5}")
_ACCIDENT = re.compile(r"[0-9]{1,9}")
_DEVICE = re.compile(r"[0-9]{1,14}")
_LARGEST_CENTS = 9_999_999


class ProjectionError(FseError):
    """A sheet, or a set of sheets, that has no B2 file."""

    @classmethod
    def of(cls, sheet: Sheet, what_fr: str, what_en: str) -> ProjectionError:
        """Return the refusal of one sheet for what B2 cannot carry of it."""
        return cls("B2-PROJECTION", number=f"{sheet.number:09d}", what_fr=what_fr, what_en=what_en)


def digits_of_finess(finess: str) -> str:
    """Return a FINESS as digits: 2A0002689 is 200102689 in these files (FIDES-TF)."""
    return finess if finess.isdecimal() else f"20{'01' if finess[1] == 'A' else '02'}{finess[4:]}"


def require_projectable(sheet: Sheet) -> None:
    """Raise :class:`ProjectionError` (B2-PROJECTION) for the first thing of ``sheet`` that B2 cannot carry."""
    for fr, en in _obstacles(sheet):
        raise ProjectionError.of(sheet, fr, en)


def _obstacles(sheet: Sheet) -> Iterator[tuple[str, str]]:
    for line in sheet.lines:
        yield from _of_line(line)
    cover = sheet.cover
    if isinstance(cover, Accident) and cover.number is not None and not _carried(_ACCIDENT, cover.number):
        yield "un numéro d'accident de plus de 9 chiffres, ou nul", "an accident number of more than 9 digits, or zero"
    if sheet.imaging is not None and not _carried(_DEVICE, sheet.imaging.device):
        yield "un appareil qui n'est pas un numéro de 14 chiffres au plus", "a device that is no number of 14 digits"


def _of_line(line: Line) -> Iterator[tuple[str, str]]:
    if line.travel_cents or line.mileage:
        yield "une indemnité de déplacement, sans part AMO connue", "a travel allowance, its AMO part unknown"
    if line.excess:
        yield "un dépassement, dont la base n'est pas connue", "an excess fee, its base unknown"
    if line.modifiers or line.tooth:
        yield "un modificateur ou une dent, sans code CCAM", "a modifier or a tooth without a CCAM code"
    if _ACT_CODE.fullmatch(line.code) is None:
        yield f"le code acte {line.code}", f"the act code {line.code}"
    if line.fee_cents > _LARGEST_CENTS:
        yield "un montant de plus de 7 chiffres", "an amount of more than 7 digits"
    if line.coefficient is not None and line.coefficient * 100 % 1:
        yield "un coefficient de plus de deux décimales", "a coefficient of more than two decimals"


def _carried(form: re.Pattern[str], text: str) -> bool:
    """Tell whether a number fits and, its zeros in front gone, is one: all zeros mean absent."""
    return form.fullmatch(text) is not None and bool(text.strip("0"))
