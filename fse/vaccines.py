"""
Vaccines: the prices of the service's supplier market, who may be vaccinated, and the part of the insurance.

A PMI bills the negotiated price of its market, never the public one, and on form 708 alone (convention 2023-212, art. 5
and 6.2, annexe 1.3). The market of the package is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

import schemas
from fse.act_window import add_months
from fse.identifiers import check_cip
from fse.maternity import MaternityPeriod
from fse.periods import check_periods, in_force
from fse.price_refusal import PricingError
from fse.priced_act import PricedAct, part_of, reason
from fse.table_text import IsoDay, TableVersion, checked, read_rows, table_version

if TYPE_CHECKING:
    from datetime import date

    from fse.act_table import ActLine
    from fse.priced_act import PricingQuestion

__all__ = ["MarketLine", "VaccineMarket", "price_vaccine"]

_MONTHS_IN_YEAR = 12


class MarketLine(BaseModel):
    """One vaccine of the market during one period; ``valid_from`` and ``valid_to`` both belong to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cip: Annotated[str, checked(check_cip)] = Field(description="CIP13")
    label: str = Field(description="texte")
    kind: Literal["ror", "grippe", "autre"] = Field(description="ror | grippe | autre")
    cents: int = Field(gt=0, le=1_000_000, description="1…1000000")
    market: str = Field(description="texte")
    valid_from: IsoDay = Field(description="AAAA-MM-JJ")
    valid_to: IsoDay | None = Field(description="AAAA-MM-JJ | (vide)")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")


@dataclass(frozen=True, slots=True)
class VaccineMarket:
    """The market as a whole: one price at most for a vaccine and a day."""

    version: TableVersion
    lines: tuple[MarketLine, ...]

    @classmethod
    def parse(cls, text: str, file: str = "vaccine_market.csv") -> Self:
        """Return the market written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        rows = list(read_rows(text, MarketLine, file))
        check_periods(rows, file, lambda line: line.cip)
        return cls(version, tuple(line for _, line in rows))

    def find(self, cip: str, on: date) -> MarketLine | None:
        """Return the line of that vaccine on that day, None when the market has none."""
        return next((line for line in self.lines if line.cip == cip and in_force(line, on)), None)


def price_vaccine(question: PricingQuestion, line: ActLine, market: VaccineMarket) -> PricedAct:
    """
    Return the price of a vaccine that was given: what the market says, and 65 % or 100 % of it.

    ``line`` is the act's in the table. Raises :class:`fse.price_refusal.PricingError`: VACCINE-CIP without a CIP,
    VACCINE-MARKET when the market has no price for it (to be held, VACC-06), VACCINE-PUBLIC for somebody who is neither
    a child under six nor pregnant nor a woman after birth (VACC-02).
    """
    known = {"code": question.code, "on": question.on}
    readings = schemas.read_toml("tables/pricing.toml")["vaccine"]
    young = _under(question, readings["child_years"])
    expecting = _expecting(question)
    if not (young or expecting or _after_birth(question, readings["postnatal_days"])):
        raise PricingError("VACCINE-PUBLIC", **known)
    if question.cip is None:
        raise PricingError("VACCINE-CIP", **known)
    found = market.find(question.cip, question.on)
    if found is None:
        raise PricingError("VACCINE-MARKET", **known, cip=question.cip)
    whole = (found.kind == "ror" and young) or (found.kind == "grippe" and (young or expecting))
    rate = readings["full_percent"] if whole else readings["ceiling_percent"]
    why = reason("vaccine-full" if whole else "vaccine-ceiling", rate=rate)
    euros, rest = divmod(found.cents, 100)
    cents = found.cents * question.quantity
    return PricedAct(
        code=question.code,
        label=found.label,
        letter=line.letter,
        coefficient=None,
        subject=line.subject,
        titre=line.titre,
        quantity=question.quantity,
        unit_cents=found.cents,
        cents=cents,
        rate_percent=rate,
        nature="maladie",
        exemption="0",
        amo_cents=part_of(cents, rate),
        complement_cents=cents - part_of(cents, rate),
        certainty=found.certainty,
        reasons=(
            reason("market", found.source, euros=euros, cents=rest, market=found.market),
            why,
            reason("third-party"),
        ),
        cip=question.cip,
    )


def _under(question: PricingQuestion, years: int) -> bool:
    born = question.beneficiary_birth_date
    return born is not None and question.on < add_months(born, years * _MONTHS_IN_YEAR)


def _expecting(question: PricingQuestion) -> bool:
    """Tell whether the patient is pregnant: a presumed start, no delivery yet, and not for too long."""
    start, delivery = question.pregnancy_start, question.delivery_date
    if start is None or (delivery is not None and delivery <= question.on):
        return False
    latest = MaternityPeriod.of(question.facts).latest
    return latest is None or question.on <= latest


def _after_birth(question: PricingQuestion, days: int) -> bool:
    delivery = question.delivery_date
    return delivery is not None and 0 <= (question.on - delivery).days <= days
