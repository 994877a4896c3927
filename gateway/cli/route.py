"""``fse route`` and ``fse price``: what becomes of each act of an encounter, what it costs, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from fse.decision import decide
from fse.encounter import MAX_ENCOUNTER_BYTES, read_encounter
from fse.routing import Outcome
from gateway.cli.output import LanguageOption, console, day_text, euros, language, plain, read_file, say
from gateway.cli.tables import ProfileOption, TablesOption, tables_of
from gateway.profile import DEFAULT, load_profile
from gateway.reply import word

if TYPE_CHECKING:
    from fse.decision import Decision
    from fse.encounter import Encounter

__all__ = ["price", "route"]

_REFUSED = 1

EncounterFile = Annotated[Path, typer.Argument(metavar="CONSULTATION.json", help="les faits d'une consultation")]


def route(
    encounter: EncounterFile,
    opposed: Annotated[bool, typer.Option(help="la carte Vitale est sur la liste d'opposition")] = False,
    tables: TablesOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Dit ce que devient chaque acte : FSE sécurisée ou dégradée, papier, 708, 709… et de quel article cela vient."""
    del lang
    facts, decisions = _decided(encounter, tables, profile, opposed=opposed)
    table = Table(say("actes", "acts"), say("le", "on"), say("issue", "outcome"), say("pourquoi", "why"), "source")
    for one in decisions:
        table.add_row(
            "+".join(act.code for act in one.acts),
            ", ".join(dict.fromkeys(day_text(facts.day_of(act)) for act in one.acts)),
            word("outcome", one.outcome, language()),
            plain(_why(one)),
            "" if one.row is None else one.row.source,
        )
    console.print(table)
    _end(decisions)


def price(
    encounter: EncounterFile,
    tables: TablesOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Montre chaque ligne d'une consultation, et la raison de chaque chiffre. Le patient n'avance rien."""
    del lang
    facts, decisions = _decided(encounter, tables, profile, opposed=False)
    amo_words = say("part obligatoire", "compulsory part")
    table = Table(
        say("acte", "act"), say("le", "on"), say("quantité", "quantity"), say("montant", "amount"),
        say("taux", "rate"), amo_words, say("reste", "rest"), say("pourquoi", "why"), show_lines=True,
    )  # fmt: skip
    lines = [(act, priced) for one in decisions for act, priced in zip(one.acts, one.priced, strict=False)]
    for act, priced in lines:
        reasons = "\n".join(f"{getattr(reason, language())} [{reason.source}]" for reason in priced.reasons)
        uncertain = say("\nMontant incertain.", "\nUncertain amount.") if priced.certainty == "U" else ""
        table.add_row(
            plain(f"{act.code}, {priced.label}"),
            day_text(facts.day_of(act)),
            str(priced.quantity),
            euros(priced.cents),
            f"{priced.rate_percent} %",
            euros(priced.amo_cents),
            euros(priced.complement_cents),
            reasons.replace("[", "\\[") + uncertain,
        )
    if lines:
        console.print(table)
        total, amo = sum(one.cents for _, one in lines), sum(one.amo_cents for _, one in lines)
        console.print(f"{say('Total', 'Total')} : {euros(total)}, {amo_words} : {euros(amo)}", highlight=False)
    for one in decisions:
        if not one.priced and one.refusal is None:
            told = say("sans prix ici", "no price here")
            codes = "+".join(act.code for act in one.acts)
            console.print(f"{codes} : {word('outcome', one.outcome, language())}, {told}", highlight=False)
    _end(decisions)


def _decided(path: Path, folder: Path | None, profile: str, *, opposed: bool) -> tuple[Encounter, tuple[Decision, ...]]:
    facts, tables = read_encounter(read_file(path, MAX_ENCOUNTER_BYTES)), tables_of(folder)
    return facts, decide(facts, tables, opposed=opposed, policy=load_profile(profile, tables).channels)


def _why(one: Decision) -> str:
    if one.refusal is not None:
        return f"[{one.refusal.rule.id}] {one.refusal.message(language())}"
    return "" if one.row is None else word("reason", one.row.reason, language())


def _end(decisions: tuple[Decision, ...]) -> None:
    """Tell what was refused; the exit code is then 1."""
    for one in decisions:
        if one.refusal is not None:
            held = one.outcome is Outcome.HELD
            told = f"{'…' if held else '✘'} [{one.refusal.rule.id}] {one.refusal.message(language())}"
            console.print(told, style="yellow" if held else "red", markup=False, highlight=False)
    if any(one.outcome is Outcome.REFUSED for one in decisions):
        raise typer.Exit(_REFUSED)
