"""
Schemathesis, which we did not write, judges the API by its own description: generated requests, valid and not.

Checks that are off, and why:

- ``positive_data_acceptance``: a schema cannot say everything. Keys of RPPS, FINESS and NIR, dates that follow each
  other, seals and the state of a lot are judged by rules (422); and to a JSON Schema 1.0 is an integer.
- ``max_response_time``: tests never judge times.

Those that follow what one operation created into another (``use_after_free``, ``ensure_resource_availability``) have
nothing to follow here: nothing that is created is ever deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import max_response_time
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.gateway.api_bench import DOCTOR, ApiBench, facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.schemas import BaseSchema

pytestmark = pytest.mark.interop

_OFF: list[Any] = [positive_data_acceptance, max_response_time]
_EXAMPLES = 12
_HIGHEST = {"number": 999_999_999, "rank": 999_999}
"""What the description allows: a number beyond it must stay wrong."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiBench]:
    """Yield an API where something stands: two sheets sent and answered, one waiting, the twin of another."""
    folder = tmp_path_factory.mktemp("schemathesis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSE_HOME", str(folder / "home"))
        with ApiBench(folder) as made:
            made.open_period(minutes=600, signatures=1000)
            client = made.client()
            for reference, vitale in (("V1", "present"), ("V2", "absent")):
                assert client.post("/v1/encounters", json=facts(reference, vitale=vitale)).status_code == 200
            assert client.post("/v1/dispatch", json={"rpps": DOCTOR}).status_code == 200
            assert client.post("/v1/encounters", json=facts("V3")).status_code == 200
            yield made


@pytest.fixture
def described(api: ApiBench) -> BaseSchema:
    """Return the description of that API; large numbers in paths become those of things that are there."""
    found = schemathesis.openapi.from_url(f"{api.url}/v1/openapi.json")

    @found.hook
    def map_path_parameters(_context: object, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        changed = dict(path_parameters or {})
        for name, value in changed.items():
            if isinstance(value, int) and 100 < value <= _HIGHEST.get(name, 0):
                changed[name] = value % 3 + 1
        return changed or path_parameters

    @found.auth()
    class _Token:
        """Give every request a token of every scope, but those that are generated to have none."""

        def get(self, _case: object, _context: object) -> str:
            return api.token()

        def set(self, case: schemathesis.Case[Any], token: str, _context: object) -> None:
            case.headers["Authorization"] = f"Bearer {token}"

    return found


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_it_is_described(api: ApiBench, described: BaseSchema, mode: GenerationMode) -> None:
    """No 5xx, no undescribed status, type, header or content, no invalid request accepted, no door without a token."""
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == 27  # as docs/api.md and the task count them: none is left out
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=_EXAMPLES, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        def judge(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(excluded_checks=_OFF)

        try:
            judge()
        except Unsatisfiable:  # an operation without parameters has no invalid request
            assert mode is GenerationMode.NEGATIVE
    seen = {line["status"] for line in api.lines() if line["event"] == "request"}
    assert {200, 404, 422} <= seen  # the token was taken: what is judged is more than the door
