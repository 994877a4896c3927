"""The scenarios that are delivered with the package, by name, and those of a person, by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from gateway.scenario.errors import ScenarioError
from gateway.scenario.file import MAX_SCENARIO_BYTES, Scenario, read_scenario

__all__ = ["find_scenario", "scenario_names"]

_SUFFIX = ".yaml"


def scenario_names() -> tuple[str, ...]:
    """Return the names of the scenarios delivered, S1 before S10."""
    found = (entry.name for entry in files("schemas").joinpath("scenarios").iterdir())
    return tuple(
        sorted((name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)), key=lambda n: (len(n), n))
    )


def find_scenario(named: str) -> Scenario:
    """
    Return the scenario in the file ``named``, else the delivered one of that name.

    Raises :class:`gateway.scenario.ScenarioError` (SCENARIO-UNKNOWN, or what is wrong in the file); OSError.
    """
    path = Path(named)
    if path.is_file():
        with path.open("rb") as file:
            return read_scenario(file.read(MAX_SCENARIO_BYTES + 1))
    if named not in scenario_names():
        raise ScenarioError("SCENARIO-UNKNOWN", name=named)
    return read_scenario(files("schemas").joinpath("scenarios", named + _SUFFIX).read_bytes())
