"""The simulated concentrator over real HTTP: routes by the label, carries bytes unchanged, can read nothing."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from gateway.envelopes import MAX_ENVELOPE_BYTES, make_envelope
from gateway.routing_label import FileLabel
from gateway.simulator.caisse import Caisse
from gateway.simulator.caisse_http import caisse_app
from gateway.simulator.concentrator import Concentrator
from gateway.simulator.faults import Fault, FaultKind, FaultPlan
from gateway.simulator.server import LocalServer
from gateway.transport import IDEMPOTENCY_KEY, ConcentratorClient, Sending
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, TUESDAY, party_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

LABEL = FileLabel(build.BILLER, ARTOIS, 12, 34, "securise")
BODY = bytes(range(256)) * 40


class Recorder:
    """A caisse that keeps what it is given and answers ``answer``."""

    def __init__(self) -> None:
        self.received: list[tuple[FileLabel, bytes]] = []
        self.status = 200

    def app(self) -> Starlette:
        """Return it as an application."""

        async def receive(request: Request) -> Response:
            self.received.append((FileLabel.read(request.headers), await request.body()))
            return Response(b"answer %d" % len(self.received), self.status)

        return Starlette(routes=[Route("/", receive, methods=["POST"])])


class Network:
    """A concentrator in front of a recorder, both listening."""

    def __init__(self, *faults: Fault) -> None:
        self.recorder = Recorder()
        self.caisse = LocalServer(self.recorder.app())
        self.concentrator = Concentrator({ARTOIS: self.caisse.url}, frozenset({build.BILLER}), FaultPlan(faults))
        self.server = LocalServer(self.concentrator.app())
        self.url = self.server.url

    def post(self, body: bytes = BODY, headers: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        """Send ``body`` with the label, changed by ``headers`` (empty: without)."""
        sent = {name: value for name, value in (LABEL.headers() | (headers or {})).items() if value}
        return urllib3.request("POST", f"{self.url}/fichiers", body=body, headers=sent, retries=False)

    def mailbox(self, biller: str = build.BILLER) -> list[int]:
        """Return the numbers of the messages that wait."""
        listed: dict[str, list[int]] = json.loads(urllib3.request("GET", f"{self.url}/boites/{biller}").data)
        return listed["messages"]

    def stop(self) -> None:
        """Stop both."""
        self.server.stop()
        self.caisse.stop()


@pytest.fixture
def network() -> Iterator[Network]:
    """Yield a network without a fault."""
    made = Network()
    yield made
    made.stop()


def test_bytes_are_delivered_unchanged(network: Network) -> None:
    """Protocol art. 3: what the caisse receives is what was sent, with the same label; the answer waits in the box."""
    answer = network.post()
    assert (answer.status, answer.json()) == (202, {"recu": True})
    assert network.recorder.received == [(LABEL, BODY)]
    assert network.mailbox() == [1]
    assert urllib3.request("GET", f"{network.url}/boites/{build.BILLER}/1").data == b"answer 1"


def test_a_message_waits_until_it_is_removed(network: Network) -> None:
    """Reading a message leaves it there; removing it, once or twice, takes it away; the others stay."""
    network.post()
    network.post()
    assert network.mailbox() == [1, 2]
    box = f"{network.url}/boites/{build.BILLER}"
    assert [urllib3.request("GET", f"{box}/2").data for _ in range(2)] == [b"answer 2"] * 2
    assert [urllib3.request("DELETE", f"{box}/2").status for _ in range(2)] == [204, 204]
    assert network.mailbox() == [1]
    assert urllib3.request("GET", f"{box}/2").status == 404


def test_nobody_elses_mailbox_is_shown(network: Network) -> None:
    """A biller without a contract has an empty box, however often it asks."""
    network.post()
    assert network.mailbox("629990003") == []
    assert urllib3.request("GET", f"{network.url}/boites/629990003/1").status == 404
    assert urllib3.request("DELETE", f"{network.url}/boites/629990003/1").status == 204
    assert network.mailbox() == [1]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"FSE-Lot": ""}, 400),
        ({"FSE-Flux": "libre"}, 400),
        ({"FSE-Facturier": "629990003"}, 403),
        ({"FSE-Organisme": OPALE}, 404),
    ],
    ids=["no label", "bad label", "no contract", "unknown organism"],
)
def test_what_it_cannot_carry_is_refused_at_once(network: Network, headers: dict[str, str], status: int) -> None:
    """A refusal says why and keeps nothing: no file without label, without contract, or to nowhere."""
    answer = network.post(headers=headers)
    assert (answer.status, answer.json()["recu"]) == (status, False)
    assert answer.json()["motif"]
    assert (network.recorder.received, network.mailbox()) == ([], [])


def test_the_largest_file_is_carried(network: Network) -> None:
    """A file of exactly the largest size passes."""
    assert network.post(bytes(MAX_ENVELOPE_BYTES)).status == 202
    assert len(network.recorder.received[0][1]) == MAX_ENVELOPE_BYTES


def test_a_file_that_is_too_large_is_cut_off_while_it_arrives(network: Network) -> None:
    """An endless body gets 413 as soon as the bound is passed: nobody fills the memory by never stopping."""
    address = urlsplit(network.url)
    with closing(socket.create_connection((address.hostname, address.port), timeout=10)) as connection:
        headers = "".join(f"{name}: {value}\r\n" for name, value in LABEL.headers().items())
        connection.sendall(
            f"POST /fichiers HTTP/1.1\r\nHost: x\r\n{headers}Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        chunk = b"%x\r\n%s\r\n" % (1_000_000, bytes(1_000_000))
        for _ in range(MAX_ENVELOPE_BYTES // 1_000_000 + 1):
            connection.sendall(chunk)
        answer = connection.recv(100)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert network.recorder.received == []


def test_it_holds_no_key(network: Network) -> None:
    """Nothing that the concentrator owns, at any depth, is a private key: it cannot open what it carries."""
    seen: list[Any] = []

    def walk(thing: object) -> None:
        if any(thing is other for other in seen):
            return
        seen.append(thing)
        children = list(getattr(thing, "__dict__", {}).values())
        if isinstance(thing, dict):
            children += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set | frozenset):
            children += list(thing)
        for child in children:
            walk(child)

    walk(network.concentrator)
    assert len(seen) > 5
    assert not [thing for thing in seen if isinstance(thing, RSAPrivateKey) or hasattr(thing, "private_bytes")]


def test_a_refused_file_can_be_sent_again() -> None:
    """The fault «refuse-file»: 503 as often as it was asked for, then the file is carried."""
    network = Network(Fault(FaultKind.REFUSE_FILE, ARTOIS, "securise", 2))
    assert [network.post().status for _ in range(3)] == [503, 503, 202]
    assert len(network.recorder.received) == 1
    network.stop()


def test_one_bit_changes_on_the_way() -> None:
    """The fault «alter-file»: exactly one bit differs, once; the next file is untouched."""
    network = Network(Fault(FaultKind.ALTER_FILE, ARTOIS, "securise"))
    assert [network.post().status for _ in range(2)] == [202, 202]
    (_, first), (_, second) = network.recorder.received
    assert second == BODY
    assert sum((one ^ other).bit_count() for one, other in zip(first, BODY, strict=True)) == 1
    network.stop()


def test_an_answer_is_lost() -> None:
    """The fault «lose-arl»: the caisse has the file, the biller hears nothing of it; the next answer comes."""
    network = Network(Fault(FaultKind.LOSE_ARL, ARTOIS, "securise"))
    network.post()
    assert (len(network.recorder.received), network.mailbox()) == (1, [])
    network.post()
    assert network.mailbox() == [1]
    network.stop()


def test_a_caisse_that_refuses_puts_nothing_in_the_box(network: Network) -> None:
    """An answer that is no acknowledgement is not handed on as one."""
    network.recorder.status = 404
    assert network.post().status == 202
    assert network.mailbox() == []


def test_a_dead_caisse_is_not_said_to_have_taken_it(network: Network) -> None:
    """When the caisse cannot be reached the biller is not told «taken»."""
    network.caisse.stop()
    assert network.post().status == 500


# --------------------------------------------------------------------------------------------- an attempt, sent twice

FIRST = {IDEMPOTENCY_KEY: "000012-1"}


def test_an_attempt_sent_twice_is_taken_once(network: Network) -> None:
    """The same file under the same attempt key: taken, said so again, delivered once, one answer in the box."""
    first, again = network.post(headers=FIRST), network.post(headers=FIRST)
    assert (first.status, first.json()) == (202, {"recu": True})
    assert (again.status, again.json()) == (202, {"recu": True, "deja": True})
    assert (network.recorder.received, network.mailbox()) == ([(LABEL, BODY)], [1])


def test_another_attempt_is_another_file(network: Network) -> None:
    """The next attempt, and a file without any key, are carried like the first: a re-emission is no repetition."""
    for headers in (FIRST, {IDEMPOTENCY_KEY: "000012-2"}, {}, {}):
        assert network.post(headers=headers).json() == {"recu": True}
    assert len(network.recorder.received) == 4


@pytest.mark.parametrize(
    ("body", "headers"),
    [(BODY + b"x", {}), (BODY, {"FSE-Lot": "000035"}), (BODY, {"FSE-Flux": "degrade"})],
    ids=["bytes", "lot", "mode"],
)
def test_other_content_under_the_same_attempt_is_refused(
    network: Network, body: bytes, headers: dict[str, str]
) -> None:
    """409: neither other bytes nor another label may hide behind an attempt that was taken; nothing is delivered."""
    network.post(headers=FIRST)
    other = network.post(body, FIRST | headers)
    assert (other.status, other.json()["recu"]) == (409, False)
    assert network.recorder.received == [(LABEL, BODY)]
    assert network.post(headers=FIRST).json() == {"recu": True, "deja": True}


def test_an_attempt_belongs_to_its_biller(network: Network) -> None:
    """Two billers may number their attempts alike: each has its own file taken."""
    other = "629990003"
    both = Concentrator({ARTOIS: network.caisse.url}, frozenset({build.BILLER, other}), FaultPlan(()))
    server = LocalServer(both.app())
    for biller in (build.BILLER, other):
        headers = LABEL.headers() | FIRST | {"FSE-Facturier": biller}
        answer = urllib3.request("POST", f"{server.url}/fichiers", body=BODY, headers=headers, retries=False)
        assert answer.json() == {"recu": True}
    assert [label.biller for label, _ in network.recorder.received] == [build.BILLER, other]
    server.stop()


def test_an_attempt_that_failed_may_be_sent_again(network: Network) -> None:
    """The caisse could not be reached: the attempt was not taken, and its repetition is carried."""
    network.caisse.stop()
    assert network.post(headers=FIRST).status == 500
    network.caisse = LocalServer(network.recorder.app())
    network.concentrator._caisses = {ARTOIS: network.caisse.url}  # noqa: SLF001 - it listens on another port now
    assert network.post(headers=FIRST).json() == {"recu": True}
    assert network.recorder.received == [(LABEL, BODY)]


def test_an_attempt_on_its_way_is_not_said_to_be_taken() -> None:
    """The first one may still fail: «not now» until it is through; then «taken already»; delivered once."""
    arrived, go_on, received = Event(), Event(), []

    async def receive(request: Request) -> Response:
        received.append(await request.body())
        arrived.set()
        await run_in_threadpool(go_on.wait, 10)
        return Response(b"answer")

    caisse = LocalServer(Starlette(routes=[Route("/", receive, methods=["POST"])]))
    server = LocalServer(Concentrator({ARTOIS: caisse.url}, frozenset({build.BILLER}), FaultPlan(())).app())
    answers: list[tuple[Sending, str]] = []
    first = Thread(target=lambda: answers.append(ConcentratorClient(server.url).send(LABEL, BODY, 1)))
    first.start()
    assert arrived.wait(10)
    client = ConcentratorClient(server.url)
    assert client.send(LABEL, BODY, 1) == (Sending.NOT_TAKEN, "HTTP 503")
    assert client.send(LABEL, b"other", 1) == (Sending.REFUSED, "HTTP 409")
    go_on.set()
    first.join(10)
    assert answers == [(Sending.TAKEN, "")]
    assert client.send(LABEL, BODY, 1) == (Sending.TAKEN, "")
    assert received == [BODY]
    server.stop()
    caisse.stop()


def test_faults_bite_where_they_are_told() -> None:
    """A fault strikes its kind, its caisse and its flow, as often as it was asked, and never again."""
    plan = FaultPlan((Fault(FaultKind.LOSE_ARL, ARTOIS, "securise", 2),))
    assert not plan.strikes(FaultKind.ALTER_FILE, ARTOIS, "securise")
    assert not plan.strikes(FaultKind.LOSE_ARL, OPALE, "securise")
    assert not plan.strikes(FaultKind.LOSE_ARL, ARTOIS, "degrade")
    assert [plan.strikes(FaultKind.LOSE_ARL, ARTOIS, "securise") for _ in range(3)] == [True, True, False]


@pytest.fixture
def caisse_url() -> Iterator[str]:
    """Yield the address of a real simulated caisse."""
    billers = {build.BILLER: build.party(build.BILLER).certificate}

    class Frozen:
        def now(self) -> Any:  # noqa: ANN401 - a datetime
            return TUESDAY

    caisse = Caisse(ARTOIS, party_of(build.party(ARTOIS)), build.trust(), billers, Frozen())
    server = LocalServer(caisse_app({ARTOIS: caisse}))
    yield f"{server.url}/caisses"
    server.stop()


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        (ARTOIS, {}, b"?", 200),
        (ARTOIS, {"FSE-Lot": "x"}, b"?", 400),
        (ARTOIS, {"FSE-Facturier": "629990003"}, b"?", 404),
        (OPALE, {}, b"?", 404),
        (ARTOIS, {}, bytes(MAX_ENVELOPE_BYTES + 1), 413),
    ],
    ids=["altered", "label", "biller", "organism", "size"],
)
def test_the_caisse_over_http(caisse_url: str, path: str, headers: dict[str, str], body: bytes, status: int) -> None:
    """The door of a caisse: its acknowledgement, or the reason why there is none."""
    url = f"{caisse_url}/{path}/fichiers"
    answer = urllib3.request("POST", url, body=body, headers=LABEL.headers() | headers, retries=False)
    assert answer.status == status


def test_a_caisse_answers_only_in_an_envelope(caisse_url: str) -> None:
    """What comes back over HTTP is enveloped for the biller: the concentrator cannot read it."""
    body = make_envelope(b"?", build.party(ARTOIS).certificate)
    answer = urllib3.request("POST", f"{caisse_url}/{ARTOIS}/fichiers", body=body, headers=LABEL.headers())
    assert answer.headers["content-type"] == "application/pkcs7-mime"
    assert b"FSE-SIM arl" not in answer.data
