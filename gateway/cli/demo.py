"""``fse demo``: a day of a PMI site, from the consultations to the acknowledgements, told as it happens."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

import schemas
from fse.lifecycle import LotState, wording
from gateway.cli.output import LanguageOption, console, day_text, euros, language, read_file, say
from gateway.day import MAX_DAY_BYTES, live_day, read_day
from gateway.journal import Entry
from gateway.reply import Reply, word

if TYPE_CHECKING:
    from datetime import date, datetime

    from gateway.day import DayResult
    from gateway.day_record import DayRow, Expected

__all__ = ["demo", "reply_line", "rows_of"]

_PARIS = ZoneInfo("Europe/Paris")
_NARROW = 120
"""Below this width the reason goes under the outcome."""

_STYLES = {
    "secured": "green",
    "degraded": "yellow",
    "plain-paper": "cyan",
    "form-708": "cyan",
    "form-709": "cyan",
    "recap": "cyan",
    "held": "magenta",
    "refused": "red",
}
_AGES = {
    "days": ("{} j", "{} d"),
    "months": ("{} mois", "{} months"),
    "years": ("{} ans", "{} years"),
    "anonymous": ("anonyme", "anonymous"),
}


def demo(
    day: Annotated[
        Path, typer.Argument(metavar="JOURNEE.json", help="les consultations d'une journée et ses incidents")
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DOSSIER", help="où écrire ; un nouveau sous-dossier à chaque fois"),
    ] = Path("fse-demo"),
    seed: Annotated[str, typer.Option(help="graine : mêmes clés, feuilles et accusés à chaque fois")] = "journee-pmi",
    lang: LanguageOption = "fr",
) -> None:
    """Vit une journée de PMI : cartes, feuilles, lots, incidents, accusés, délais."""
    del lang
    began = time.monotonic()
    plan = read_day(read_file(day, MAX_DAY_BYTES))
    console.rule(escape(plan.title))
    console.print(
        say(
            "SIMULATION : non homologué, aucune carte ni donnée réelle.",
            "SIMULATION: not homologated, no real card or data.",
        ),
        style="italic dim",
    )
    folder = _new_folder(output)
    result = live_day(plan, folder, seed=seed, tell=_Teller())
    console.print()
    console.print(_rows_table(result))
    console.print(_lots_table(result))
    console.print(_closing(result, time.monotonic() - began), markup=False, highlight=False, soft_wrap=True)


def _new_folder(output: Path) -> Path:
    """Return the next free sub-folder of ``output``: an earlier run is never touched."""
    for rank in range(1, 10_000):
        folder = output / f"{rank:03d}"
        try:
            folder.mkdir(mode=0o700, parents=True)
        except FileExistsError:
            continue
        return folder
    raise typer.BadParameter(str(output))


class _Teller:
    """Prints the news; what is told again and again (a concentrator that stays down) is told once."""

    def __init__(self) -> None:
        self._told: set[tuple[int | None, str]] = set()
        self._day: date | None = None

    def __call__(self, at: datetime, news: Reply | Entry) -> None:
        local = at.astimezone(_PARIS)
        line = reply_line(news) if isinstance(news, Reply) else self._event_line(news)
        if not line:
            return
        if local.date() != self._day:
            self._day = local.date()
            console.print(f"\n[bold]{day_text(self._day)}[/]", highlight=False)
        nameless = isinstance(news, Reply) and not news.reference  # anonymous care has no minute either
        clock = " " * 5 if nameless else f"{local:%H:%M}"
        console.print(f"  {clock}  {line}", highlight=False, soft_wrap=True)

    def _event_line(self, entry: Entry) -> str:
        told = (entry.lot, entry.name)
        if entry.name not in _EVENTS or (entry.name == "emission_failed" and told in self._told):
            return ""
        self._told.add(told)
        style, fr, en = _EVENTS[entry.name]
        return f"[{style}]{say('lot', 'lot')} {entry.lot:06d} {say(fr, en)}[/]" + (
            f" ({escape(entry.detail)})" if entry.detail else ""
        )


_EVENTS = {
    "sign": ("dim", "signé par la carte", "signed by the card"),
    "emit": ("dim", "émis vers le concentrateur", "emitted to the concentrator"),
    "emission_failed": (
        "red",
        "ne part pas : concentrateur injoignable, nouvel essai de plus en plus espacé",
        "cannot leave: concentrator out of reach, tried again at longer and longer waits",
    ),
    "acknowledge_positive": ("green", "✔ accusé positif", "✔ positive acknowledgement"),
    "acknowledge_altered": (
        "yellow",
        "✘ accusé négatif : altéré en route, le même lot repartira",
        "✘ negative acknowledgement: altered on its way, the same lot goes again",
    ),
    "acknowledge_refused": ("red", "✘ accusé négatif : refusé", "✘ negative acknowledgement: refused"),
    "wait_expired": (
        "yellow",
        "sans accusé depuis 2 jours ouvrés : à émettre de nouveau",
        "no acknowledgement for 2 jours ouvrés: to be emitted again",
    ),
    "window_closed": (
        "red",
        "délai légal passé : duplicata papier à établir",
        "legal window over: paper duplicata to be made",
    ),
}


def reply_line(reply: Reply) -> str:
    """Return what became of some acts, on one line with its marks of colour."""
    style = _STYLES[reply.outcome]
    number = f" n° {reply.sheet:09d}" if reply.sheet else ""
    outcome = f"[{style}]{word('outcome', reply.outcome, language())}{number}[/]"
    reference = f"{escape(reply.reference)}  " if reply.reference else ""
    start = f"{reference}{'+'.join(reply.acts)} → {outcome}"
    if reply.rule:
        return f"{start} \\[{reply.rule}] {escape(reply.messages[language()])}"
    by = f", {say('avant le', 'by')} {day_text(reply.deadline)}" if reply.deadline else ""
    return f"{start} ({word('reason', reply.reason, language())}){by}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _rows_table(result: DayResult) -> Table:
    if language() == "fr":
        columns = ["consultation", "issue", "motif", "montant", "état", "limite", "suite"]
    else:
        columns = ["encounter", "outcome", "reason", "amount", "state", "deadline", "next"]
    narrow = console.width < _NARROW
    if narrow:
        columns.pop(2)
    table = _table(say("Ce que chaque consultation est devenue", "What became of each consultation"), *columns)
    for consultation, outcome, reason, *rest in rows_of(result):
        table.add_row(consultation, *((f"{outcome}\n{reason}",) if narrow else (outcome, reason)), *rest)
    return table


def rows_of(result: DayResult) -> list[tuple[str, ...]]:
    """
    Return the cells of the table, with their marks of colour.

    No sheet or lot number is among them: a row says what became of its own facts, whatever its neighbours took.
    """
    return [
        (
            f"[bold]{escape(row.reply.reference)}[/] {'+'.join(row.reply.acts)}, {_age(row)}",
            f"[{_STYLES[row.reply.outcome]}]{word('outcome', row.reply.outcome, language())}[/]",
            word("reason", row.reply.reason, language()) + (f" ({row.reply.rule})" if row.reply.rule else ""),
            euros(row.reply.total_cents) if row.reply.total_cents else "",
            _short(row.state) if row.state else "",
            f"{row.reply.deadline:%d/%m/%y}" if row.reply.deadline else "",
            _next(row),
        )
        for row in result.rows
    ]


def _age(row: DayRow) -> str:
    count, unit = row.patient_age
    return say(*_AGES[unit]).format(count)


def _short(name: str) -> str:
    """Return the short words for a state or an action, else the whole sentence of the life cycle."""
    known = schemas.read_toml("wording.toml")["short"].get(name)
    kind, _, rest = name.partition(".")
    return str(known[language()]) if known else wording(kind, rest).text(language()).rstrip(".")


def _next(row: DayRow) -> str:
    if not row.expected:
        return escape(row.reply.what_next(language()))
    return "\n".join(_expected(expected) for expected in row.expected)


def _expected(expected: Expected) -> str:
    action, paper = expected.action, expected.paper
    text = _short(f"action.{action.code}") + (f" {_short(f'paper_kind.{paper}')}" if paper else "")
    return f"{text} ({say('avant le', 'by')} {action.by:%d/%m})" if action.by else text


def _lots_table(result: DayResult) -> Table:
    if language() == "fr":
        columns = ("lot", "organisme", "mode", "feuilles", "essais", "émissions", "état")
    else:
        columns = ("lot", "body", "mode", "sheets", "attempts", "emissions", "state")
    table = _table("Lots", *columns)
    for lot, sheets in result.lots:
        style = "green" if lot.record.state is LotState.POSITIVE else "red"
        table.add_row(
            f"{lot.number:06d}",
            lot.organism,
            lot.mode,
            ", ".join(f"{number:09d}" for number in sheets),
            str(lot.record.attempts),
            str(lot.record.emissions),
            f"[{style}]{_short(f'lot.{lot.record.state}')}[/]",
        )
    return table


def _closing(result: DayResult, seconds: float) -> str:
    folder = result.folder
    lines = [
        say(
            f"Fin le {result.ended_at.astimezone(_PARIS):%d/%m/%Y à %H:%M} (heure simulée) ; {seconds:.1f} s en vrai.",
            f"Ended on {result.ended_at.astimezone(_PARIS):%d/%m/%Y at %H:%M} (simulated); {seconds:.1f} s for real.",
        ),
        say(
            "Empreinte de la journée (même graine, même fichier : même empreinte) : ",
            "Run digest (same seed, same file: same digest): ",
        )
        + result.run_digest[:16],
        say("À voir :", "To look at:"),
        "  resultat.json   evenements.jsonl   feuilles/   lots/   accuses/   papiers/   journal.db   trust/",
        f"  {sys.argv[0]} verify {folder}/feuilles/{result.rows[0].reply.sheet or 1:09d}.fse --trust {folder}/trust",
        f"  {sys.argv[0]} paper {folder}/papiers/*.json -o {folder}/pdf",
        say(f"Tout est dans {folder}", f"Everything is in {folder}"),
    ]
    return "\n".join(lines)
