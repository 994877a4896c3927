"""Writes the JSON Schemas of the models into the package ``schemas``: ``python -m gateway.export_schemas``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import schemas
from fse.encounter import Encounter
from gateway.scenario.file import Scenario

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["SCHEMAS", "main", "schema_text"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

SCHEMAS: dict[str, type[BaseModel]] = {"encounter-1.schema.json": Encounter, "scenario-1.schema.json": Scenario}
"""The model behind each file."""


def schema_text(name: str) -> str:
    """Return what the file ``name`` holds: sorted keys, two spaces, a line break at the end."""
    content = {"$schema": _DIALECT, "$id": f"urn:fse-sim:{name}", **SCHEMAS[name].model_json_schema()}
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write every file anew, and say which."""
    folder = Path(str(schemas.__file__)).parent
    for name in SCHEMAS:
        (folder / name).write_text(schema_text(name), encoding="utf-8")
        sys.stdout.write(f"{folder / name}\n")


if __name__ == "__main__":
    main()
