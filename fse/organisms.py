"""Codes of real bodies: names for people to read, the live ones and the merged; nothing is ever sent to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from fse.table_text import TableError, TableVersion, read_rows, table_version

__all__ = ["Organism", "OrganismTable"]


class Organism(BaseModel):
    """One body by régime and caisse (5 digits); ``merged_into`` is the code that lives on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[0-9]{5}$", description="5 chiffres")
    name: str = Field(description="texte")
    department: str = Field(pattern=r"^([0-9]{2}|2[AB]|97[1-6])$", description="département")
    merged_into: str | None = Field(pattern=r"^[0-9]{5}$", description="5 chiffres | (vide)")
    source: str = Field(description="texte")
    certainty: Literal["A", "B", "U"] = Field(description="A | B | U")
    note: str | None = Field(description="texte | (vide)")


@dataclass(frozen=True, slots=True)
class OrganismTable:
    """A list of bodies, each once; a merged one names one of the list."""

    version: TableVersion
    lines: tuple[Organism, ...]

    @classmethod
    def parse(cls, text: str, file: str = "organisms.csv") -> Self:
        """Return the table written in ``text``; raises :class:`fse.table_text.TableError` with file and line."""
        version = table_version(text, file)
        rows = list(read_rows(text, Organism, file))
        numbers: dict[str, int] = {}
        for number, line in rows:
            if line.code in numbers:
                other = numbers[line.code]
                raise TableError("TABLE-OVERLAP", file=file, line=number, code=line.code, other_line=other)
            numbers[line.code] = number
        for number, line in rows:
            if line.merged_into is not None and line.merged_into not in numbers:
                raise TableError("TABLE-CODE", file=file, line=number, code=line.merged_into, list=file)
        return cls(version, tuple(line for _, line in rows))

    def name_of(self, organism: str) -> str:
        """Return the name of a body by its code of 5 or 9 digits, with the one that lives on; empty when unknown."""
        names = {line.code: line for line in self.lines}
        found = names.get(organism[:5])
        if found is None:
            return ""
        return found.name if found.merged_into is None else f"{found.name} → {names[found.merged_into].name}"
