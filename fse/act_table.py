"""
The dated table of acts: what each code costs, for whom, when, and under which nature d'assurance.

The first table, ``schemas/tables/acts.csv``, is ours: public codes and amounts, each with source and certainty. It is
not the Annexe 1.1 of a convention, which is not public. Another table is handed in as text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

import schemas
from fse.act_window import MEASURE, Measure, Window, WindowKind
from fse.table_text import IsoDay, TableError, TableVersion, read_rows, table_version

if TYPE_CHECKING:
    from datetime import date

    from fse.act_window import CaseFacts

__all__ = ["ActLine", "ActTable", "act_table"]

_UNPRICED = frozenset({"vaccine", "ist"})
_WHOLE = 100
_NEXT_DAY = timedelta(days=1)


def _split(value: object) -> object:
    return value.split("|") if isinstance(value, str) else value


class ActLine(BaseModel):
    """
    One fact of the table; the field descriptions say what a cell may hold.

    ``code`` is the word of the encounter; ``letter`` and ``coefficient`` are what the sheet prints (C 2.5 for EPP).
    ``cents`` is the price of one act, coefficient included, None for what is not paid by a sheet (vaccines: form
    708, IST: form 709). ``valid_from`` and ``valid_to`` both belong to the period. ``certainty`` speaks of the amount
    and its dates; a ``note`` that begins with «U:» says a reading of ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,9}$", description="[A-Z][A-Z0-9]*, 10 max")
    label: str = Field(description="texte")
    letter: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,9}$", description="[A-Z][A-Z0-9]*, 10 max")
    coefficient: Decimal | None = Field(gt=0, le=999, decimal_places=2, description="> 0")
    subject: Literal["child-exam", "consultation", "maternity", "ivg", "contraception", "vaccine", "ist"] = Field(
        description="child-exam | consultation | maternity | ivg | contraception | vaccine | ist"
    )
    titre: Literal["I", "II"] = Field(description="I | II")
    professions: Annotated[tuple[Literal["medecin", "sage-femme", "infirmier"], ...], BeforeValidator(_split)] = Field(
        description="medecin|sage-femme|infirmier"
    )
    pediatrician: Literal["yes", "no"] | None = Field(description="yes | no | (vide)")
    window: WindowKind | None = Field(description="age | delivery | pregnancy-week | (vide)")
    window_from: str | None = Field(pattern=MEASURE, description="0d…27d, m, y, w | (vide)")
    window_to: str | None = Field(pattern=MEASURE, description="0d…27d, m, y, w | (vide)")
    cents: int | None = Field(gt=0, le=1_000_000, description="1…1000000")
    rate_percent: int | None = Field(ge=1, le=_WHOLE, description="1…100")
    nature: Literal["10", "30"] = Field(description="10 | 30")
    exemption: str = Field(pattern=r"^[0-9C]$", description="0…9, C")
    valid_from: IsoDay = Field(description="AAAA-MM-JJ")
    valid_to: IsoDay | None = Field(description="AAAA-MM-JJ | (vide)")
    source: str = Field(description="texte")
    licence: Literal["facts-only", "public-text", "own"] = Field(description="facts-only | public-text | own")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")

    def in_force(self, on: date) -> bool:
        """Tell whether the line holds on that day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def open_to(self, profession: str, *, pediatrician: bool = False) -> bool:
        """Tell whether this professional may do the act."""
        return profession in self.professions and self.pediatrician in {None, "yes" if pediatrician else "no"}

    @property
    def when(self) -> Window | None:
        """Return the window of the act, None when the table sets none."""
        if self.window is None or self.window_from is None or self.window_to is None:
            return None
        return Window(self.window, Measure.read(self.window_from), Measure.read(self.window_to))

    def clashes(self, other: ActLine) -> bool:
        """Tell whether one act could find its price in both lines."""
        if self.code != other.code or not set(self.professions) & set(other.professions):
            return False
        if None not in {self.pediatrician, other.pediatrician} and self.pediatrician != other.pediatrician:
            return False
        if not (self.in_force(other.valid_from) or other.in_force(self.valid_from)):
            return False
        mine, theirs = self.when, other.when
        return mine is None or theirs is None or mine.meets(theirs)


@dataclass(frozen=True, slots=True)
class ActTable:
    """A table that holds as a whole: no two lines price the same act of the same day."""

    version: TableVersion
    lines: tuple[ActLine, ...]
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, file: str = "acts.csv") -> Self:
        """
        Return the table written in ``text``.

        :param file: the name that the errors give.
        :raises TableError: a rule ``TABLE-…`` with the file and the line.
        """
        version = table_version(text, file)
        rows = list(read_rows(text, ActLine, file))
        for number, line in rows:
            _check(line, file, number)
        for (number, line), (other_number, other) in combinations(rows, 2):
            if line.clashes(other):
                raise TableError("TABLE-OVERLAP", file=file, line=other_number, code=line.code, other_line=number)
        _check_gaps(rows, file)
        return cls(version, tuple(line for _, line in rows), tuple(number for number, _ in rows))

    def acts(self, code: str) -> tuple[ActLine, ...]:
        """Return every line of ``code``, in the order of the table; empty when the table does not hold it."""
        return tuple(line for line in self.lines if line.code == code)

    def subject(self, code: str) -> str | None:
        """Return what ``code`` is about, None when it is outside the table."""
        return next((line.subject for line in self.lines if line.code == code), None)

    def find(self, code: str, profession: str, facts: CaseFacts, *, pediatrician: bool = False) -> ActLine | None:
        """Return the one line that prices this act for this professional on ``facts.on``; None when none does."""
        for line in self.acts(code):
            if line.in_force(facts.on) and line.open_to(profession, pediatrician=pediatrician):
                window = line.when
                if window is None or window.holds(facts):
                    return line
        return None


def _check_gaps(rows: list[tuple[int, ActLine]], file: str) -> None:
    """Refuse a code without a tariff on a day between two days on which a profession has one."""
    for code, profession in sorted({(line.code, who) for _, line in rows for who in line.professions}):
        own = [(number, line) for number, line in rows if line.code == code and profession in line.professions]
        for number, line in own:
            if line.valid_to is None:
                continue
            following = line.valid_to + _NEXT_DAY
            later = [other for _, other in own if other.valid_from > line.valid_to]
            if later and not any(other.in_force(following) for _, other in own):
                raise TableError("TABLE-GAP", file=file, line=number, code=code, day=following)


def _check(line: ActLine, file: str, number: int) -> None:
    if line.valid_to is not None and line.valid_to < line.valid_from:
        raise TableError("TABLE-DATES", file=file, line=number)
    window = line.when
    if window is None:
        fits = line.window is line.window_from is line.window_to is None
    else:
        units = {(line.window_from or "")[-1:], (line.window_to or "")[-1:]}
        weeks = line.window is WindowKind.PREGNANCY_WEEK
        fits = window.first < window.end and (units == {"w"} if weeks else "w" not in units)
    if not fits:
        raise TableError("TABLE-WINDOW", file=file, line=number)
    if len({line.cents is None, line.rate_percent is None, line.subject in _UNPRICED}) > 1:
        raise TableError("TABLE-PRICE", file=file, line=number)
    maternity_wrong = line.nature == "30" and (line.titre == "II" or line.exemption != "0")
    if maternity_wrong or (line.nature == "10" and line.rate_percent == _WHOLE and line.exemption == "0"):
        raise TableError("TABLE-NATURE", file=file, line=number)


@cache
def act_table(folder: str = "tables") -> ActTable:
    """
    Return the table of acts of a folder of the package ``schemas``: ``tables``, or ``tables_fictitious`` for tests.

    :raises TableError: see :meth:`ActTable.parse`.
    """
    name = f"{folder}/acts.csv"
    return ActTable.parse(schemas.read_text(name), name)
