"""``fse b2``: files of the norme B2, made from sealed sheets or typed records, read, checked and explained."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from unicodedata import combining, normalize

import typer
from rich.table import Table
from rich.text import Text

from fse.b2.check import check_bytes, is_sound
from fse.b2.codes import code_label
from fse.b2.file import B2File
from fse.b2.json_form import read_json, write_json
from fse.b2.layout import layouts, position
from fse.b2.projection import Shipment, project
from fse.deadlines import parse_day
from fse.seals import verify_sheet
from gateway.cli.output import (
    LanguageOption,
    console,
    day_text,
    errors,
    euros,
    language,
    plain,
    read_file,
    say,
    write_file,
)
from gateway.cli.tables import ProfileOption
from gateway.home import Home
from gateway.profile import DEFAULT, load_profile
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fse.b2.codec import FieldValue
    from fse.b2.errors import B2Error
    from fse.b2.layout import Field
    from fse.b2.record import Record

__all__ = ["app"]

_UNSOUND = 1
_NO_VALUE = "–"
_CERTAINTY = {"two-sources": "", "one-source": "dim", "uncertain": "yellow"}

app = typer.Typer(help="Norme B2 : fichiers de 128 caractères, projection des feuilles scellées.", no_args_is_help=True)

B2Path = Annotated[Path, typer.Argument(metavar="FICHIER.b2", help="fichier B2")]


@app.command("encode")
def encode(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE…", help="un JSON d'enregistrements, ou des feuilles scellées")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FICHIER.b2", help="fichier à écrire")],
    day: Annotated[
        str | None, typer.Option(metavar="AAAA-MM-JJ", help="date du fichier (feuilles ; défaut : aujourd'hui)")
    ] = None,
    file_id: Annotated[str, typer.Option(help="identifiant du fichier, 6 caractères (feuilles)")] = "FSE001",
    lot: Annotated[int, typer.Option(min=1, max=999, help="numéro de lot (feuilles)")] = 1,
    computing_centre: Annotated[str, typer.Option(help="centre informatique de la caisse, 3 caractères")] = "000",
    biller_name: Annotated[
        str | None, typer.Option(help="nom du facturier, 40 caractères au plus (défaut : celui du profil)")
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", metavar="DOSSIER", help="magasin de confiance (défaut : l'infrastructure locale)"),
    ] = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Écrit un fichier B2, depuis le JSON de fse b2 decode ou depuis des feuilles dont les scellés sont vérifiés."""
    del lang
    if len(sources) == 1 and sources[0].suffix == ".json":
        file = read_json(read_file(sources[0]))
    else:
        store = read_trust(trust if trust is not None else Home.local().trust)
        now = datetime.now(UTC)
        sheets = [verify_sheet(read_file(source), store, now).sheet for source in sources]
        shipment = Shipment(
            day=parse_day(day) if day is not None else now.date(),
            file_id=file_id,
            lot=lot,
            biller_name=_capitals(biller_name or load_profile(profile).name),
            computing_centre=computing_centre,
        )
        file = project(sheets, shipment)
    data = file.encode()
    write_file(output, data)
    told = say("enregistrements", "records")
    console.print(f"✔ {output} : {len(file.records)} {told}", style="green", markup=False, highlight=False)
    _tell(check_bytes(data))


@app.command("decode")
def decode(
    file: B2Path,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="JSON", help="fichier à écrire (défaut : la sortie)")
    ] = None,
    lang: LanguageOption = "fr",
) -> None:
    """Donne les enregistrements en JSON : montants en centimes, dates AAAA-MM-JJ, champs vides omis."""
    del lang
    text = write_json(B2File.decode(read_file(file)))
    if output is None:
        typer.echo(text)
    else:
        write_file(output, f"{text}\n".encode())


@app.command("check")
def check(file: B2Path, lang: LanguageOption = "fr") -> None:
    """Vérifie tout un fichier : 0 rien que des avertissements, 1 au moins une erreur ; chacune avec sa place."""
    del lang
    findings = check_bytes(read_file(file))
    _tell(findings)
    if not is_sound(findings):
        raise typer.Exit(_UNSOUND)
    console.print(say("✔ Le fichier tient.", "✔ The file holds."), style="bold green")


@app.command("explain")
def explain(
    file: B2Path,
    whole: Annotated[bool, typer.Option("--all", help="montre aussi les champs vides et les zones fixes")] = False,
    lang: LanguageOption = "fr",
) -> None:
    """Montre un fichier champ par champ ; ce qui vient d'une seule source est pâle, l'incertain est jaune."""
    del lang
    found = B2File.decode(read_file(file))
    for rank, record in enumerate(found.records, start=1):
        layout = layouts()[record.type]
        title = f"{rank} · {record.type} · {layout.fr if language() == 'fr' else layout.en}"
        table = Table(title=title, title_justify="left", title_style="bold cyan")
        table.add_column(say("position", "position"), justify="right")
        for heading in (say("champ", "field"), say("écrit", "written"), say("lu", "read")):
            table.add_column(heading, overflow="fold")
        text = record.encode(found.day, rank)
        for field, index in _shown(record, whole=whole):
            start = field.starts[index]
            table.add_row(
                position(start, field.length),
                Text(_label(field, index), style=_CERTAINTY[field.certainty]),
                plain(text[start - 1 : start - 1 + field.length]),
                _meaning(field, _value(record, field, index)),
            )
        console.print(table)


def _shown(record: Record, *, whole: bool) -> Iterator[tuple[Field, int]]:
    for field in layouts()[record.type].fields:
        for index in range(field.times):
            if whole or (field.name and _value(record, field, index)):
                yield field, index


def _value(record: Record, field: Field, index: int) -> FieldValue:
    found = record.values.get(field.name)
    return found[index] if isinstance(found, tuple) else found


def _label(field: Field, index: int) -> str:
    name = (field.fr if language() == "fr" else field.en) or say("zone fixe", "fixed zone")
    return f"{name} {index + 1}" if field.times > 1 else name


def _meaning(field: Field, value: FieldValue) -> Text:
    """Return what a value means: euros, a day, a code with its label."""
    if value is None:
        return Text(_NO_VALUE, style="dim")
    if field.kind == "amount" and isinstance(value, int):
        return Text(euros(value), style="green")
    if isinstance(value, date):
        return Text(day_text(value), style="magenta")
    label = code_label(field.codes, str(value), language()) if field.codes else ""
    return plain(f"{value} : {label}" if label else str(value))


def _tell(findings: tuple[B2Error, ...]) -> None:
    for one in findings:
        mark, style = ("✘", "bold red") if one.rule.severity == "error" else ("⚠", "yellow")
        text = plain(f"{mark} [{one.rule.id}] {one.message(language())}")
        errors.print(text, style=style, highlight=False, soft_wrap=True)


def _capitals(text: str) -> str:
    """Return ``text`` as these files write it: capitals, no accents or specials; too long is refused later."""
    bare = "".join(letter for letter in normalize("NFD", text.upper()) if not combining(letter))
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in bare).split()
    return " ".join(words)
