"""
The caisse prices each act anew, from what the sheet says of it alone, with the table at the date of care.

A sheet does not say everything that its maker knew. The caisse does not know: the week of pregnancy of a forfait (only
the presumed start, when the cover is maternity); whether the doctor is a paediatrician; whether the midwife is the
recorded référente; the birth date of somebody named by NIR alone whose card did not sign. There every case that the
table allows is tried, and doubt is for the biller: the dearest that fits. The régime local is known from the caisse's
own file of members.

An act is paid at the lower of fee and tariff, at the rate of the table, and never above what was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

from fse.act_window import WindowKind, add_months
from fse.noemie import ActReturn, ActState, Reason
from fse.priced_act import part_of
from fse.pricing import PricedAct, PricingError, PricingQuestion, price
from fse.sheet import Illness, Maternity, MaternityFrom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from fse.act_table import ActLine, ActTable
    from fse.sheet import Line, Sheet

__all__ = ["CODES", "Repriced", "asked", "reprice"]

CODES = {
    "PRICING-UNKNOWN": "9301",
    "PRICING-PERIOD": "9301",
    "PRICING-PAPER": "9301",
    "PRICING-TITRE": "9301",
    "PRICING-QUANTITY": "9301",
    "PRICING-PROFESSION": "9302",
    "PRICING-PEDIATRICIAN": "9302",
    "PRICING-REFERENT": "9302",
    "PRICING-AGE": "9303",
    "PRICING-CHILD": "9303",
    "PRICING-DATES": "9303",
    "PRICING-DELIVERY": "9303",
    "PRICING-FACT": "9303",
    "PRICING-PREGNANCY": "9303",
    "PRICING-WEEK": "9303",
    "PRICING-SUPPLEMENT": "9304",
    "PRICING-TOGETHER": "9304",
}
"""The code of our rejection table for each rule of pricing that an act may break."""

_NO_EXEMPTION = "0"
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Repriced:
    """What the caisse found of one act: ``code`` is the act of the table behind letter and coefficient, if any."""

    answer: ActReturn
    code: str


def asked(rank: int, line: Line) -> ActReturn:
    """Return the act of that rank (from 1) as it was asked for, rejected until somebody judges otherwise."""
    return ActReturn(
        line=rank,
        code=line.code,
        on=line.on,
        fee_cents=line.fee_cents,
        base_cents=0,
        rate_percent=0,
        requested_cents=line.amo_cents,
        state=ActState.REJECTED,
        quantity=line.quantity,
    )


def reprice(rank: int, sheet: Sheet, table: ActTable, born: date | None, *, local_scheme: bool = False) -> Repriced:
    """
    Return what is paid of the act of ``rank`` (from 1) by itself; ``born``: the beneficiary's birth date, if known.

    A rejection carries the rule of pricing as its detail; 9305 the nature that the act has.
    """
    line = sheet.lines[rank - 1]
    act = asked(rank, line)
    try:
        priced = _priced(line, sheet, table, born, local_scheme=local_scheme)
    except PricingError as error:
        return Repriced(replace(act, reasons=(Reason(CODES[error.rule.id], error.rule.id),)), "")
    if priced.nature != _nature(sheet):
        return Repriced(replace(act, reasons=(Reason("9305", priced.nature),)), priced.code)
    base = min(line.fee_cents, priced.cents)
    paid = min(line.amo_cents, part_of(base, priced.rate_percent))
    return Repriced(
        replace(
            act,
            base_cents=base,
            rate_percent=priced.rate_percent,
            state=ActState.PAID,
            paid_cents=paid,
            reasons=_reductions(line, sheet, priced) if paid < line.amo_cents else (),
        ),
        priced.code,
    )


def _reductions(line: Line, sheet: Sheet, priced: PricedAct) -> tuple[Reason, ...]:
    """Return why less is paid than was asked for: the fee, the rate, or an exemption that the table does not give."""
    reasons = [Reason("9306")] if line.fee_cents > priced.cents else []
    if line.amo_cents > part_of(line.fee_cents, priced.rate_percent):
        shared = sheet.cover.exemption if isinstance(sheet.cover, Illness) else _NO_EXEMPTION
        exemption = line.exemption or shared
        unknown = exemption not in {_NO_EXEMPTION, priced.exemption}
        reasons.append(Reason("9203" if unknown else "9307"))
    return tuple(reasons)


def _nature(sheet: Sheet) -> str:
    if isinstance(sheet.cover, Maternity):
        return "maternite"
    return "maladie" if isinstance(sheet.cover, Illness) else "accident"


def _priced(line: Line, sheet: Sheet, table: ActTable, born: date | None, *, local_scheme: bool) -> PricedAct:
    """Return the price of the case that fits best; raises what stands against the first one when none has a price."""
    found: list[PricedAct] = []
    refused: list[PricingError] = []
    for question in _cases(line, sheet, table, born, local_scheme=local_scheme):
        try:
            found.append(price(question, table))
        except PricingError as error:
            refused.append(error)
    if not found:
        raise refused[0]
    nature, fee = _nature(sheet), line.fee_cents
    return max(found, key=lambda one: (one.nature == nature, part_of(min(fee, one.cents), one.rate_percent)))


def _cases(
    line: Line, sheet: Sheet, table: ActTable, born: date | None, *, local_scheme: bool
) -> Iterator[PricingQuestion]:
    """Yield the questions of price that the sheet leaves open; raises PRICING-UNKNOWN for letters that no act has."""
    written = (line.code, line.coefficient)
    lines = [one for one in table.lines if (one.letter, one.coefficient) == written and one.in_force(line.on)]
    codes = sorted({one.code for one in table.lines if (one.letter, one.coefficient) == written})
    if not codes:
        raise PricingError("PRICING-UNKNOWN", code=line.code, on=line.on)
    start = _cover_date(sheet, MaternityFrom.PREGNANCY_START)
    births = [born] if born is not None else _births(lines, line.on) or [None]
    weeks = [None] if start is not None else _weeks(lines) or [None]
    for code, birth, week, pediatrician in product(codes, births, weeks, (False, True)):
        yield PricingQuestion(
            code=code,
            on=line.on,
            profession=sheet.professional.profession,
            quantity=line.quantity,
            beneficiary_birth_date=birth,
            pregnancy_start=start,
            delivery_date=_cover_date(sheet, MaternityFrom.DELIVERY),
            weeks_of_pregnancy=week,
            pediatrician=pediatrician,
            titre=sheet.titre,
            local_scheme=local_scheme,
        )


def _cover_date(sheet: Sheet, kind: MaternityFrom) -> date | None:
    return sheet.cover.on if isinstance(sheet.cover, Maternity) and sheet.cover.kind is kind else None


def _births(lines: list[ActLine], on: date) -> list[date | None]:
    """Return for each window of age the birth of the youngest and of the oldest who are in it on that day."""
    found: list[date | None] = []
    for window in (one.when for one in lines):
        if window is not None and window.kind is WindowKind.AGE:
            first, end = window.first, window.end
            found.append(add_months(on - timedelta(days=first.days), -first.months))
            found.append(add_months(on - timedelta(days=end.days), -end.months) + _ONE_DAY)
    return found


def _weeks(lines: list[ActLine]) -> list[int | None]:
    windows = (one.when for one in lines)
    return [one.first.days for one in windows if one is not None and one.kind is WindowKind.PREGNANCY_WEEK]
