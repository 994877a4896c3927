"""``fse lifecycle``: the life cycles of a sheet, of a lot and of a paper, as their tables have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from fse.lifecycle import LOTS, PAPERS, SHEETS, PolicyName, wording
from gateway.cli.output import LanguageOption, console, language, plain, say
from gateway.lifecycle_pages import AnyTable, state_lines, states_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

__all__ = ["lifecycle"]

_TABLES: dict[str, AnyTable] = {table.name: table for table in (SHEETS, LOTS, PAPERS)}
_CERTAINTY = {"A": "green", "B": "green", "C": "yellow", "U": "red"}


def lifecycle(
    name: Annotated[
        str | None, typer.Argument(metavar="sheet|lot|paper", help="la feuille, le lot ou le papier (défaut : les 3)")
    ] = None,
    events: Annotated[
        bool,
        typer.Option("--events", help="montre aussi chaque ligne : conditions, effets, source ; et les minuteries"),
    ] = False,
    lang: LanguageOption = "fr",
) -> None:
    """Montre les cycles de vie : états, quoi faire ensuite, délais, et les lectures du texte."""
    del lang
    if name is not None and name not in _TABLES:
        told = say(f"inconnu ; au choix : {', '.join(_TABLES)}", f"unknown; known: {', '.join(_TABLES)}")
        raise typer.BadParameter(told, param_hint="sheet|lot|paper")
    shown = list(_TABLES.values()) if name is None else [_TABLES[name]]
    for table in shown:
        _show_states(table)
        if events:
            _show_rows(table)
            _show_timers(table)
    # the readings of the law differ on emission alone: a paper has none
    if any("emission" in table.limits for table in shown):
        _show_policies()


def _show_states(table: AnyTable) -> None:
    listing = _listing(
        f"{table.name} : {say('états', 'states')}",
        say("état", "state"),
        say("ce qu'il dit", "what it says"),
        say("quoi faire ensuite", "what to do next"),
        say("délai", "limit"),
    )
    for line in state_lines(table):
        style = "dim" if line.state in table.finals else "bold cyan"
        limit = Text(line.limit.text(language()), "yellow") if line.limit else "–"
        action = plain(line.action.text(language()))
        listing.add_row(Text(line.state, style), plain(line.words.text(language())), action, limit)
    console.print(listing)


def _show_rows(table: AnyTable) -> None:
    listing = _listing(
        f"{table.name} : {say('événements', 'events')}",
        say("état", "state"),
        say("événement", "event"),
        say("vers", "to"),
        say("conditions", "conditions"),
        say("effets", "effects"),
        "source",
    )
    for state in states_of(table):
        for row in (row for row in table.rows if row.state is state):
            listing.add_row(
                Text(row.state, "bold cyan"),
                _event(row.event),
                Text(say("reste", "stays"), "dim") if row.to is row.state else Text(row.to, "bold cyan"),
                _words("guard", [guard.name for guard in row.guards], "yellow"),
                _words("effect", row.effects, "green"),
                plain(row.source),
            )
        listing.add_section()
    console.print(listing)


def _show_timers(table: AnyTable) -> None:
    listing = _listing(
        f"{table.name} : {say('ce que le temps seul fait', 'what time alone does')}",
        say("état", "state"),
        say("événement", "event"),
    )
    for state in states_of(table):
        for timer in (timer for timer in table.timers if timer.state is state):
            listing.add_row(Text(timer.state, "bold cyan"), _event(timer.event))
    console.print(listing)


def _show_policies() -> None:
    listing = _listing(
        say("lectures du texte", "readings of the law"),
        say("nom", "name"),
        say("ce qu'elle dit", "what it says"),
        "source",
        say("certitude", "certainty"),
    )
    for one in PolicyName:
        certainty = Text(one.certainty, _CERTAINTY[one.certainty])
        listing.add_row(Text(one, "bold cyan"), plain(one.words.text(language())), plain(one.words.source), certainty)
    console.print(listing)


def _listing(title: str, *columns: str) -> Table:
    listing = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        listing.add_column(column, overflow="fold")
    return listing


def _event(event: StrEnum) -> Text:
    return Text.assemble((event, "bold"), "\n", wording("event", event).text(language()))


def _words(kind: str, names: Iterable[str], style: str) -> Text:
    return Text("\n".join(wording(kind, name).text(language()) for name in names) or "–", style)
