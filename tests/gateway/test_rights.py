"""Rights are asked and attached, never a reason to refuse care; orientations need consent; both are counted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from fse.encounter import EncounterError, read_encounter
from fse.routing import Outcome
from fse.rules import rule
from gateway.rights import attach_rights, count_rights
from gateway.simulator.adri import RightsDown, SimulatedRights
from tests.gateway.bench import ANONYMOUS_IVG, EXAMPLE, TUESDAY, Bench, visit

if TYPE_CHECKING:
    from pathlib import Path

FATHER = "1850362041999"
OPEN = SimulatedRights({FATHER: ((date(2025, 1, 1), date(2025, 3, 4)),)})
CLOSED = SimulatedRights({FATHER: ((date(2024, 1, 1), date(2025, 3, 3)),)})


def with_rights(folder: Path, service: SimulatedRights) -> Bench:
    """Return a gateway that asks ``service``."""
    bench = Bench(folder)
    bench.rights = service
    bench.reopen()
    return bench


@pytest.mark.parametrize(
    ("service", "warnings"),
    [
        (OPEN, ()),
        (CLOSED, ("RIGHTS-CLOSED",)),
        (SimulatedRights({}), ("RIGHTS-UNKNOWN",)),
        (replace(OPEN, down=True), ("RIGHTS-UNKNOWN",)),
    ],
)
def test_care_goes_on_whatever_the_answer(service: SimulatedRights, warnings: tuple[str, ...], tmp_path: Path) -> None:
    """RIGHT-01: open, closed, unknown person, service down: the same secured sheet; what was found is a warning."""
    bench = with_rights(tmp_path, service)
    (reply,) = bench.submit(visit())
    assert (reply.outcome, reply.warnings) == (Outcome.SECURED, warnings)
    assert [rule(one).severity for one in warnings] == ["warning"] * len(warnings)
    assert bench.submit(visit())[0] == reply  # the stored answer, asked once


def test_the_last_day_of_rights_is_open() -> None:
    """Both ends of a period belong to it; nobody on the list, or a service that is down, is no answer."""
    assert [OPEN(FATHER, "", date(2025, 3, 4)), OPEN(FATHER, "", date(2025, 3, 5))] == ["open", "closed"]
    assert [OPEN(FATHER, "", date(2025, 1, 1)), OPEN(FATHER, "", date(2024, 12, 31))] == ["open", "closed"]
    with pytest.raises(RightsDown):
        OPEN("2900762041998", "", date(2025, 3, 4))


def test_nobody_asks_about_who_is_not_named_or_twice() -> None:
    """An anonymous encounter never reaches the service; an answer that is there already is kept."""

    def never(nir: str, organism: str, on: date) -> str:
        raise AssertionError((nir, organism, on))

    for facts in (visit(**ANONYMOUS_IVG), visit(rights={"result": "closed", "on": "2025-03-04"})):
        assert attach_rights(facts, never) == facts  # type: ignore[arg-type] # it must not be called at all
    assert attach_rights(visit(), None) == visit()


def test_an_orientation_needs_consent_and_is_counted(tmp_path: Path) -> None:
    """RIGHT-03, RIGHT-04: without recorded consent refused (ENC-CONSENT); with it counted by family, and rights too."""
    for wrong in (
        EXAMPLE | {"orientations": [{"family": "ame", "consent": True}, {"family": "c2s", "consent": False}]},
        EXAMPLE | ANONYMOUS_IVG | {"orientations": [{"family": "ame", "consent": True}]},
    ):
        with pytest.raises(EncounterError) as caught:
            read_encounter(json.dumps(wrong).encode())
        assert caught.value.rule.id == "ENC-CONSENT"
    bench = with_rights(tmp_path, CLOSED)
    bench.submit(visit("A", orientations=[{"family": "c2s", "consent": True}]))
    bench.submit(visit("B", orientations=[{"family": "c2s", "consent": True}, {"family": "puma", "consent": True}]))
    bench.submit(visit("B", orientations=[{"family": "c2s", "consent": True}, {"family": "puma", "consent": True}]))
    with bench.journal.read() as tx:
        assert count_rights(tx) == {"orientation:c2s": 2, "orientation:puma": 1, "rights_closed": 2}


def test_a_card_that_was_not_updated_for_a_year_is_a_warning(tmp_path: Path) -> None:
    """PROT-20: the card of 15 January 2025 is still good on its anniversary, and told of the day after."""
    for day, warnings in ((date(2026, 1, 15), ()), (date(2026, 1, 16), ("VITALE-UPDATE",))):
        folder = tmp_path / str(day)
        folder.mkdir()
        bench = Bench(folder, TUESDAY + (day - TUESDAY.date()))
        (reply,) = bench.submit(visit(at=(bench.clock.now() - timedelta(minutes=5)).isoformat(), acts=[{"code": "G"}]))
        assert (reply.outcome, reply.warnings) == (Outcome.SECURED, warnings)
