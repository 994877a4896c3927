"""Everything that is wrong with a B2 file, at once: each finding is a rule of the catalogue with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.b2.code_rules import code_findings
from fse.b2.file import scan_file
from fse.b2.file_rules import file_findings
from fse.b2.invoice_rules import invoice_findings
from fse.b2.order_rules import order_findings

if TYPE_CHECKING:
    from fse.b2.errors import B2Error
    from fse.b2.file import B2File

__all__ = ["check", "check_bytes", "is_sound"]


def check(file: B2File) -> tuple[B2Error, ...]:
    """Return every finding by rank and position; a warning is a finding whose rule has that severity."""
    found = [*order_findings(file), *code_findings(file), *invoice_findings(file), *file_findings(file)]
    return tuple(sorted(found, key=lambda one: (one.place.rank, one.place.at)))


def check_bytes(data: bytes) -> tuple[B2Error, ...]:
    """
    Return every finding of the file in ``data``.

    While one field cannot be read, counts and sums would blame the wrong place: then only what cannot be read is told.
    """
    file, unreadable = scan_file(data)
    return unreadable or check(file)


def is_sound(findings: tuple[B2Error, ...]) -> bool:
    """Tell whether nothing but warnings was found."""
    return all(one.rule.severity == "warning" for one in findings)
