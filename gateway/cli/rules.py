"""``fse rules``: the requirements of the conventions and the rules of the catalogue."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, NoReturn

import typer
from rich.markup import escape
from rich.table import Table

from fse.requirements import Requirement, requirements, rules_of
from fse.rules import Rule, catalogue
from gateway.cli.output import LanguageOption, console, language, plain, say
from gateway.errors import GatewayError

__all__ = ["app"]

_MISSING = 1

app = typer.Typer(help="Les exigences des conventions et les règles du catalogue.", no_args_is_help=True)


@app.command("list")
def list_rules(
    family: Annotated[
        str | None, typer.Option(metavar="FAMILLE", help="CONV, PROT… ou le début d'une règle : PRICING, ROUTE…")
    ] = None,
    lang: LanguageOption = "fr",
) -> None:
    """Montre les exigences et les règles, d'une famille ou toutes."""
    del lang
    table = Table("id", say("niveau", "level"), say("ce que cela dit", "what it says"))
    wanted = (family or "").upper()
    for requirement in requirements().values():
        if requirement.family.startswith(wanted):
            table.add_row(requirement.id, requirement.level, plain(getattr(requirement, language())))
    for rule in catalogue().values():
        if rule.id.startswith(wanted):
            table.add_row(rule.id, rule.severity, plain(rule.fr if language() == "fr" else rule.en))
    if not table.row_count:
        _unknown(wanted)
    console.print(table)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="CONV-10, ROUTE-ACT…")], lang: LanguageOption = "fr"
) -> None:
    """Montre une exigence ou une règle : source, message, quoi faire, tests."""
    del lang
    name = name.upper()
    table = Table(show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    if name not in requirements() and name not in catalogue():
        _unknown(name)
    known = requirements().get(name)
    for title, text in _rule_rows(catalogue()[name]) if known is None else _requirement_rows(known):
        table.add_row(title, plain(text))
    console.print(table)


@app.command("coverage")
def coverage(lang: LanguageOption = "fr") -> None:
    """Montre, pour chaque exigence, son test ou la raison écrite ; 1 si une obligatoire n'a ni l'un ni l'autre."""
    del lang
    told = say("montrée par, ou attend", "shown by, or waits for")
    table = Table(say("exigence", "requirement"), say("niveau", "level"), told)
    bare = []
    for one in requirements().values():
        style = "green" if one.tests else "yellow" if one.waits else "bold red"
        text = "\n".join(one.tests) or one.waits or "–"
        table.add_row(one.id, one.level, f"[{style}]{escape(text)}[/]")
        if one.level == "must" and not (one.tests or one.waits):
            bare.append(one.id)
    console.print(table)
    for level in ("must", "should", "could"):
        of_level = [one for one in requirements().values() if one.level == level]
        shown = sum(bool(one.tests) for one in of_level)
        console.print(
            f"{level} : {shown} / {len(of_level)} {say('montrées par un test', 'shown by a test')}", highlight=False
        )
    if bare:
        console.print(", ".join(bare), style="bold red")
        raise typer.Exit(_MISSING)


def _requirement_rows(one: Requirement) -> list[tuple[str, str]]:
    level = one.level + (say(" (déduite par nous)", " (derived by us)") if one.derived else "")
    return [
        ("id", one.id),
        (say("niveau", "level"), level),
        (say("demande", "asks"), getattr(one, language())),
        (say("règles", "rules"), ", ".join(rule.id for rule in rules_of(one.id)) or "–"),
        (say("montrée par", "shown by"), "\n".join(one.tests) or "–"),
        (say("attend", "waits for"), one.waits or "–"),
    ]


def _rule_rows(one: Rule) -> list[tuple[str, str]]:
    message, action = (one.fr, one.fr_action) if language() == "fr" else (one.en, one.en_action)
    asked = [requirement.id for requirement in requirements().values() if one in rules_of(requirement.id)]
    return [
        ("id", one.id),
        ("source", one.source),
        (say("gravité", "severity"), one.severity),
        (say("message", "message"), message),
        (say("quoi faire", "what to do"), action),
        (say("faits", "facts"), ", ".join(sorted(one.fact_names)) or "–"),
        (say("exigences", "requirements"), ", ".join(asked) or "–"),
    ]


def _unknown(name: str) -> NoReturn:
    known = [*requirements(), *catalogue()]
    near = ", ".join(get_close_matches(name, known, n=5, cutoff=0.4)) or "–"
    raise GatewayError("RULE-UNKNOWN", name=name[:40], near=near)
