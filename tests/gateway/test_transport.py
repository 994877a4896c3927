"""The client of the concentrators: taken, not taken, or unknown; every answer bounded, one dead address no trouble."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.errors import GatewayError
from gateway.routing_label import FileLabel
from gateway.transport import ConcentratorClient, Sending, TransportError
from tests.gateway.bench import ARTOIS, OPALE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BILLER = "629990011"
LABEL = FileLabel(BILLER, ARTOIS, 12, 34, "securise")


class Scripted:
    """An HTTP server that reads each request and answers raw bytes in turn; None closes without an answer."""

    def __init__(self, *answers: bytes | None) -> None:
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                while self._answers and (request := self._read(connection)):
                    self.requests.append(request)
                    answer = self._answers.pop(0)
                    if answer is None:
                        break
                    connection.sendall(answer)
                    if b"Connection: close" in answer:
                        break

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        missing = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
        while missing > 0:
            part = connection.recv(65536)
            data, missing = data + part, missing - len(part)
        return data

    def stop(self) -> None:
        """Stop listening."""
        self._socket.close()
        self._thread.join(10)


def _answer(status: int, body: bytes = b"", headers: str = "Connection: close") -> bytes:
    return f"HTTP/1.1 {status} X\r\n{headers}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def serve() -> Iterator[Callable[..., Scripted]]:
    """Yield what starts a scripted server."""
    running: list[Scripted] = []

    def start(*answers: bytes | None) -> Scripted:
        running.append(Scripted(*answers))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (_answer(202), (Sending.TAKEN, "")),
        (_answer(200), (Sending.UNKNOWN, "HTTP 200")),
        (_answer(302, headers="Location: /elsewhere\r\nConnection: close"), (Sending.REFUSED, "HTTP 302")),
        (_answer(400), (Sending.REFUSED, "HTTP 400")),
        (_answer(403), (Sending.REFUSED, "HTTP 403")),
        (_answer(413), (Sending.REFUSED, "HTTP 413")),
        (_answer(429), (Sending.NOT_TAKEN, "HTTP 429")),
        (_answer(500), (Sending.UNKNOWN, "HTTP 500")),
        (_answer(502), (Sending.UNKNOWN, "HTTP 502")),
        (_answer(503), (Sending.NOT_TAKEN, "HTTP 503")),
        (None, (Sending.UNKNOWN, "ProtocolError")),
        (b"what?\r\n\r\n", (Sending.UNKNOWN, "ProtocolError")),
    ],
)
def test_three_results_never_two(
    serve: Callable[..., Scripted], answer: bytes | None, expected: tuple[Sending, str]
) -> None:
    """Taken is said, not taken is said; whatever leaves a doubt is unknown, for the bytes may have been kept."""
    server = serve(answer)
    assert ConcentratorClient(server.url).send(LABEL, b"file", 1) == expected
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert (head.split(b"\r\n")[0], body) == (b"POST /fichiers HTTP/1.1", b"file")
    assert b"FSE-Lot: 000034" in head


def test_an_attempt_has_its_key(serve: Callable[..., Scripted]) -> None:
    """The same attempt bears the same key, another one another: the concentrator can tell a repetition by it."""
    server = serve(_answer(202), _answer(202), _answer(202))
    client = ConcentratorClient(server.url)
    for attempt in (1, 1, 2):
        client.send(LABEL, b"file", attempt)
    keys = [[line for line in one.split(b"\r\n") if line.startswith(b"Idempotency-Key")] for one in server.requests]
    assert keys[0] == keys[1] != keys[2]
    assert all(len(key) == 1 for key in keys)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_a_refused_connection_kept_nothing() -> None:
    """Nobody listens: not a byte left, so it is not an emission."""
    dead = ConcentratorClient(f"http://127.0.0.1:{_free_port()}")
    assert dead.send(LABEL, b"file", 1)[0] is Sending.NOT_TAKEN
    assert dead.messages(BILLER) == []


def test_silence_is_unknown(serve: Callable[..., Scripted], monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was sent and no answer came in time: bytes may have arrived."""
    monkeypatch.setattr("gateway.transport._SECONDS", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        client = ConcentratorClient(f"http://127.0.0.1:{mute.getsockname()[1]}")
        assert client.send(LABEL, b"file", 1) == (Sending.UNKNOWN, "ReadTimeoutError")
    del serve


def test_each_organism_has_its_route(serve: Callable[..., Scripted]) -> None:
    """A file goes to the concentrator of its caisse, the default one when it has none of its own."""
    default, own = serve(_answer(202)), serve(_answer(202))
    client = ConcentratorClient(default.url, {OPALE: own.url})
    client.send(LABEL, b"a", 1)
    client.send(FileLabel(BILLER, OPALE, 1, 1, "securise"), b"b", 1)
    assert [request[-1:] for request in (*default.requests, *own.requests)] == [b"a", b"b"]


def test_mailboxes_of_all_that_answer(serve: Callable[..., Scripted]) -> None:
    """One concentrator down, one that talks nonsense, one that works: its messages are collected all the same."""
    works = serve(_answer(200, json.dumps({"messages": [3, 5]}).encode()))
    nonsense = serve(_answer(200, b'{"messages": "all of them"}'))
    broken = serve(_answer(500, b"{}"))
    routes = {"1": nonsense.url, "2": broken.url, "3": f"http://127.0.0.1:{_free_port()}"}
    found = ConcentratorClient(works.url, routes).messages(BILLER)
    assert found == [f"{works.url}/boites/{BILLER}/{name}" for name in (3, 5)]


def test_a_mailbox_without_a_list_is_empty(serve: Callable[..., Scripted]) -> None:
    """An answer without messages means none."""
    server = serve(_answer(200, b"{}"))
    assert ConcentratorClient(server.url).messages(BILLER) == []


def test_messages_are_fetched_and_removed(serve: Callable[..., Scripted]) -> None:
    """A message is fetched as it is, then removed by its own name."""
    server = serve(_answer(200, b"message"), _answer(204))
    client = ConcentratorClient(server.url)
    name = f"{server.url}/boites/{BILLER}/3"
    assert client.fetch(BILLER, name) == b"message"
    client.remove(BILLER, name)
    lines = [request.split(b" HTTP")[0] for request in server.requests]
    assert lines == [b"GET /boites/629990011/3", b"DELETE /boites/629990011/3"]


@pytest.mark.parametrize("answer", [_answer(404), _answer(500), _answer(302), None])
def test_a_message_that_does_not_come_is_an_error_by_name(serve: Callable[..., Scripted], answer: bytes | None) -> None:
    """TRANSPORT says which address did not answer as it should."""
    server = serve(answer)
    with pytest.raises(TransportError) as refusal:
        ConcentratorClient(server.url).fetch(BILLER, f"{server.url}/boites/{BILLER}/1")
    assert refusal.value.rule.id == "TRANSPORT"
    assert refusal.value.facts["address"] == f"{server.url}/boites/{BILLER}/1"


def test_an_endless_message_is_cut_and_the_client_goes_on(serve: Callable[..., Scripted]) -> None:
    """A message beyond the bound is refused, and the rest of it is not taken for the next answer."""
    huge = _answer(200, bytes(MAX_ENVELOPE_BYTES + 1), "Connection: keep-alive")
    server = serve(huge, _answer(200, b"small"))
    client = ConcentratorClient(server.url)
    with pytest.raises(TransportError):
        client.fetch(BILLER, f"{server.url}/boites/{BILLER}/1")
    assert client.fetch(BILLER, f"{server.url}/boites/{BILLER}/2") == b"small"


@pytest.mark.parametrize(
    "address",
    [
        "https://concentrateur.fr",
        "http://192.0.2.7:80",
        "ftp://localhost.test",
        "http://test.fr",
        "http://localhost.evil",
        "http://[",
        "http://[::1",
        "http://[evil]/",
        "",
    ],
)
def test_no_file_can_go_to_a_real_address(address: str) -> None:
    """ADDRESS-REAL: only this machine and the names reserved for tests; neither by default nor by a route."""
    for addresses in ((address, {}), ("http://127.0.0.1:9", {ARTOIS: address})):
        with pytest.raises(GatewayError) as refusal:
            ConcentratorClient(*addresses)
        assert refusal.value.rule.id == "ADDRESS-REAL"


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:1", "http://[::1]:1", "https://oct.example", "http://oct.invalid", "http://a.localhost"],
)
def test_reserved_addresses_are_accepted(address: str) -> None:
    """RFC 2606 and RFC 6761: names that can never exist on the Internet, and this machine."""
    assert ConcentratorClient(address) is not None
