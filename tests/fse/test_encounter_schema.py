"""The published JSON Schema of an encounter: fresh, and read alike by every validator."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import schemas
from fse.encounter import MAX_ENCOUNTER_BYTES, read_encounter
from gateway.export_schemas import SCHEMAS, main, schema_text

EXAMPLES = Path(__file__).parents[2] / "examples"
ENCOUNTERS = [
    json.loads((EXAMPLES / "encounter.json").read_bytes()),
    *json.loads((EXAMPLES / "journee-pmi.json").read_bytes())["encounters"],
]


def test_the_schemas_in_the_package_are_fresh() -> None:
    """`make schemas` would change nothing: what others read is what the model checks, and none is kept by hand."""
    folder = Path(str(schemas.__file__)).parent
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.schema.json")}
    assert found == {name: schema_text(name) for name in SCHEMAS}


def test_exporting_writes_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m gateway.export_schemas` writes into the package `schemas`, and says which files."""
    monkeypatch.setattr(schemas, "__file__", str(tmp_path / "__init__.py"))
    main()
    written = [tmp_path / name for name in SCHEMAS]
    assert [path.read_text(encoding="utf-8") for path in written] == [schema_text(name) for name in SCHEMAS]
    assert capsys.readouterr().out == "".join(f"{path}\n" for path in written)


@pytest.mark.parametrize("encounter", ENCOUNTERS, ids=lambda one: str(one["reference"]))
def test_every_example_is_an_encounter(encounter: dict[str, Any]) -> None:
    """What the README and the demonstration show is accepted."""
    data = json.dumps(encounter).encode()
    assert len(data) < MAX_ENCOUNTER_BYTES
    assert read_encounter(data).reference == encounter["reference"]


def test_patterns_are_written_for_every_engine() -> None:
    """No escaped class: engines read them differently, and an accent must not depend on the validator."""
    patterns = re.findall(r'"pattern": "([^"]*)"', schemas.read_text("encounter-1.schema.json"))
    assert len(patterns) > 4
    assert [pattern for pattern in patterns if "\\" in pattern] == []
