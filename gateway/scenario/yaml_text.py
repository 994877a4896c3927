"""
The YAML of scenario files, kept small: text, whole numbers, true and false; each key once; no reference elsewhere.

A date stays text: what it means is the model's to say. Aliases are refused: a few lines of them unfold to gigabytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

import yaml

from gateway.scenario.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Lines", "parse"]

Lines = dict[tuple[int | str, ...], int]
"""The line, from 1, where each value of the file begins, by its path."""

_DEEPEST = 20
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def parse(text: str) -> tuple[object, Lines]:
    """
    Return what ``text`` holds and the line of each value.

    Raises :class:`gateway.scenario.ScenarioError` (SCENARIO-YAML).
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                _refuse(0 if event.start_mark is None else event.start_mark.line, "ancre ou alias", "anchor or alias")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        _refuse(0 if mark is None else mark.line, error.problem or "?", error.problem or "?")
    except (yaml.YAMLError, RecursionError, ValueError):
        _refuse(0, "caractère ou structure inattendus", "unexpected character or structure")
    lines: Lines = {}
    if root is None:
        _refuse(0, "fichier vide", "empty file")
    return _value(root, (), lines), lines


def _value(node: yaml.Node, path: tuple[int | str, ...], lines: Lines) -> object:
    line = node.start_mark.line
    lines[path] = line + 1
    if len(path) > _DEEPEST:
        _refuse(line, "trop de niveaux", "too many levels")
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, rank), lines) for rank, item in enumerate(node.value)]
    found: dict[str, object] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            _refuse(key.start_mark.line, "clé qui n'est pas un mot", "key that is not a word")
        if key.value in found:
            _refuse(key.start_mark.line, "clé répétée", "key given twice")
        found[key.value] = _value(value, (*path, key.value), lines)
        lines[*path, key.value] = key.start_mark.line + 1
    return found


def _scalar(node: yaml.ScalarNode) -> object:
    text = str(node.value)
    if node.style is not None:  # quoted, or a block: text
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    return _WORDS.get(text, text)


def _refuse(line: int, fr: str, en: str) -> NoReturn:
    raise ScenarioError("SCENARIO-YAML", line=line + 1, reason_fr=fr, reason_en=en) from None
