"""The log: one JSON object a line, and no number of a person in it, in whatever shape it comes."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest

from gateway.logs import json_log

NIR = "1850362041999"
CORSICAN = "185032A041999"


def logged(**facts: object) -> tuple[str, dict[str, Any]]:
    """Return the line that ``facts`` become, and what a reader of JSON finds in it."""
    file = StringIO()
    json_log(file).info("tried", **facts)
    line = file.getvalue()
    assert line.count("\n") == 1
    found = json.loads(line)
    assert isinstance(found, dict)
    return line, found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NIR, "*" * 13),
        (NIR + "78", "*" * 13),
        ("0" * 40, "*" * 13),
        (int(NIR), "*" * 13),
        (-int(NIR), "*" * 13),
        (float(NIR), "*" * 13),
        (CORSICAN, "*" * 13),
        (CORSICAN.lower() + "78", "*" * 13),
        ("1 85 03 62 041 999 78", "*" * 13),
        ("1 85 03 2a 041 999", "*" * 13),
        ("1\u00a085\u00a003\u00a062\u00a0041\u00a0999", "*" * 13),
        ("of " + NIR + ', "here"\\' + NIR, "of " + "*" * 13 + ', "here"\\' + "*" * 13),
        (f"\x01{NIR}\n{NIR}", f"\x01{'*' * 13}\n{'*' * 13}"),
        ({"patient": {"nir": NIR, "all": [int(NIR)]}}, {"patient": {"nir": "*" * 13, "all": ["*" * 13]}}),
        ({NIR: 1}, {"*" * 13: 1}),
    ],
)
def test_no_number_of_a_person_passes(value: object, expected: object) -> None:
    """Texts, numbers, nested values, names of fields, spaces between the groups, small letters: all are starred."""
    line, found = logged(value=value)
    assert found == {"event": "tried", "value": expected}
    assert NIR not in line


@pytest.mark.parametrize(
    "value",
    [7, 999_999_999, -1.5, True, None, "000000042", "2025-03-04T09:40:00.123456+00:00", "12 345", "é\\u00e9", [1]],
)
def test_what_names_nobody_passes_as_it_is(value: object) -> None:
    """Numbers of sheets, moments and reasons stay readable: a log that stars everything helps nobody."""
    assert logged(value=value)[1] == {"event": "tried", "value": value}
