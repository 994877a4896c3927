"""``fse deadline``: the last day to transmit a sheet."""

from __future__ import annotations

from typing import Annotated

import typer

from fse.deadlines import DELAYS, explain, parse_day, transmission_deadline
from fse.working_days import Calendar, Place
from gateway.cli.output import LanguageOption, console, day_text, language, say

__all__ = ["deadline"]


def deadline(
    day: Annotated[str, typer.Argument(metavar="DATE", help="jour de départ du délai (dernier acte), AAAA-MM-JJ")],
    place: Annotated[str, typer.Option(help="département du site (57, 67, 68 : Alsace-Moselle)")],
    direct: Annotated[bool, typer.Option("--direct", help="le patient a payé : 3 jours ouvrés au lieu de 8")] = False,
    no_good_friday: Annotated[
        bool, typer.Option("--no-good-friday", help="commune sans temple protestant ni église mixte")
    ] = False,
    explained: Annotated[bool, typer.Option("--explain", help="montre le compte jour par jour")] = False,
    lang: LanguageOption = "fr",
) -> None:
    """Dernier jour pour transmettre une feuille (CSS R161-47, R161-42 10°)."""
    del lang
    start = parse_day(day)
    calendar = Calendar(Place(place, good_friday=False if no_good_friday else None))
    last = transmission_deadline(start, calendar, direct=direct)
    typer.echo(last.isoformat())
    if not explained:
        return
    count = DELAYS.direct if direct else DELAYS.transmission
    for line in explain(start, calendar, count):
        rank = "  " if line.counted is None else f"{line.counted:>2}"
        style = "dim" if line.counted is None else "bold green" if line.counted == count else ""
        console.print(
            f"{day_text(line.day):<16} {rank}  {line.fr if language() == 'fr' else line.en}",
            style=style,
            highlight=False,
        )
    console.print(
        say("Fin du délai : ce jour à minuit, heure de Paris.", "The delay ends that day at midnight, Paris time.")
    )
