"""``fse scenario``: stories to live through, delivered or written by a trainer."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from card_sim.wallet import demo_wallet
from fse.lifecycle import wording
from fse.rules import rule
from gateway.cli.output import LanguageOption, console, day_text, euros, language, plain, say
from gateway.reply import word
from gateway.scenario import Status, find_scenario, run_scenario, scenario_names
from gateway.scenario.people import check_names

if TYPE_CHECKING:
    from datetime import date

    from gateway.scenario import Scenario, ScenarioResult, StepResult
    from gateway.scenario.file import Step

__all__ = ["app"]

_PARIS = ZoneInfo("Europe/Paris")
_FAILED = 1

app = typer.Typer(help="Des scénarios à vivre : cartes, incidents, délais, papiers.", no_args_is_help=True)

Named = Annotated[
    list[str], typer.Argument(metavar="SCENARIO...", help="nom d'un scénario livré (S2), ou fichier YAML")
]


@app.callback()
def _group() -> None:
    """Exist, so that a command alone is still called by its name."""


@app.command("list")
def list_scenarios(lang: LanguageOption = "fr") -> None:
    """Montre les scénarios livrés : ce qui se joue, ce qui attend."""
    del lang
    table = Table(say("nom", "name"), say("titre", "title"), say("étapes", "steps"), say("en attente", "pending"))
    for name in scenario_names():
        scenario = find_scenario(name)
        waiting = sum(step.pending is not None for step in scenario.steps)
        table.add_row(name, plain(scenario.title), str(len(scenario.steps)), str(waiting or ""))
    console.print(table)


@app.command("check")
def check(names: Named, lang: LanguageOption = "fr") -> None:
    """Relit des scénarios sans les jouer : forme, noms, valeurs."""
    del lang
    for name in names:
        scenario = find_scenario(name)
        check_names(scenario, demo_wallet())
        console.print(f"[green]✔[/] {escape(name)} : {len(scenario.steps)} {say('étapes', 'steps')}", highlight=False)


@app.command("run")
def run(
    names: Named,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DOSSIER", help="où garder journal et événements (défaut : nulle part)"),
    ] = None,
    lang: LanguageOption = "fr",
) -> None:
    """Joue des scénarios : 0 tout est comme attendu, 1 une attente n'est pas remplie, 2 un fichier est à corriger."""
    del lang
    stories = [(name, find_scenario(name)) for name in names]
    for _, scenario in stories:
        check_names(scenario, demo_wallet())  # a mistake in the last file is told before the first is played
    failed = [name for name, scenario in stories if not _play(scenario, output).passed]
    if failed:
        again = "fse scenario run " + " ".join(failed)
        console.print(say("À rejouer : ", "To play again: ") + again, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(_FAILED)


def _play(scenario: Scenario, output: Path | None) -> ScenarioResult:
    console.rule(escape(f"{scenario.name} · {scenario.title}"))
    with TemporaryDirectory(prefix="fse-scenario-") as scratch:
        folder = Path(scratch) / "world" if output is None else output / scenario.name
        folder.mkdir(mode=0o700, parents=True)  # an earlier run is never touched
        result = run_scenario(scenario, folder, _Teller())
    counts = [
        (Status.PASSED, "green", say("comme attendu", "as expected")),
        (Status.FAILED, "bold red", say("différent", "different")),
        (Status.PENDING, "yellow", say("en attente", "pending")),
    ]
    told = ", ".join(
        f"[{style}]{result.count(status)} {text}[/]" for status, style, text in counts if result.count(status)
    )
    console.print(f"\n{scenario.name} : {told or say('rien à juger', 'nothing to judge')}", highlight=False)
    return result


class _Teller:
    """Prints each step as it is done, a new day on a line of its own."""

    def __init__(self) -> None:
        self._day: date | None = None

    def __call__(self, result: StepResult) -> None:
        local = result.at.astimezone(_PARIS)
        if local.date() != self._day:
            self._day = local.date()
            console.print(f"\n[bold]{day_text(self._day)}[/]", highlight=False)
        mark = _MARKS[result.status]
        title = f"{escape(result.step.title)} : " if result.step.title else ""
        console.print(f"  {local:%H:%M} {mark} {title}{escape(_told(result))}", highlight=False, soft_wrap=True)
        for one in result.differences:
            console.print(
                f"          [red]{say('ligne', 'line')} {result.line}, {escape(one.place)} : "
                f"{say('attendu', 'expected')} {escape(one.expected)}, {say('trouvé', 'found')} {escape(one.found)}[/]",
                highlight=False,
                soft_wrap=True,
            )


_MARKS = {
    Status.TOLD: " ",
    Status.PASSED: "[green]✔[/]",
    Status.FAILED: "[bold red]✘[/]",
    Status.PENDING: "[yellow]…[/]",
}


def _told(result: StepResult) -> str:
    step = result.step
    if step.consult is not None:
        return f"{step.consult.name}, {_answers(result)}"
    if result.error is not None:
        return f"{_done(step)}, [{result.error.rule.id}] {result.error.message(language())}"
    for text in (step.say, step.pending):
        if text is not None:
            return text if step.pending is None else say("en attente : ", "pending: ") + text
    return _done(step)


def _answers(result: StepResult) -> str:
    if result.error is not None:
        return f"[{result.error.rule.id}] {result.error.message(language())}"
    parts = []
    for reply in result.replies:
        why = word("reason", reply.reason, language())
        text = f"{'+'.join(reply.acts)} → {word('outcome', reply.outcome, language())} ({why})"
        if reply.sheet is not None:
            text += f", FSE {reply.sheet:09d}, {euros(reply.total_cents)}"
        parts += [text, *(rule(one).text({}, language()) for one in reply.warnings)]
    return " ; ".join(parts)


def _done(step: Step) -> str:
    """Say in a few words what a step that is no consultation has done."""
    match step.action:
        case "send":
            text = say("lots signés et envoyés", "lots signed and sent")
        case "incident" if step.incident is not None:
            text = say("incident : ", "incident: ") + ", ".join(
                filter(None, (step.incident.kind, step.incident.organism))
            )
        case "end_incident":
            text = say("fin de l'incident : ", "end of the incident: ") + str(step.end_incident)
        case "paper" if step.paper is not None:
            text = f"{step.paper.of}, {step.paper.kind} : {', '.join(step.paper.do)}"
        case "decide" if step.decide is not None:
            text = f"{step.decide.of} : {wording('event', step.decide.event).text(language())}"
        case "check" if step.check is not None:
            state = step.check.state
            standing = (
                say("ses papiers", "its papers") if state is None else word("short", f"sheet.{state}", language())
            )
            text = f"{step.check.of} : {standing}"
        case _:
            text = say("le temps passe", "time passes")
    return text
