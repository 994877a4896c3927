"""``fse paper``: the paper forms as PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fse.documents import CareSheetPaper, patient_copy, read_document
from fse.tables import package_tables
from gateway.cli.output import LanguageOption, console, read_file, say, write_file
from gateway.paper import render

__all__ = ["paper"]


def paper(
    documents: Annotated[
        list[Path], typer.Argument(metavar="PAPIER.json...", help="papiers, tels que fse demo les écrit (papiers/)")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DOSSIER", help="où écrire les PDF")],
    patient: Annotated[
        bool, typer.Option("--patient", help="le volet remis au patient, d'une feuille de soins")
    ] = False,
    lang: LanguageOption = "fr",
) -> None:
    """Compose des papiers en PDF : feuille de soins, duplicata, 708, 709, récapitulatif ; tous marqués SIMULATION."""
    del lang
    forms = [(path.stem, read_document(read_file(path))) for path in documents]
    if patient:
        sheets = [(name, form) for name, form in forms if isinstance(form, CareSheetPaper)]
        if len(sheets) < len(forms):
            told = say("d'une feuille de soins seulement", "of a care sheet only")
            raise typer.BadParameter(told, param_hint="--patient")
        forms = [(f"{name}-patient", patient_copy(form)) for name, form in sheets]
    output.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, form in forms:
        write_file(output / f"{name}.pdf", render(form, package_tables()))
        console.print("[green]✔[/]", output / f"{name}.pdf", highlight=False)
