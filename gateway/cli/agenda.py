"""``fse agenda``, ``fse status``, ``fse show``: what is expected and by when, how all stands, the story of a sheet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter
from rich.table import Table
from rich.text import Text

import schemas
from fse.deadlines import PARIS
from fse.lifecycle import wording
from fse.lifecycle.punctuality import Punctuality
from gateway.agenda import Agenda, Line, read_agenda
from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, day_text, language, plain, say
from gateway.cli.tables import ProfileOption
from gateway.profile import DEFAULT
from gateway.station import Station
from gateway.status import Status, read_status
from gateway.timeline import Timeline, read_timeline

if TYPE_CHECKING:
    from fse.lifecycle.punctuality import Timing
    from gateway.profile import ServiceProfile

__all__ = ["AtOption", "agenda", "instant_of", "show", "status"]

_COLOURS = {Punctuality.LATE: "bold red", Punctuality.AT_RISK: "yellow", Punctuality.ON_TIME: "green"}
_SUBJECTS = {"sheet": ("feuille", "sheet"), "lot": ("lot", "lot"), "paper": ("papier", "paper")}
_CELLS = 10
_NEVER = "–"

AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="AAAA-MM-JJ[THH:MM]", help="à ce moment (heure de Paris) au lieu de maintenant"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="pour un programme : JSON")]


def _station(journal: str | None, profile: str) -> Station:
    """Return the station over a journal that exists: whoever only reads makes none."""
    return Station.open(journal, profile, must_exist=True)


# -------------------------------------------------------------------------------------------------------------- agenda


def agenda(
    at: AtOption = None,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    as_json: JsonOption = False,
    lang: LanguageOption = "fr",
) -> None:
    """Ce que la loi attend, et pour quand : en retard, aujourd'hui, demain, plus tard, à signer."""
    del lang
    moment = instant_of(at)
    with _station(journal, profile) as station:
        found = read_agenda(station.journal, station.profile, moment or station.clock.now())
        service = station.profile
    if as_json:
        typer.echo(TypeAdapter(Agenda).dump_json(found, indent=2))
        return
    sections = (
        (say("en retard", "overdue"), found.overdue, "bold red"),
        (f"{say('ce jour', 'today')}, {day_text(found.on)}", found.today, "bold"),
        (f"{say('prochain jour ouvré', 'next jour ouvré')}, {day_text(found.next_day)}", found.tomorrow, "bold"),
        (say("plus tard", "later"), found.later, "bold"),
        (say("à signer", "to sign"), found.to_sign, "bold cyan"),
    )
    for title, lines, style in sections:
        if lines:
            console.print(_lines_table(title, style, lines, service))
    if not any(lines for _, lines, _ in sections):
        console.print(say("Rien n'est attendu.", "Nothing is expected."), style="green")


def _lines_table(title: str, style: str, lines: tuple[Line, ...], service: ServiceProfile) -> Table:
    listing = _listing(
        f"{title} ({len(lines)})",
        say("quoi", "what"),
        "site",
        say("délai", "limit"),
        "jours ouvrés",
        say("quoi faire", "what to do"),
        say("pourquoi", "why"),
        style=style,
    )
    for line in lines:
        why = Text(line.timing.text(language()))
        if line.hold:
            why = Text.assemble((say("retenu : ", "held: "), "bold red"), plain(line.hold))
        listing.add_row(
            Text(f"{say(*_SUBJECTS[line.subject])} {line.number}", "bold"),
            _site(line.site, service),
            _timed(line.timing, _NEVER if line.day is None else day_text(line.day)),
            _bar(line.timing),
            wording("action", line.action).text(language()),
            why,
        )
    return listing


def _site(finess: str, service: ServiceProfile) -> Text:
    known = service.sites.get(finess)
    return plain(known.name if known else finess or _NEVER)


def _timed(timing: Timing, text: str) -> Text:
    return Text.assemble((text, _COLOURS[timing.punctuality]), " ", timing.punctuality.text(language()))


def _bar(timing: Timing) -> Text:
    """Return the jours ouvrés used of those allowed, as a bar; a long time is drawn to scale."""
    if not timing.allowed:
        return Text(_NEVER)
    cells = min(timing.allowed, _CELLS)
    full = timing.used * cells // timing.allowed
    return Text(f"{'▰' * full}{'▱' * (cells - full)} {timing.used}/{timing.allowed}", _COLOURS[timing.punctuality])


# -------------------------------------------------------------------------------------------------------------- status


def status(
    at: AtOption = None,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    as_json: JsonOption = False,
    lang: LanguageOption = "fr",
) -> None:
    """Où en est la passerelle : feuilles, lots, papiers, quarantaine, dernier point de contrôle."""
    del lang
    moment = instant_of(at)
    with _station(journal, profile) as station:
        found = read_status(station.journal, station.profile, moment or station.clock.now())
    if as_json:
        typer.echo(TypeAdapter(Status).dump_json(found, indent=2))
        return
    listing = _listing(f"{say('état au', 'status at')} {_moment(found.at)}", "", "")
    for name, value in _status_lines(found):
        listing.add_row(Text(name, "bold"), value)
    console.print(listing)


def _status_lines(found: Status) -> list[tuple[str, Text]]:
    oldest, seal = found.oldest_unsent, found.checkpoint
    lines = [
        (say("numéros de feuille donnés", "sheet numbers given"), Text(str(found.numbers_given))),
        (say("feuilles ouvertes", "open sheets"), _counts("sheet", found.sheets)),
        (say("lots ouverts", "open lots"), _counts("lot", found.lots)),
    ]
    lines += [(f"  caisse {code}", _counts("lot", states)) for code, states in found.destinations.items()]
    verdicts = [(f"{one.text(language())} : {found.punctuality[one]}  ", _COLOURS[one]) for one in Punctuality]
    held = Text(", ".join(map(str, found.held)), "bold red") if found.held else Text(_NEVER)
    lines += [
        (say("lots retenus", "held lots"), held),
        (
            say("papiers à imprimer, à poster", "papers to print, to post"),
            Text(f"{found.papers_to_print}, {found.papers_to_post}"),
        ),
        (say("messages en quarantaine", "messages in quarantine"), Text(str(found.quarantine))),
        (say("ponctualité", "punctuality"), Text.assemble(*verdicts)),
        (
            say("plus ancienne feuille non émise", "oldest unsent sheet"),
            _timed(oldest.timing, f"{oldest.number}, {day_text(oldest.established_on)}") if oldest else Text(_NEVER),
        ),
        (say("prochain délai", "next limit"), Text(day_text(found.next_limit) if found.next_limit else _NEVER)),
        (
            say("dernier point de contrôle", "last checkpoint"),
            Text(f"{seal.number}, {_moment(seal.at)}" if seal else _NEVER),
        ),
    ]
    return lines


def _counts(kind: str, counts: dict[str, int]) -> Text:
    short = schemas.read_toml("wording.toml")["short"]
    words = (f"{short[f'{kind}.{name}'][language()]} : {count}" for name, count in counts.items())
    return Text(", ".join(words) or _NEVER)


# ---------------------------------------------------------------------------------------------------------------- show


def show(
    sheet: Annotated[int, typer.Argument(metavar="FEUILLE", min=1, max=999_999_999, help="numéro de la feuille")],
    at: AtOption = None,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    as_json: JsonOption = False,
    lang: LanguageOption = "fr",
) -> None:
    """Toute l'histoire d'une feuille : ses événements, ceux de ses lots et de ses papiers, et son délai."""
    del lang
    moment = instant_of(at)
    with _station(journal, profile) as station:
        found = read_timeline(station.journal, station.profile, sheet, moment or station.clock.now())
        service = station.profile
    if as_json:
        typer.echo(TypeAdapter(Timeline).dump_json(found, indent=2))
        return
    _show_head(found, service)
    listing = _listing(
        say("histoire", "story"), say("quand", "when"), say("quoi", "what"), say("événement", "event"), ""
    )
    for one in found.moments:
        listing.add_row(
            _moment(one.at),
            Text(f"{say(*_SUBJECTS[one.subject])} {one.number}", "bold"),
            plain(one.text(language())),
            plain(one.said(language())),
        )
    console.print(listing)


def _show_head(found: Timeline, service: ServiceProfile) -> None:
    console.print(Text(f"{say('Feuille', 'Sheet')} {found.number:09d}", "bold"))
    if found.timing is None or found.deadline is None:
        console.print(say("Contenu effacé ; ses événements restent.", "Content deleted; its events stay."), style="dim")
        return
    console.print(_site(found.site, service))
    console.print(wording("sheet", found.state).text(language()))
    console.print(_timed(found.timing, f"{say('délai', 'limit')} {day_text(found.deadline)},"), _bar(found.timing))
    console.print(plain(found.timing.text(language())))
    by = f" ({day_text(found.day)})" if found.day else ""
    console.print(Text(f"→ {wording('action', found.action).text(language())}{by}", "bold"))


# -------------------------------------------------------------------------------------------------------------- shared


def instant_of(text: str | None) -> datetime | None:
    """Return the moment that a person wrote, in Paris unless it names its zone; a day alone is its noon."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        told = say("attendu : AAAA-MM-JJ ou AAAA-MM-JJTHH:MM", "expected: YYYY-MM-DD or YYYY-MM-DDTHH:MM")
        raise typer.BadParameter(told, param_hint="--at") from None
    if "T" not in text and " " not in text:
        found = found.replace(hour=12)
    return found if found.tzinfo else found.replace(tzinfo=PARIS)


def _moment(at: datetime) -> str:
    return f"{day_text(at.astimezone(PARIS).date())} {at.astimezone(PARIS):%H:%M}"


def _listing(title: str, *columns: str, style: str = "bold") -> Table:
    listing = Table(title=title, title_justify="left", title_style=style, show_header=any(columns))
    for column in columns:
        listing.add_column(column, overflow="fold")
    return listing
