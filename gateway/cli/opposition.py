"""``fse opposition``: the opposition list of this machine, shown, applied, and made by the simulated issuer."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from fse.deadlines import PARIS
from fse.opposition_list import ISSUER, OpposedCard, OppositionList, in_order, write_list
from fse.tables import package_tables
from gateway.cli.output import LanguageOption, console, day_text, errors, language, plain, read_file, say, write_file
from gateway.clock import SystemClock
from gateway.home import Home
from gateway.opposition import opposition_of
from gateway.party import signer_of

if TYPE_CHECKING:
    from datetime import datetime

    from fse.opposition_list import Opposition

__all__ = ["app"]

_ISSUER_NAME = "Liste d'opposition inter-régimes (simulation)"

app = typer.Typer(help="La liste d'opposition des cartes Vitale, tous régimes.", no_args_is_help=True)


@app.command("show")
def show(
    cards: Annotated[bool, typer.Option("--cards", help="montre aussi chaque numéro de série")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="pour un programme : JSON")] = False,
    lang: LanguageOption = "fr",
) -> None:
    """Montre la liste en place : numéro, date, âge, cartes par régime ; avertit au-delà d'un jour."""
    del lang
    held, now = opposition_of(_home()).held(), SystemClock().now()
    if as_json:
        typer.echo(json.dumps(_document(held, now, cards=cards), indent=2))
        return
    if held is None:
        console.print(say("Aucune liste d'opposition n'est en place.", "No opposition list is held."), style="yellow")
        return
    _tell(held, now)
    known = {line.code: line.label for line in package_tables().regimes.lines}
    listing = Table(say("régime", "régime"), "", say("cartes", "cards"))
    for regime, count in sorted(Counter(card.regime for card in held.cards).items()):
        listing.add_row(regime, plain(known.get(regime, "–")), str(count))
    console.print(listing)
    for card in in_order(held.cards) if cards else ():
        console.print(f"{card.regime}:{card.serial}", highlight=False)


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="liste complète ou incrément, signé")],
    lang: LanguageOption = "fr",
) -> None:
    """Applique une liste complète ou l'incrément suivant ; ce qui est refusé laisse en place la liste d'avant."""
    del lang
    now = SystemClock().now()
    _tell(opposition_of(_home()).apply(read_file(file), now), now)


@app.command("make")
def make(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="où écrire la liste")],
    cards: Annotated[
        list[str] | None, typer.Argument(metavar="[RÉGIME:SÉRIE]...", help="cartes à ajouter : 01:990000000013")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="liste complète au lieu d'un incrément")] = False,
    lang: LanguageOption = "fr",
) -> None:
    """
    Fait la liste que l'émetteur simulé publierait après celle de ce poste : un incrément, ou la liste complète.

    La première est toujours complète. Elle n'est pas appliquée : fse opposition apply.
    """
    del lang
    home = _home()
    held, added = opposition_of(home).held(), [OpposedCard.parse(one) for one in cards or ()]
    whole = full or held is None
    listed = {*added, *(held.cards if held is not None and whole else ())}
    made = OppositionList(
        number=1 if held is None else held.number + 1,
        published=SystemClock().now(),
        cards=in_order(listed),
        previous=None if held is None or whole else (held.number, held.digest),
    )
    issuer = home.party("caisse", ISSUER, _ISSUER_NAME)
    write_file(file, write_list(made, signer_of(issuer)))
    kind = say("liste complète", "full list") if whole else say("incrément", "increment")
    console.print(
        f"[green]✔[/] {kind} n°{made.number} : {len(made.cards)} {say('carte(s)', 'card(s)')}", highlight=False
    )


def _home() -> Home:
    home = Home.local()
    home.make()
    return home


def _tell(held: Opposition, now: datetime) -> None:
    published = held.published.astimezone(PARIS)
    hours = max(int((now - held.published).total_seconds()) // 3600, 0)
    console.print(
        say("Liste d'opposition", "Opposition list"),
        f"n°{held.number}, {day_text(published.date())} {published:%H:%M}, {say('âge', 'age')} {hours} h :",
        f"{len(held.cards)} {say('carte(s)', 'card(s)')}",
        highlight=False,
    )
    warning = held.warning(now)
    if warning is not None:
        errors.print(
            f"[{warning.rule.id}] {warning.message(language())}", style="yellow", markup=False, highlight=False
        )


def _document(held: Opposition | None, now: datetime, *, cards: bool) -> dict[str, object]:
    if held is None:
        return {"number": None}
    warning = held.warning(now)
    found: dict[str, object] = {
        "number": held.number,
        "published": held.published.isoformat(),
        "age_seconds": max(int((now - held.published).total_seconds()), 0),
        "warning": warning.rule.id if warning else None,
        "cards": len(held.cards),
        "by_regime": dict(sorted(Counter(card.regime for card in held.cards).items())),
    }
    if cards:
        found["serials"] = [f"{card.regime}:{card.serial}" for card in in_order(held.cards)]
    return found
