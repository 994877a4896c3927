"""What codes stand for (``schemas/b2/codes.toml``): closed lists are checked, the others only give labels."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import schemas
from fse.tables import package_tables

if TYPE_CHECKING:
    from fse.rules import Language

__all__ = ["code_label", "is_known"]


def is_known(codes: str, value: str) -> bool:
    """Tell whether the list ``codes`` takes ``value``: an open list takes any."""
    return not schemas.read_toml("b2/codes.toml")[codes]["closed"] or value in _labels(codes, "fr")


def code_label(codes: str, value: str, language: Language = "fr") -> str:
    """Return what ``value`` stands for, empty when the list does not say; labels of tables are French."""
    return _labels(codes, language).get(value, "")


@cache
def _labels(codes: str, language: Language) -> dict[str, str]:
    entry = schemas.read_toml("b2/codes.toml")[codes]
    tables = package_tables()
    if "table" in entry:
        by_file = {"natures.csv": tables.natures, "exemptions.csv": tables.exemptions, "regimes.csv": tables.regimes}
        return {line.code: line.label for line in by_file[entry["table"]].lines}
    if "acts" in entry:
        labels: dict[str, str] = {}
        for act in tables.acts.lines:
            labels.setdefault(act.letter or act.code, act.label)
        return labels
    return dict(entry[language])
