"""Choosing how to send: under contract, without one, or without a concentrator at all."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gateway.clock import SimulatedClock
from gateway.contracts import ContractedTransport, contracted_concentrator
from gateway.direct_transport import DirectTransport
from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.errors import GatewayError
from gateway.registers import load_registers
from gateway.routing_label import FileLabel
from gateway.simulator.caisse import Caisse
from gateway.simulator.caisse_http import caisse_app
from gateway.simulator.server import LocalServer
from gateway.transport import Sending, TransportError
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, TUESDAY, Wire, party_of, visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.requests import Request

    from tests.gateway.bench import Bench

LABEL = FileLabel(build.BILLER, ARTOIS, 12, 34, "securise")
CONTRACTS = load_registers("pas-de-calais-simule").contracts


def under(wire: Wire, on: date, endpoint: str = "http://oct.test") -> ContractedTransport:
    """Return ``wire`` behind the contracts, at noon of ``on``; the contract ends on 31 March 2025."""
    clock = SimulatedClock(datetime(on.year, on.month, on.day, 12, tzinfo=UTC))
    (contract,) = CONTRACTS
    ending = contract.model_copy(update={"end": date(2025, 3, 31)})
    return ContractedTransport(wire, (ending,), clock, lambda _organism: endpoint)


@pytest.mark.parametrize(
    ("on", "endpoint", "leaves"),
    [
        (date(2025, 3, 4), "http://oct.test", True),
        (date(2025, 3, 31), "http://oct.test", True),  # its last day
        (date(2025, 4, 1), "http://oct.test", False),
        (date(2012, 7, 10), "http://oct.test", False),
        (date(2025, 3, 4), "http://other.test", False),
    ],
)
def test_without_a_contract_nothing_leaves(on: date, endpoint: str, *, leaves: bool) -> None:
    """PROT-12, scenario S1.1: under contract accepted; without, refused by OCT-CONTRACT before the first byte."""
    wire = Wire()
    result, why = under(wire, on, endpoint).send(LABEL, b"file", 1)
    assert (result is Sending.TAKEN, len(wire.sent)) == (leaves, int(leaves))
    if not leaves:
        assert result is Sending.REFUSED
        assert why.startswith("[OCT-CONTRACT] ")
        assert endpoint in why


def test_a_contract_is_for_one_biller() -> None:
    """PROT-11: the OCT acts for the account of the département that signed, and sends for nobody else."""
    wire = Wire()
    result, _ = under(wire, date(2025, 3, 4)).send(replace(LABEL, biller="359990025"), b"file", 1)
    assert (result, wire.sent) == (Sending.REFUSED, [])


def test_answers_are_collected_after_the_end() -> None:
    """What left under the contract is still answered: ending it loses no acknowledgement."""
    wire = Wire()
    name = wire.put(b"answer")
    ended = under(wire, date(2026, 1, 1))
    assert ended.messages(build.BILLER) == [name]
    assert ended.fetch(build.BILLER, name) == b"answer"
    ended.remove(build.BILLER, name)
    assert wire.mailbox == {}


def test_a_refused_lot_waits_for_a_person(bench: Bench) -> None:
    """The lot is held under the rule's words and keeps its sheet; once a contract stands it leaves when released."""
    wire, clock = bench.wire, bench.clock
    refusing = ContractedTransport(wire, (), clock, lambda _organism: "http://oct.test")
    dispatch = replace(bench.gateway.dispatch, transport=refusing)
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    dispatch.run()
    assert wire.sent == []
    assert bench.lot().hold.startswith("[OCT-CONTRACT] ")
    assert "oct.test" in bench.lot().hold
    dispatch.release(1)
    replace(dispatch, transport=replace(refusing, contracts=CONTRACTS)).run()
    assert len(wire.sent) == 1
    assert bench.state() == "sent"


def test_each_route_needs_its_own_contract() -> None:
    """A caisse reached through another OCT is covered by that one's contract, not by the default one's."""
    default, other = "http://127.0.0.1:9", "http://127.0.0.2:9"
    client = contracted_concentrator(default, CONTRACTS, SimulatedClock(TUESDAY), {OPALE: other})
    assert client.send(LABEL, b"file", 1) == (Sending.NOT_TAKEN, "connexion refusée")  # allowed; nobody listens
    result, why = client.send(replace(LABEL, organism=OPALE), b"file", 1)
    assert result is Sending.REFUSED
    assert other in why


# -------------------------------------------------------------------------------------------------------------- direct


@pytest.fixture
def caisse() -> Iterator[tuple[Caisse, str]]:
    """Yield the simulated caisse of the Artois and its own address; no concentrator runs."""
    billers = {build.BILLER: party_of(build.party(build.BILLER)).certificate}
    one = Caisse(ARTOIS, party_of(build.party(ARTOIS)), build.trust(), billers, SimulatedClock(TUESDAY))
    server = LocalServer(caisse_app({ARTOIS: one}))
    yield one, f"{server.url}/caisses/{ARTOIS}/fichiers"
    server.stop()


def test_a_sheet_reaches_its_caisse_without_an_oct(bench: Bench, caisse: tuple[Caisse, str], tmp_path: Path) -> None:
    """PROT-08: sent straight to the caisse, the sheet is acknowledged by the answer kept in the local mailbox."""
    one, address = caisse
    mailbox = tmp_path / "mailbox"
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    dispatch = replace(bench.gateway.dispatch, transport=DirectTransport({ARTOIS: address}, mailbox))
    assert dispatch.send() == 1
    (kept,) = (mailbox / build.BILLER).iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert dispatch.collect() == 1
    assert bench.state() == "acknowledged"
    assert list((mailbox / build.BILLER).iterdir()) == []
    assert [number for _, number in one.sheets] == [1]


def test_the_same_attempt_again_has_one_answer(caisse: tuple[Caisse, str], tmp_path: Path) -> None:
    """An attempt that is sent twice leaves one message; another attempt leaves its own."""
    _, address = caisse
    direct = DirectTransport({ARTOIS: address}, tmp_path)
    for attempt in (1, 1, 2):
        assert direct.send(LABEL, b"no envelope", attempt) == (Sending.TAKEN, "")
    assert direct.messages(build.BILLER) == [f"{ARTOIS}-000012-1", f"{ARTOIS}-000012-2"]
    direct.remove(build.BILLER, f"{ARTOIS}-000012-1")
    direct.remove(build.BILLER, f"{ARTOIS}-000012-1")
    assert direct.messages(build.BILLER) == [f"{ARTOIS}-000012-2"]
    assert direct.messages("359990025") == []


def test_a_caisse_without_an_address_is_refused(tmp_path: Path) -> None:
    """DIRECT-ADDRESS: nothing is guessed; the lot waits for a person, who reads the rule and the caisse."""
    result, why = DirectTransport({}, tmp_path).send(LABEL, b"file", 1)
    assert result is Sending.REFUSED
    assert why.startswith("[DIRECT-ADDRESS] ")
    assert ARTOIS in why


def test_a_real_address_is_never_sent_to_directly(tmp_path: Path) -> None:
    """Test and real never mix, on this road either."""
    with pytest.raises(GatewayError, match="ADDRESS-REAL"):
        DirectTransport({ARTOIS: "https://caisse.fr/fichiers"}, tmp_path)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (503, b"", (Sending.NOT_TAKEN, "HTTP 503")),
        (404, b"", (Sending.REFUSED, "HTTP 404")),
        (500, b"", (Sending.UNKNOWN, "HTTP 500")),
        (202, b"", (Sending.UNKNOWN, "HTTP 202")),  # taken by somebody who gives no answer: wait for it
        (200, b"x" * (MAX_ENVELOPE_BYTES + 1), (Sending.UNKNOWN, "réponse trop grande")),
    ],
)
def test_what_a_caisse_may_answer(tmp_path: Path, status: int, body: bytes, expected: tuple[Sending, str]) -> None:
    """The four results, as on the road through a concentrator; whatever is not an answer leaves no message."""

    async def receive(request: Request) -> Response:
        await request.body()
        return Response(body, status)

    server = LocalServer(Starlette(routes=[Route("/", receive, methods=["POST"])]))
    try:
        direct = DirectTransport({ARTOIS: f"{server.url}/"}, tmp_path)
        assert direct.send(LABEL, b"file", 1) == expected
        assert direct.messages(build.BILLER) == []
    finally:
        server.stop()
    assert direct.send(LABEL, b"file", 1) == (Sending.NOT_TAKEN, "connexion refusée")


def test_an_answer_that_cannot_be_kept_is_asked_for_again(caisse: tuple[Caisse, str], tmp_path: Path) -> None:
    """A full or broken disk never makes a sending «taken»: the file goes again and the caisse answers again."""
    _, address = caisse
    blocked = tmp_path / "mailbox"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    direct = DirectTransport({ARTOIS: address}, blocked)
    result, _ = direct.send(LABEL, b"file", 1)
    assert result is Sending.UNKNOWN
    with pytest.raises(TransportError):
        direct.messages(build.BILLER)
    with pytest.raises(TransportError):
        direct.fetch(build.BILLER, f"{ARTOIS}-000012-1")


@pytest.mark.parametrize("name", ["../secret", "", "019990000-000012-1/.."])
def test_only_a_message_is_fetched_or_removed(tmp_path: Path, name: str) -> None:
    """A name from elsewhere never leads out of the mailbox."""
    (tmp_path / "secret").write_text("kept", encoding="utf-8")
    direct = DirectTransport({}, tmp_path)
    for act in (direct.fetch, direct.remove):
        with pytest.raises(TransportError):
            act(build.BILLER, name)
    assert (tmp_path / "secret").exists()
