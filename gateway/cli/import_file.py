"""``fse import``: the export of another application becomes draft encounters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gateway.cli.output import LanguageOption, console, language, plain, read_file, say, write_file
from gateway.errors import GatewayError
from gateway.importer import MAX_IMPORT_BYTES, import_rows, read_mapping

__all__ = ["import_file"]

_MISTAKES = 1
_OWN = ".toml"


def import_file(
    export: Annotated[Path, typer.Argument(metavar="EXPORT", help="un fichier .csv ou .json")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DOSSIER", help="où écrire les consultations")],
    mapping: Annotated[
        str, typer.Option(metavar="NOM|FICHIER.toml", help="correspondance des colonnes : schemas/imports")
    ] = "horus",
    already_synthetic: Annotated[
        bool, typer.Option("--already-synthetic", help="le fichier ne nomme déjà que des personnes fictives")
    ] = False,
    seed: Annotated[str, typer.Option(help="graine des identités fictives")] = "import",
    lang: LanguageOption = "fr",
) -> None:
    """
    Fait des brouillons de consultation à partir d'un export ; les identités deviennent fictives.

    0 toutes les lignes ; 1 des lignes à corriger, les autres sont écrites.
    """
    del lang
    own = Path(mapping) if mapping.endswith(_OWN) else None
    columns = read_mapping(mapping, None if own is None else read_file(own).decode("utf-8", "replace"))
    found = import_rows(read_file(export, MAX_IMPORT_BYTES), columns, seed=None if already_synthetic else seed)
    names = [f"{one.encounter.reference}.json" for one in found.drafts]
    taken = next((output / name for name in names if (output / name).exists() or names.count(name) > 1), None)
    if taken is not None:
        raise GatewayError("IMPORT-TAKEN", file=taken)
    output.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, draft in zip(names, found.drafts, strict=True):
        write_file(output / name, (draft.encounter.model_dump_json(indent=1, exclude_none=True) + "\n").encode())
    console.print(
        f"[green]{len(found.drafts)}[/] {say('consultations écrites', 'encounters written')},"
        f" {len(found.mistakes)} {say('lignes à corriger', 'rows to correct')},"
        f" {found.left} {say('laissées de côté', 'left aside')}",
        highlight=False,
    )
    if found.mistakes:
        table = Table(
            say("ligne", "line"), say("colonne", "column"), say("règle", "rule"), say("quoi faire", "what to do")
        )
        for one in found.mistakes:
            text = one.error.message(language())
            table.add_row(str(one.line), plain(one.column or "–"), one.error.rule.id, plain(text))
        console.print(table)
        raise typer.Exit(_MISTAKES)
