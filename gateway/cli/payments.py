"""``fse payments`` and ``fse reconcile``: what the caisses have answered, what is owed, and what has arrived."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from fse.noemie import rejections
from fse.rules import rule
from gateway.bank_statement import MAX_STATEMENT_BYTES, read_statement
from gateway.cli.agenda import AtOption, instant_of
from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, day_text, euros, language, plain, read_file, say
from gateway.cli.tables import ProfileOption
from gateway.clock import SimulatedClock
from gateway.profile import DEFAULT
from gateway.reconciliation import match_statement, reconcile
from gateway.station import Station

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.journal import ReturnLine
    from gateway.reconciliation import Reconciliation

__all__ = ["payments", "reconcile_command"]

_STYLES = {"paid": "green", "partly_paid": "yellow", "rejected": "red", "deferred": "yellow"}
_WORDS = {
    "paid": ("payé", "paid"),
    "partly_paid": ("payé en partie", "paid in part"),
    "rejected": ("rejeté", "rejected"),
    "deferred": ("différé", "deferred"),
}


def payments(
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Montre les retours de paiement : un par caisse et journée comptable, ligne par ligne, avec le motif."""
    del lang
    with Station.open(journal, profile, must_exist=True) as station, station.journal.read() as tx:
        found = [(one, tx.return_lines(number=one.number)) for one in tx.returns()]
    if not found:
        console.print(say("Aucun retour reçu.", "No return received."))
    for one, lines in found:
        arrived = one.statement or say("virement pas encore vu", "transfer not seen yet")
        console.print(
            f"[bold]{one.organism}[/] {day_text(one.accounting_day)}, {one.reference or '–'} :"
            f" {euros(one.transfer_cents)} ({arrived})",
            highlight=False,
        )
        console.print(_lines_table(lines))


def _lines_table(lines: Sequence[ReturnLine]) -> Table:
    table = Table(
        say("feuille", "sheet"), say("acte", "act"), say("issue", "outcome"), say("demandé", "asked"),
        say("payé", "paid"), say("motif", "reason"),
    )  # fmt: skip
    for line in lines:
        words = say(*_WORDS.get(line.outcome, (line.outcome, line.outcome)))
        table.add_row(
            str(line.sheet or ""),
            str(line.act or ""),
            f"[{_STYLES.get(line.outcome, '')}]{words}[/]" if line.outcome in _STYLES else words,
            euros(line.requested_cents),
            euros(line.paid_cents),
            plain(_reason(line)),
        )
    return table


def _reason(line: ReturnLine) -> str:
    """Return why a line is not paid in full, or why it fits no sheet, in words."""
    if line.mismatch and line.act == 0:
        return rule(line.mismatch).text({"number": line.sheet}, language()) if line.sheet else line.mismatch
    known = rejections().get(line.code)
    return f"{line.code} {known.words(language())}" if known else f"{line.code} {line.detail}".strip()


def reconcile_command(
    statement: Annotated[
        Path | None, typer.Option(metavar="RELEVE.csv", help="relevé du compte : date;reference;libelle;montant")
    ] = None,
    at: AtOption = None,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Rapproche feuilles, retours, virements et relevé ; ce qui ne va avec rien est montré des deux côtés."""
    del lang
    lines = None if statement is None else read_statement(read_file(statement, MAX_STATEMENT_BYTES))
    moment = instant_of(at)
    clock = None if moment is None else SimulatedClock(moment)
    with Station.open(journal, profile, must_exist=True, clock=clock) as station:
        count = match_statement(station.journal, station.profile, lines or ())
        found = reconcile(station.journal, station.profile, lines)
    if lines is not None:
        console.print(say(f"{count} virement(s) rapproché(s)", f"{count} transfer(s) matched"), highlight=False)
    _tell(found)


def _tell(found: Reconciliation) -> None:
    overdue = found.overdue
    rows = [
        (say("paiements attendus", "payments awaited"), f"{len(found.awaited)}, {euros(found.awaited_cents)}", ""),
        (
            say("en retard (plus d'un mois)", "overdue (over a month)"),
            ", ".join(f"{one.sheet} ({day_text(one.due)})" for one in overdue if one.due) or "–",
            "red" if overdue else "green",
        ),
        (
            say("lignes sans feuille", "lines without a sheet"),
            "\n".join(_reason(one) for one in found.unmatched) or "–",
            "red" if found.unmatched else "green",
        ),
        (
            say("virements pas encore vus", "transfers not seen yet"),
            ", ".join(f"{one.reference} {euros(one.transfer_cents)}" for one in found.not_arrived) or "–",
            "yellow" if found.not_arrived else "green",
        ),
        (
            say("relevé sans retour", "statement without a return"),
            ", ".join(f"{one.name} {euros(one.cents)}" for one in found.strange) or "–",
            "red" if found.strange else "green",
        ),
        (
            say("tiers, mis à part", "third parties, kept apart"),
            ", ".join(f"{one.label} {euros(one.cents)}" for one in found.apart) or "–",
            "",
        ),
        *((f"7512 {name}", euros(cents), "") for name, cents in found.headings.items()),
    ]
    table = Table(show_header=False, title=say("Rapprochement au ", "Reconciliation on ") + day_text(found.on))
    for name, text, style in rows:
        table.add_row(name, plain(text), style=style)
    console.print(table)
