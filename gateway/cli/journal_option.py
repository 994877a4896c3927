"""The option by which a command names its journal."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["JournalOption"]

JournalOption = Annotated[
    str | None,
    typer.Option(
        "--journal",
        metavar="JOURNAL",
        help="fichier SQLite ou postgresql://… (défaut : $FSE_JOURNAL, sinon celui du dossier local)",
    ),
]
