"""``fse card faults``: what can go wrong with a card, the public code, what to do, and how to live it."""

from __future__ import annotations

from rich.table import Table

import schemas
from gateway.cli.output import LanguageOption, console, language, say
from gateway.reply import word

__all__ = ["faults"]


def faults(lang: LanguageOption = "fr") -> None:
    """Montre les pannes de cartes et de lecteur : code public, conseil, suite donnée à la feuille, comment la vivre."""
    del lang
    table = Table(
        say("panne", "fault"),
        say("code public", "public code"),
        say("que faire", "what to do"),
        say("suite", "then"),
        say("à essayer", "to try"),
        show_lines=True,
    )
    for name, entry in schemas.read_toml("card_faults.toml").items():
        table.add_row(
            f"{entry[language()]}\n[dim]{name}{', ' + entry['rule'] if entry['rule'] else ''}[/]",
            ", ".join(entry["codes"]) or "–",
            entry[f"{language()}_advice"],
            word("outcome", entry["then"], language()),
            f"--fault {entry['card']}:{entry['fault']}" if entry["made"] == "slot" else "–",
        )
    console.print(table)
    console.print(
        say(
            "Codes : manuel de programmation SESAM-Vitale de 2005 (une seule source). « --fault » va avec fse seal.",
            "Codes: SESAM-Vitale programming manual of 2005 (one source). “--fault” goes with fse seal.",
        ),
        style="dim",
    )
