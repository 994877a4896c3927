"""Key letters: what one of them costs, from when to when; an act with a coefficient is a product of its letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from fse.periods import check_periods, in_force
from fse.table_text import IsoDay, TableError, TableVersion, read_rows, table_version

if TYPE_CHECKING:
    from fse.act_table import ActTable

__all__ = ["Letter", "LetterTable"]


class Letter(BaseModel):
    """The value of a letter for a profession during one period; ``cents`` is that of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    letter: str = Field(pattern=r"^[A-Z]{1,3}$", description="1 à 3 lettres")
    profession: Literal["medecin", "sage-femme", "infirmier"] = Field(description="medecin | sage-femme | infirmier")
    cents: int = Field(gt=0, le=100_000, description="1…100000")
    valid_from: IsoDay = Field(description="AAAA-MM-JJ")
    valid_to: IsoDay | None = Field(description="AAAA-MM-JJ | (vide)")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")


@dataclass(frozen=True, slots=True)
class LetterTable:
    """The letters of the acts that have a coefficient."""

    version: TableVersion
    lines: tuple[Letter, ...]

    @classmethod
    def parse(cls, text: str, file: str = "letters.csv") -> Self:
        """Return the table written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        rows = list(read_rows(text, Letter, file))
        check_periods(rows, file, lambda line: f"{line.letter} {line.profession}")
        return cls(version, tuple(line for _, line in rows))

    def check(self, acts: ActTable) -> None:
        """
        Hold each act with a coefficient against its letter, on the first and the last day of its line.

        Raises :class:`fse.table_text.TableError` (TABLE-LETTER) when the price is not the product.
        """
        for number, act in zip(acts.numbers, acts.lines, strict=True):
            if act.coefficient is None:
                continue
            for day in (act.valid_from, act.valid_to or act.valid_from):
                for who in act.professions:
                    own = [one for one in self.lines if (one.letter, one.profession) == (act.letter, who)]
                    if not any(in_force(one, day) and one.cents * act.coefficient == act.cents for one in own):
                        facts = {"code": act.code, "letter": act.letter, "day": day}
                        raise TableError("TABLE-LETTER", file="acts.csv", line=number, **facts)
