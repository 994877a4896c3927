"""Why an act has no price: the one rule that says best what stands against it, and the code that would fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.act_window import WindowKind
from fse.errors import FseError

if TYPE_CHECKING:
    from fse.act_table import ActTable
    from fse.pricing import PricingQuestion

__all__ = ["PricingError", "refusal"]

_FACT_OF_WINDOW = {
    WindowKind.AGE: "beneficiary_birth_date",
    WindowKind.DELIVERY: "delivery_date",
    WindowKind.PREGNANCY_WEEK: "weeks_of_pregnancy",
}
_RULE_OF_WINDOW = {
    WindowKind.AGE: "PRICING-AGE",
    WindowKind.DELIVERY: "PRICING-DELIVERY",
    WindowKind.PREGNANCY_WEEK: "PRICING-WEEK",
}


class PricingError(FseError):
    """An act that has no price here; the facts name ``code``, ``on`` and what stands against it."""


def refusal(question: PricingQuestion, table: ActTable) -> PricingError:
    """Return why no line of the table prices the act: the first step at which none is left."""
    known = {"code": question.code, "on": question.on}
    lines = table.acts(question.code)
    if not lines:
        return PricingError("PRICING-UNKNOWN", **known)
    lines = tuple(line for line in lines if line.in_force(question.on))
    if not lines:
        return PricingError("PRICING-PERIOD", **known)
    allowed = sorted({profession for line in lines for profession in line.professions})
    lines = tuple(line for line in lines if question.profession in line.professions)
    if not lines:
        return PricingError("PRICING-PROFESSION", **known, profession=question.profession, allowed=", ".join(allowed))
    right = _other_codes(question, table, lines[0].subject)
    windows = [line.when for line in lines if line.open_to(question.profession, pediatrician=question.pediatrician)]
    if not windows:
        return PricingError("PRICING-PEDIATRICIAN", **known, right=right)
    # a line without a window would have been found
    window = next(filter(None, windows))
    if window.holds(question.facts) is None:
        return PricingError("PRICING-FACT", **known, field=_FACT_OF_WINDOW[window.kind])
    return PricingError(_RULE_OF_WINDOW[window.kind], **known, right=right)


def _other_codes(question: PricingQuestion, table: ActTable, subject: str) -> str:
    """Return the codes of the same subject that do price this act, else those of a consultation."""
    codes: dict[str, dict[str, None]] = {subject: {}, "consultation": {}}
    for line in table.lines:
        if line.subject in codes and line == table.find(
            line.code, question.profession, question.facts, pediatrician=question.pediatrician
        ):
            codes[line.subject][line.code] = None
    return ", ".join(codes[subject] or codes["consultation"]) or "-"
