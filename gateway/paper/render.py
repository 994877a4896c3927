"""
A form as PDF, composed by Typst from the template ``form.typ``.

The data go in as JSON and are never spliced into markup. Fonts are those that Typst carries and the date is the form's:
one form gives one file, byte for byte. PDF/A-2b is declared and its structure tested; no validator has judged it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from importlib import import_module, resources
from typing import TYPE_CHECKING, Any, Final, Literal

import schemas
from fse.documents import Form708
from fse.identifiers import OrganismCode
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from fse.documents import Document
    from fse.tables import Tables

__all__ = ["render"]

_STANDARD: Final = "a-2b"


def render(document: Document, tables: Tables, *, format: Literal["pdf", "png"] = "pdf") -> bytes:  # noqa: A002 - the word of Typst
    """
    Return ``document`` as PDF (or its first page as a picture, PNG).

    ``tables`` give the names of the caisses. Raises :class:`gateway.errors.GatewayError` (PAPER-EXTRA) without the
    extra ``paper``.
    """
    try:
        typst: Any = import_module("typst")
    except ImportError:
        raise GatewayError("PAPER-EXTRA") from None
    source = resources.files(__package__).joinpath("form.typ").read_bytes()
    options: dict[str, Any] = {"pdf_standards": _STANDARD} if format == "pdf" else {"ppi": 80.0}
    created = datetime.combine(document.drawn_up_on, time(12), UTC)
    made = typst.compile(
        source,
        format=format,
        ignore_system_fonts=True,
        sys_inputs={"form": json.dumps(_form(document, tables), ensure_ascii=False)},
        timestamp=int(created.timestamp()),
        **options,
    )
    return bytes(made[0] if isinstance(made, list) else made)


def _form(document: Document, tables: Tables) -> dict[str, Any]:
    """Return what the template prints: the form itself, and the words of its boxes."""
    words = schemas.read_toml("forms.toml")
    found = document.model_dump(mode="json")
    organism = found.get("organism")
    caisse = None if organism is None else tables.caisses.find(organism, document.drawn_up_on)
    return found | {
        "title": words["title"][document.form],
        "mark": words["mark"][document.form],
        "reason_text": _reason(found.get("reason") or ""),
        "caisse": "" if caisse is None else caisse.name,
        "regime_box": tables.box_708(document.organism) if isinstance(document, Form708) else None,
        "centre": "" if organism is None else OrganismCode.parse(organism).centre,
    }


def _reason(key: str) -> str:
    own: dict[str, str] = schemas.read_toml("forms.toml")["reason"]
    others: dict[str, dict[str, str]] = schemas.read_toml("lifecycle.toml")["reason"]
    return own.get(key) or others.get(key, {}).get("fr", key)
