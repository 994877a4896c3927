"""``fse tables``: the dated tables, checked, shown and compared."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from fse.deadlines import PARIS
from fse.tables import TABLE_FILES, Tables, package_tables
from gateway.cli.output import LanguageOption, console, day_text, plain, say
from gateway.profile import load_profile
from gateway.table_folder import read_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ProfileOption", "TablesOption", "app", "tables_of"]

_DIFFERENT = 1

app = typer.Typer(help="Les tables datées : actes, caisses, marché des vaccins, sites…", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(metavar="DOSSIER", help="un jeu de tables complet (fse tables show)")]
TablesOption = Annotated[
    Path | None, typer.Option("--tables", metavar="DOSSIER", help="jeu de tables (défaut : celui du paquet)")
]
ProfileOption = Annotated[str, typer.Option("--profile", metavar="PROFIL", help="service : schemas/profiles")]


def tables_of(folder: Path | None) -> Tables:
    """Return the tables in ``folder``, those of the package when None."""
    return package_tables() if folder is None else read_tables(folder)


@app.command("check")
def check(folder: Folder, lang: LanguageOption = "fr") -> None:
    """Vérifie un jeu de tables : 0 tout tient ; sinon 2, le fichier, la ligne et quoi faire."""
    del lang
    found = read_tables(folder)
    for name, lines, label in _tables(found):
        console.print(f"[green]✔[/] {name} : {lines} {say('lignes', 'lines')}, {escape(label)}", highlight=False)


@app.command("show")
def show(
    name: Annotated[str | None, typer.Argument(metavar="TABLE", help="une table, par exemple acts.csv")] = None,
    tables: TablesOption = None,
    lang: LanguageOption = "fr",
) -> None:
    """Montre les tables, ou les lignes d'une table ; ce qui est incertain le dit."""
    del lang
    found = tables_of(tables)
    if name is None:
        listing = Table(
            say("table", "table"), say("lignes", "lines"), say("incertaines", "uncertain"), "label", "SHA-256"
        )
        for file, one in _by_file(found):
            uncertain = sum(line.certainty == "U" for line in one.lines)
            listing.add_row(
                file, str(len(one.lines)), str(uncertain), plain(one.version.label), one.version.digest[:12]
            )
        console.print(listing)
        _show_version(found)
        return
    tables_by_file = dict(_by_file(found))
    if name not in tables_by_file:
        raise typer.BadParameter(", ".join(TABLE_FILES), param_hint="TABLE")
    lines = tables_by_file[name].lines
    shown = [column for column in type(lines[0]).model_fields if column not in {"source", "licence", "note"}]
    listing = Table()
    for column in shown:
        listing.add_column(column, overflow="fold")
    for line in lines:
        listing.add_row(*(_cell(getattr(line, column)) for column in shown))
    console.print(listing)


@app.command("diff")
def diff(folder: Folder, tables: TablesOption = None, lang: LanguageOption = "fr") -> None:
    """Compare un jeu de tables à celui du paquet (ou à --tables) : 0 mêmes lignes, 1 des différences."""
    del lang
    here, there = dict(_by_file(tables_of(tables))), dict(_by_file(read_tables(folder)))
    different = False
    for name in TABLE_FILES:
        before, after = list(here[name].lines), list(there[name].lines)
        for sign, style, lines in (
            ("-", "red", [line for line in before if line not in after]),
            ("+", "green", [line for line in after if line not in before]),
        ):
            for line in lines:
                different = True
                text = ", ".join(_cell(value) for value in line.model_dump().values() if value is not None)
                console.print(f"{sign} {name} : {text}", style=style, markup=False, highlight=False, soft_wrap=True)
    if not different:
        console.print(say("Mêmes lignes.", "Same lines."))
        return
    raise typer.Exit(_DIFFERENT)


def _by_file(found: Tables) -> Iterator[tuple[str, Any]]:
    """Yield each table by its file name."""
    for name, one in zip(TABLE_FILES, fields(found), strict=True):
        yield name, getattr(found, one.name)


def _tables(found: Tables) -> Iterator[tuple[str, int, str]]:
    for name, one in _by_file(found):
        yield name, len(one.lines), one.version.label


def _show_version(found: Tables) -> None:
    """Say where the cahier des charges that the service declares stands today."""
    code, today = load_profile().specification, datetime.now(PARIS).date()
    adoption = found.specifications.adoption(code, today)
    words = {
        "compliant": say("à jour", "up to date"),
        "due": say("à remplacer", "to be replaced"),
        "overdue": say("HORS DÉLAI", "OVERDUE"),
    }
    text = f"{say('Cahier des charges', 'Cahier des charges')} {code} : {words[adoption.state]}"
    if adoption.until is not None:
        text += f", {say('au plus tard le', 'at the latest on')} {day_text(adoption.until)} ({adoption.days_left} j)"
    console.print(text, highlight=False)


def _cell(value: object) -> str:
    return "" if value is None else "|".join(value) if isinstance(value, tuple) else str(value)
