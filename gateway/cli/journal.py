"""``fse journal``: the journal held against itself, sealed by checkpoints, backed up and restored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, errors, language, plain, read_file, say, write_file
from gateway.cli.tables import ProfileOption
from gateway.clock import SystemClock
from gateway.journal import CheckpointDesk, Journal
from gateway.journal.backup import back_up, restore
from gateway.journal.verification import verify_journal
from gateway.profile import DEFAULT
from gateway.reply import word
from gateway.station import Station
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from gateway.journal import Checkpoint
    from gateway.journal.verification import Verification

__all__ = ["app"]

app = typer.Typer(help="Le journal : vérifier, sceller, sauvegarder, restaurer.", no_args_is_help=True)

_UNSOUND = 1
_MAX_STATEMENT = 100_000


@app.command("verify")
def verify(
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    trust: Annotated[
        Path | None, typer.Option(metavar="DOSSIER", help="magasin de confiance (défaut : l'infrastructure locale)")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="POINT.json", help="point de contrôle gardé ailleurs (fse journal checkpoint -o)"),
    ] = None,
    lang: LanguageOption = "fr",
) -> None:
    """Cherche ce qui aurait été changé, retiré, ajouté ou coupé : 0 tout tient, 1 non, et où."""
    del lang
    outside = "" if against is None else read_file(against, _MAX_STATEMENT).decode("utf-8", "replace")
    with Station.open(journal, profile, must_exist=True) as station, _progress() as bar:
        task = bar.add_task(say("événements", "events"), total=None)
        found = verify_journal(
            station.journal,
            station.trust if trust is None else read_trust(trust),
            station.profile.biller,
            outside=outside,
            tell=lambda done, everything: bar.update(task, completed=done, total=everything),
        )
    for finding in found.findings:
        errors.print(plain(f"✘ [{finding.rule.id}] {finding.message(language())}"), style="bold red", soft_wrap=True)
    _tell(found)
    if found.findings:
        raise typer.Exit(_UNSOUND)


def _tell(found: Verification) -> None:
    style = "bold red" if found.findings else "bold green"
    mark = "✘" if found.findings else "✔"
    counted = say(
        f"{found.events} événements en {found.chains} chaînes, {found.rows} contenus,"
        f" {found.checkpoints} points de contrôle",
        f"{found.events} events in {found.chains} chains, {found.rows} rows, {found.checkpoints} checkpoints",
    )
    console.print(f"{mark} {counted}", style=style, highlight=False)
    if found.checkpoint is not None:
        console.print(_checkpoint_line(found.checkpoint), highlight=False, soft_wrap=True)
    console.print(say("Ce qu'aucune vérification ne voit :", "What no check can see:"), style="dim")
    for name in found.unseen:
        text = word("journal_unseen", name, language()).format(event=found.covered)
        console.print(f"  – {text}", style="dim", highlight=False, soft_wrap=True)


def _checkpoint_line(made: Checkpoint) -> str:
    facts = json.loads(made.statement)
    return say(
        f"Dernier point de contrôle : n° {made.number}, jusqu'à l'événement {made.last_event},"
        f" racine {facts['root'][:16]}…",
        f"Last checkpoint: no. {made.number}, up to event {made.last_event}, root {facts['root'][:16]}…",
    )


@app.command("checkpoint")
def checkpoint(
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="POINT.json", help="copie à garder ailleurs")
    ] = None,
    lang: LanguageOption = "fr",
) -> None:
    """Scelle le journal maintenant, signé par le facturier ; la passerelle le fait d'elle-même chaque jour."""
    del lang
    with Station.open(journal, profile, must_exist=True) as station:
        made = CheckpointDesk(station.journal, station.biller, station.profile.checkpoint_every).make()
        if made is None:
            with station.journal.read() as tx:
                made = tx.last_checkpoint()
            console.print(say("Rien de nouveau depuis le dernier.", "Nothing new since the last one."))
    if made is None:
        return
    if output is not None:
        write_file(output, made.statement.encode())
    console.print(_checkpoint_line(made), highlight=False, soft_wrap=True)


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(metavar="SAUVEGARDE", help="fichier à écrire")],
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Sauvegarde le journal, même pendant que la passerelle travaille ; la copie est elle-même un journal."""
    del lang
    with Station.open(journal, profile, must_exist=True) as station, _progress() as bar:
        task = bar.add_task(say("lignes", "rows"), total=None)
        count = back_up(
            station.journal, file, lambda done, everything: bar.update(task, completed=done, total=everything)
        )
    console.print(f"[bold green]✔[/] {plain(str(file))} : {count} {say('lignes', 'rows')}", highlight=False)


@app.command("restore")
def restored(
    file: Annotated[Path, typer.Argument(metavar="SAUVEGARDE", help="fichier fait par fse journal backup")],
    into: Annotated[str, typer.Option("--into", metavar="JOURNAL", help="journal vide : fichier ou postgresql://…")],
    lang: LanguageOption = "fr",
) -> None:
    """Remet une sauvegarde dans un journal vide, SQLite ou PostgreSQL ; tout ou rien."""
    del lang
    target = Journal(into, SystemClock())
    try:
        with _progress() as bar:
            task = bar.add_task(say("lignes", "rows"), total=None)
            count = restore(file, target, lambda done, everything: bar.update(task, completed=done, total=everything))
    finally:
        target.close()
    console.print(f"[bold green]✔[/] {plain(target.name)} : {count} {say('lignes', 'rows')}", highlight=False)


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=errors, transient=True)
