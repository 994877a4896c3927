"""Scenarios: a small file of scenes, incidents, clock moves and expectations, lived through in a simulated world."""

from __future__ import annotations

from gateway.scenario.errors import ScenarioError
from gateway.scenario.file import MAX_SCENARIO_BYTES, Scenario, read_scenario
from gateway.scenario.runner import ScenarioResult, Status, StepResult, run_scenario
from gateway.scenario.shelf import find_scenario, scenario_names

__all__ = [
    "MAX_SCENARIO_BYTES",
    "Scenario",
    "ScenarioError",
    "ScenarioResult",
    "Status",
    "StepResult",
    "find_scenario",
    "read_scenario",
    "run_scenario",
    "scenario_names",
]
