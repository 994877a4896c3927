"""The simulated world: real cryptography, a real journal and real HTTP around one clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fse.lifecycle import SheetState
from fse.routing import Outcome
from gateway.errors import GatewayError
from gateway.simulation import Simulation
from tests.gateway.bench import ARTOIS, OPALE, TUESDAY, patient, visit

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Yield a world without a seed; the Côte d'Opale lies behind a second concentrator."""
    with Simulation(tmp_path_factory.mktemp("world") / "new", TUESDAY, second_route=(OPALE,)) as made:
        yield made


def test_the_way_there_and_back(world: Simulation) -> None:
    """From the encounter over two servers to the caisse, and its acknowledgement back into the journal."""
    (record,) = world.acknowledge(visit("W1"))
    assert record.state is SheetState.ACKNOWLEDGED
    ((key, received),) = world.caisses[ARTOIS].sheets.items()
    assert (key, received.rejection) == ((world.profile.biller, 1), "")


def test_a_patient_whose_card_is_not_in_the_wallet_has_none(world: Simulation) -> None:
    """Somebody without a simulated card: a degraded sheet, as for anybody who left his card at home."""
    stranger = patient("dutest")
    stranger["insured"]["nir"] = "1850362041990"
    (reply,) = world.submit(visit("W2", patient=stranger))
    assert (reply.outcome, reply.reason) == (Outcome.DEGRADED, "degraded-absent")


def test_a_professional_who_has_no_card_is_named(world: Simulation) -> None:
    """WALLET-CPS says whose card is missing."""
    with pytest.raises(GatewayError) as refusal:
        world.professional("99700000047")
    assert refusal.value.rule.id == "WALLET-CPS"


def test_a_concentrator_that_is_down_stops_only_its_own(world: Simulation) -> None:
    """The second concentrator refuses connections: its lot waits, the other caisses get theirs, time goes on."""
    world.stop_second_concentrator()
    (there,) = world.acknowledge(visit("W3", patient=patient("imaginaire")))
    (here,) = world.acknowledge(visit("W4"))
    assert (there.state, here.state) == (SheetState.IN_LOT, SheetState.ACKNOWLEDGED)
    world.run_until(world.clock.now() + timedelta(days=1))
    later = world.gateway.sheet(int(there.number))
    # waits of half a minute to a minute, doubled each time up to six hours: at least 9 and at most 16 in a day
    assert 9 <= later.attempts - there.attempts <= 16
    assert (later.emissions, later.state) == (0, SheetState.IN_LOT)


def test_everything_private_is_the_owners(world: Simulation) -> None:
    """Folder 0700, journal and log 0600."""
    assert world.folder.stat().st_mode & 0o777 == 0o700
    assert {(world.folder / name).stat().st_mode & 0o777 for name in ("journal.db", "evenements.jsonl")} == {0o600}
