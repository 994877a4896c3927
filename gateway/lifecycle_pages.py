"""The documentation page of the life cycles (``docs/lifecycle.md``): ``python -m gateway.lifecycle_pages``."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import schemas
from fse.lifecycle import LOTS, PAPERS, SHEETS, PolicyName, Table, Wording, wording

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

__all__ = ["AnyTable", "StateLine", "lifecycle_page", "state_lines", "states_of"]

AnyTable: TypeAlias = Table[Any, Any, Any]
States: TypeAlias = "tuple[StrEnum, ...]"

_TITLES = {"sheet": "La feuille", "lot": "Le lot", "paper": "Le papier"}
_FEWEST = 3
"""From how many states the same arrow is drawn once, from a box that names them: else nobody can follow a line."""


class StateLine(NamedTuple):
    """What people read of a state: its sentence, what to do next, and the limit of that when there is one."""

    state: StrEnum
    words: Wording
    action: Wording
    limit: Wording | None


def states_of(table: AnyTable) -> States:
    """Return the states of ``table`` in the order of their declaration, which is that of an ordinary life."""
    return tuple(table.states.__members__.values())


def state_lines(table: AnyTable) -> tuple[StateLine, ...]:
    """Return what ``schemas/lifecycle.toml`` says of each state of ``table``, in the order of their declaration."""
    sentences = schemas.read_toml("lifecycle.toml")
    lines = []
    for state in states_of(table):
        code = sentences[table.name][state]["next"]
        by = sentences["action"][code].get("by")
        limit = wording("limit", by) if by else None
        lines.append(StateLine(state, wording(table.name, state), wording("action", code), limit))
    return tuple(lines)


def lifecycle_page() -> str:
    """Return the page in Markdown: for each table its diagram, states and events; then the readings of the law."""
    lines = [
        "# Cycles de vie",
        "",
        "Page produite par `python -m gateway.lifecycle_pages` à partir des tables de `fse/lifecycle` et des phrases",
        "de `schemas/lifecycle.toml`. Au terminal : `fse lifecycle`, et `--events` pour chaque ligne avec ses",
        "conditions, ses effets et sa source.",
        "",
        "Les schémas ne montrent que ce qui change d'état. Un cadre en pointillés nomme plusieurs états : la flèche",
        "qui en sort part de chacun d'eux. Un bord épais : un état final.",
        "",
    ]
    for table in (SHEETS, LOTS, PAPERS):
        lines += [
            f"## {_TITLES[table.name]}",
            "",
            "```mermaid",
            *_diagram(table),
            "```",
            "",
            "| État | Ce qu'il dit | Ce qu'il faut faire | Délai |",
            "| --- | --- | --- | --- |",
            *(_state(line) for line in state_lines(table)),
            "",
            "| Événement | Ce qui arrive |",
            "| --- | --- |",
            *(f"| `{event}` | {_plain(wording('event', event).fr)} |" for event in table.events),
            "",
        ]
    lines += [
        "## Lectures du texte",
        "",
        "Combien de temps une émission peut être répétée après un échec : aucun texte en vigueur ne le dit.",
        "A : le texte officiel a été lu en entier ; C : déduit de tels textes ; U : incertain.",
        "",
        "| Nom | Ce qu'elle dit | Source | Certitude |",
        "| --- | --- | --- | --- |",
        *(_policy(name) for name in PolicyName),
    ]
    return "\n".join(lines) + "\n"


def _state(line: StateLine) -> str:
    limit = line.limit.fr if line.limit else ""
    return f"| `{line.state}` | {_plain(line.words.fr)} | {_plain(line.action.fr)} | {_plain(limit)} |"


def _policy(name: PolicyName) -> str:
    return f"| `{name}` | {_plain(name.words.fr)} | {_plain(name.words.source)} | {name.certainty} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _diagram(table: AnyTable) -> Iterable[str]:
    """Yield the lines of a Mermaid state diagram; each arrow of the table is drawn once, alone or from a box."""
    boxes: dict[States, str] = {}
    yield "stateDiagram-v2"
    yield "    classDef several stroke-dasharray: 4 4"
    yield "    classDef final stroke-width: 4px"
    yield f"    [*] --> {states_of(table)[0]}"
    for (sources, to), events in _arrows(table).items():
        start = str(sources[0])
        if len(sources) > 1:
            start = boxes.get(sources, f"several_{len(boxes) + 1}")
            if sources not in boxes:
                boxes[sources] = start
                yield f'    state "{"<br/>".join(sources)}" as {start}'
                yield f"    class {start} several"
        yield f"    {start} --> {to}: {' / '.join(events)}"
    # no arrow to [*]: so many would pull the diagram apart
    yield f"    class {','.join(state for state in states_of(table) if state in table.finals)} final"


def _arrows(table: AnyTable) -> dict[tuple[States, StrEnum], list[StrEnum]]:
    """Return the events of each arrow that is drawn, by where it starts, one state or a box of several, and its end."""
    sources: dict[tuple[StrEnum, StrEnum], set[StrEnum]] = defaultdict(set)
    for row in table.rows:
        if row.to is not row.state:
            sources[row.event, row.to].add(row.state)
    rare = {state for states in sources.values() if len(states) < _FEWEST for state in states}
    usual = _usual_way(table)
    arrows: dict[tuple[States, StrEnum], list[StrEnum]] = defaultdict(list)
    for (event, to), states in sources.items():
        # even what many states share is drawn alone where it is the usual way, or where a state has no other way out
        alone = {state for state in states if (state, to) in usual or state not in rare}
        if len(states) < _FEWEST or len(states - alone) == 1:
            alone = states
        starts = [(state,) for state in states_of(table) if state in alone]
        boxed = tuple(state for state in states_of(table) if state in states - alone)
        for start in (*starts, *filter(None, [boxed])):
            arrows[start, to].append(event)
    return arrows


def _usual_way(table: AnyTable) -> frozenset[tuple[StrEnum, StrEnum]]:
    """Return the arrows from the first state to the next one declared, and on, as far as there are any."""
    known = {(row.state, row.to) for row in table.rows}
    return frozenset(takewhile(known.__contains__, pairwise(states_of(table))))


if __name__ == "__main__":
    Path("docs/lifecycle.md").write_text(lifecycle_page(), encoding="utf-8")
