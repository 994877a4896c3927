"""``fse obligations``: everything that is due, in one calendar (PROT-49)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from fse.deadlines import PARIS, paris_date, parse_day
from fse.lifecycle import wording
from fse.obligations import Events, due_of_events, falling_due
from fse.obligations import obligations as all_obligations
from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, day_text, language, plain, say
from gateway.clock import SystemClock
from gateway.obligations import calendar_service, expected_of_sheets
from gateway.profile import DEFAULT
from gateway.station import Station

if TYPE_CHECKING:
    from fse.obligations import Due, Obligation
    from gateway.obligations import Expected

__all__ = ["obligations"]

_EITHER = "--year | --from --to"
_SOON = timedelta(days=30)
_SUBJECTS = {"sheet": ("feuille(s)", "sheet(s)"), "lot": ("lot(s)", "lot(s)"), "paper": ("papier(s)", "paper(s)")}


def obligations(
    year: Annotated[int | None, typer.Option(metavar="AAAA", min=1998, max=2199, help="toute une année")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="AAAA-MM-JJ", help="premier jour")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="AAAA-MM-JJ", help="dernier jour, compris")] = None,
    act: Annotated[str | None, typer.Option(metavar="AAAA-MM-JJ", help="dernier acte d'une feuille")] = None,
    failure: Annotated[str | None, typer.Option(metavar="AAAA-MM-JJ", help="jour où son échec est connu")] = None,
    ack: Annotated[str | None, typer.Option(metavar="AAAA-MM-JJ", help="jour de son accusé positif")] = None,
    sheets: Annotated[bool, typer.Option("--sheets", help="ajoute ce qu'attendent les feuilles du journal")] = False,
    journal: JournalOption = None,
    profile: Annotated[str, typer.Option(metavar="NOM", help="profil du service")] = DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="pour un programme : JSON")] = False,
    lang: LanguageOption = "fr",
) -> None:
    """
    Toutes les échéances d'une période : papiers, 709, marché, MRTC, bilan, cahier des charges, convention.

    Les délais d'une feuille comptent d'un événement : --act, --failure, --ack les donnent pour un cas.
    """
    del lang
    today = paris_date(SystemClock().now())
    period = _period(today, year, first, last)
    service = calendar_service(profile)
    given = Events(act=_day(act), failure=_day(failure), acknowledgement=_day(ack))
    dues = (*falling_due(*period, service), *due_of_events(given, service))
    dues = tuple(sorted(dues, key=lambda due: due.day))
    waiting = _waiting(journal, profile, period) if sheets else ()
    shown = {due.obligation.id for due in dues}
    running = [one for one in all_obligations().values() if one.when.of_a_sheet and one.id not in shown]
    if as_json:
        typer.echo(json.dumps(_document(period, dues, waiting, running), ensure_ascii=False, indent=2))
        return
    console.print(_calendar(period, dues, waiting, today))
    if running:
        console.print(_of_sheets(running))


def _period(today: date, year: int | None, first: str | None, last: str | None) -> tuple[date, date]:
    """Return the days asked for: a year, this one unless said, or from one day to another."""
    if year is not None and (first or last):
        raise typer.BadParameter(_EITHER)
    of = year or (parse_day(first or last or today.isoformat()).year)
    start, end = date(of, 1, 1), date(of, 12, 31)
    return (parse_day(first) if first else start), (parse_day(last) if last else end)


def _day(text: str | None) -> date | None:
    return None if text is None else parse_day(text)


def _waiting(journal: str | None, profile: str, period: tuple[date, date]) -> tuple[Expected, ...]:
    with Station.open(journal, profile, must_exist=True) as station:
        return expected_of_sheets(station.journal, station.profile, station.clock.now(), period)


def _calendar(period: tuple[date, date], dues: tuple[Due, ...], waiting: tuple[Expected, ...], today: date) -> Table:
    title = say(f"Échéances du {period[0]} au {period[1]}", f"Due from {period[0]} to {period[1]}")
    listing = Table(title=title, title_justify="left", title_style="bold")
    for column in (
        say("au plus tard", "at the latest"),
        say("jour ouvré pour agir", "jour ouvré to act"),
        say("quoi", "what"),
        say("qui, quel", "whom, which"),
        "source",
        say("sûreté", "certainty"),
    ):
        listing.add_column(column, overflow="fold")
    rows = [(due.day, _row(due, today)) for due in dues]
    rows += [(one.day, _waiting_row(one, today)) for one in waiting]
    for _, row in sorted(rows, key=lambda found: found[0]):
        listing.add_row(*row)
    return listing


def _row(due: Due, today: date) -> tuple[Text, ...]:
    act_by = Text("–" if due.act_by == due.day else day_text(due.act_by), "yellow")
    one = due.obligation
    return (_dated(due.day, today), act_by, plain(one.text(language())), plain(due.about), *_origin(one))


def _waiting_row(one: Expected, today: date) -> tuple[Text, ...]:
    what = plain(wording("action", one.action).text(language()))
    return _dated(one.day, today), Text("–"), what, Text(f"{one.count} {say(*_SUBJECTS[one.subject])}"), Text("journal")


def _dated(day: date, today: date) -> Text:
    style = "dim" if day < today else "bold yellow" if day <= today + _SOON else "green"
    return Text(day_text(day), style)


def _origin(one: Obligation) -> tuple[Text, Text]:
    return plain(one.source), Text(one.certainty, "red" if one.certainty == "U" else "")


def _of_sheets(running: list[Obligation]) -> Table:
    title = say("Délais de chaque feuille (--act, --failure, --ack)", "Delays of each sheet (--act, --failure, --ack)")
    listing = Table(title=title, title_justify="left", title_style="bold")
    for column in (say("quoi", "what"), "source", say("sûreté", "certainty")):
        listing.add_column(column, overflow="fold")
    for one in running:
        listing.add_row(plain(one.text(language())), *_origin(one))
    return listing


def _document(
    period: tuple[date, date], dues: tuple[Due, ...], waiting: tuple[Expected, ...], running: list[Obligation]
) -> dict[str, Any]:
    """Return the calendar for a program: the same in both languages but for its texts, instants in Paris."""
    return {
        "from": period[0].isoformat(),
        "to": period[1].isoformat(),
        "due": [
            {
                "id": due.obligation.id,
                "day": due.day.isoformat(),
                "until": due.until.astimezone(PARIS).isoformat(timespec="seconds"),
                "act_by": due.act_by.isoformat(),
                "about": due.about,
                **_said(due.obligation),
            }
            for due in dues
        ],
        "sheets": [
            {"day": one.day.isoformat(), "subject": one.subject, "action": one.action, "count": one.count}
            for one in waiting
        ],
        "of_each_sheet": [{"id": one.id, **_said(one)} for one in running],
    }


def _said(one: Obligation) -> dict[str, str]:
    return {"text": one.text(language()), "source": one.source, "certainty": one.certainty}
