"""
The label of a file on its way: everything that a concentrator may know of it.

Sender, recipient, numbers and kind of flow; nothing medical (protocol art. 3: confidentiality). It travels as HTTP
headers, in our own names: the real ones are not public.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FileLabel", "LabelError"]

_FORMS = {
    "FSE-Facturier": r"(?:[0-9]{2}|2[AB])[0-9]{7}",
    "FSE-Organisme": r"[0-9]{9}",
    "FSE-Fichier": r"[0-9]{6}",
    "FSE-Lot": r"[0-9]{6}",
    "FSE-Flux": r"securise|degrade",
}


class LabelError(GatewayError):
    """A file without a readable label cannot be carried."""


@dataclass(frozen=True, slots=True)
class FileLabel:
    """Who sends which file, with which lot, to whom, in which mode."""

    biller: str
    organism: str
    file_number: int
    lot_number: int
    mode: str

    def headers(self) -> dict[str, str]:
        """Return the label as HTTP headers."""
        values = (self.biller, self.organism, f"{self.file_number:06d}", f"{self.lot_number:06d}", self.mode)
        return dict(zip(_FORMS, values, strict=True))

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> FileLabel:
        """
        Return the label written in ``headers``.

        Raises :class:`LabelError` (LABEL-FORM) naming the header at fault.
        """
        values = []
        for name, form in _FORMS.items():
            value = headers.get(name, "")
            if not re.fullmatch(form, value):
                raise LabelError("LABEL-FORM", header=name)
            values.append(value)
        biller, organism, file_number, lot_number, mode = values
        return cls(biller, organism, int(file_number), int(lot_number), mode)
