"""What stands before the API: sizes, encodings, hosts, how much at once; and that every refusal is a problem."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import socket
import zipfile
from typing import TYPE_CHECKING

import pytest

from gateway.api.guard import MAX_BODY_BYTES, Guard, host_of
from gateway.logs import SILENT
from tests.gateway.api_bench import ApiBench, facts

if TYPE_CHECKING:
    import httpx
    from starlette.types import Message, Receive, Scope, Send


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and rule of an answer that is a whole problem (RFC 9457) in both languages."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["type"] == f"urn:fse-gateway:rule:{found['rule']}"
    for words in (found["messages"], found["to_do"]):
        assert sorted(words) == ["en", "fr"]
        assert all(words.values())
    return answer.status_code, found["rule"]


def test_an_unknown_address_and_an_unknown_method_are_problems(api: ApiBench) -> None:
    """404 and 405 are answered like any refusal; 405 names every method that the address takes."""
    client = api.nobody()
    assert refusal(client.get("/nowhere")) == (404, "API-ROUTE")
    assert refusal(client.get("/v1/sheets/")) == (404, "API-ROUTE")
    answer = client.put("/v1/sheets")
    assert refusal(answer) == (405, "API-METHOD")
    assert answer.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v1/sheets?limit=201", "limit"),
        ("/v1/sheets?limit=0", "limit"),
        ("/v1/sheets?state=lost", "state"),
        ("/v1/sheets/abc", "number"),
        ("/v1/sheets?after=-1", "after"),
        ("/v1/documents?sheet=0", "sheet"),
    ],
)
def test_a_wrong_parameter_is_named(api: ApiBench, path: str, place: str) -> None:
    """422 API-PARAMETER says which one, and never repeats the value."""
    answer = api.client("read").get(path)
    assert refusal(answer) == (422, "API-PARAMETER")
    assert answer.json()["detail"].startswith(f"{place} :")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "ENC-JSON")),
        (b"[" * 5000 + b"]" * 5000, (400, "ENC-JSON")),
        (b'{"reference": "A"}', (422, "ENC-MISSING")),
        (json.dumps(facts() | {"nickname": "x"}).encode(), (422, "ENC-UNKNOWN")),
        (json.dumps(facts() | {"site": "629990004"}).encode(), (422, "FINESS-KEY")),
        (b" " * 100_001, (413, "ENC-SIZE")),
        (b"\xff\xfe", (400, "ENC-JSON")),
    ],
    ids=["cut", "deep", "missing", "unknown", "key", "large", "bytes"],
)
def test_an_encounter_that_cannot_be_read_is_refused_by_its_rule(
    api: ApiBench, body: bytes, expected: tuple[int, str]
) -> None:
    """The rules and bounds of an encounter hold over HTTP as in a file."""
    answer = api.client("submit").post("/v1/encounters", content=body, headers={"Content-Type": "application/json"})
    assert refusal(answer) == expected


@pytest.mark.parametrize(
    ("path", "sent", "expected"),
    [
        ("/v1/numbers", {"site": "629990003", "count": 0}, (422, "API-BODY")),
        ("/v1/numbers", {"site": "629990003", "count": 101}, (422, "API-BODY")),
        ("/v1/numbers", {"site": "629990003", "count": "1"}, (422, "API-BODY")),
        ("/v1/numbers", {"site": "629990003"}, (422, "API-BODY")),
        ("/v1/numbers", {"site": "629990003", "count": 1, "more": 1}, (422, "API-BODY")),
        ("/v1/numbers", {"site": "629990011", "count": 1}, (422, "SUBMIT-SITE")),
        ("/v1/signing-periods", {"rpps": "99700000014", "pin": "1234"}, (422, "RPPS-KEY")),
    ],
)
def test_a_body_that_does_not_do_is_refused(
    api: ApiBench, path: str, sent: dict[str, object], expected: tuple[int, str]
) -> None:
    """Bodies are strict: no missing, unknown or wrong item passes."""
    assert refusal(api.client().post(path, json=sent)) == expected


def test_a_body_that_is_no_json_is_refused(api: ApiBench) -> None:
    """400 API-JSON for a body that is cut, wherever one is read."""
    answer = api.client().post("/v1/numbers", content=b"{", headers={"Content-Type": "application/json"})
    assert refusal(answer) == (400, "API-JSON")


def test_a_large_body_is_refused_while_it_arrives(api: ApiBench) -> None:
    """413 for a body that says it is too large, before a byte of it, and for a chunked one as soon as it is."""
    head = "POST /v1/encounters HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    port = int(api.url.rpartition(":")[2])
    announced = f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (MAX_BODY_BYTES + 1, b" " * (MAX_BODY_BYTES + 1))
    for rest in (announced.encode(), b"Transfer-Encoding: chunked\r\n\r\n" + chunk):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(head.encode() + rest)  # and never the end of it
            assert connection.recv(12) == b"HTTP/1.1 413"


def test_nothing_compressed_is_ever_unpacked(api: ApiBench) -> None:
    """415 for gzip, deflate and zip: a bomb of 50 MB in 50 kB is refused by its name, unread."""
    client = api.client("submit")
    bomb = gzip.compress(b"0" * 50_000_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("encounter.json", json.dumps(facts()))
    json_type = {"Content-Type": "application/json"}
    for encoding in ("gzip", "deflate", "br", "zstd", "identity, gzip"):
        answer = client.post("/v1/encounters", content=bomb, headers={**json_type, "Content-Encoding": encoding})
        assert refusal(answer) == (415, "API-MEDIA")
    for media in ("application/zip", "application/gzip", "text/plain", "multipart/form-data; boundary=x"):
        answer = client.post("/v1/encounters", content=packed.getvalue(), headers={"Content-Type": media})
        assert refusal(answer) == (415, "API-MEDIA")
    assert refusal(client.post("/v1/encounters", content=packed.getvalue(), headers=json_type)) == (400, "ENC-JSON")
    assert refusal(client.post("/v1/encounters", content=b"{}")) == (415, "API-MEDIA")


def test_a_host_name_that_is_not_ours_gets_nothing(api: ApiBench) -> None:
    """421: a page of somewhere else whose name was made to point here (DNS rebinding) reads nothing."""
    client = api.client()
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost."):
        assert refusal(client.get("/v1/sheets", headers={"Host": host})) == (421, "API-HOST"), host
    for host in ("localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8321"):
        assert client.get("/v1/sheets", headers={"Host": host}).status_code == 200, host


def test_no_page_of_another_origin_is_let_in(api: ApiBench) -> None:
    """No CORS: a browser is never told that another origin may read an answer."""
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answers = [api.client().get("/v1/sheets", headers=headers), api.nobody().options("/v1/sheets", headers=headers)]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


def test_headers_are_bounded(api: ApiBench) -> None:
    """431 for headers of 20 kB, whatever they say."""
    assert refusal(api.nobody().get("/health", headers={"X-Long": "a" * 20_000})) == (431, "API-HEADERS")


@pytest.mark.parametrize(
    ("header", "name"), [("a:1", "a"), ("[::1]:8", "::1"), ("A.Example", "a.example"), ("", ""), (" b ", "b")]
)
def test_a_host_is_read_without_its_port(header: str, name: str) -> None:
    """Names are compared without port and without regard to capitals (RFC 9110 §4.2.3)."""
    assert host_of(header) == name


class Wire:
    """One request to a guard, byte by byte, and the status that came back."""

    def __init__(self, guard: Guard, path: str = "/v1/sheets", body: bytes | None = b"") -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._body = body
        self._scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"localhost")]}
        self._guard = guard

    async def go(self) -> int:
        """Have the guard handle it; return the status."""
        await self._guard(self._scope, self._receive, self._send)
        return self.status

    async def _receive(self) -> Message:
        if self._body is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": self._body or b"", "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])


def test_no_more_is_done_at_once_than_the_journal_can_bear() -> None:
    """503 with Retry-After for the request too many; health still answers; afterwards there is room again."""

    async def live() -> list[int]:
        held, inside = asyncio.Event(), asyncio.Event()

        async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
            inside.set()
            if not held.is_set():
                await held.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})

        guard = Guard(slow, ["localhost"], SILENT, at_once=1)
        first = asyncio.create_task(Wire(guard).go())
        await inside.wait()
        second = Wire(guard)
        seen = [await second.go()]
        assert second.headers[b"retry-after"] == b"1"
        health = asyncio.create_task(Wire(guard, "/health").go())
        held.set()
        return [*seen, await first, await health, await Wire(guard).go()]

    assert asyncio.run(live()) == [503, 200, 200, 200]


def test_a_body_that_does_not_come_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """408 API-BODY-SLOW: who sends nothing for too long is let go, and takes no place of those who work."""
    monkeypatch.setattr("gateway.api.guard._BODY_SECONDS", 0)

    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError

    assert asyncio.run(Wire(Guard(never, ["localhost"], SILENT), body=None).go()) == 408


def test_a_mistake_of_ours_tells_nothing(api: ApiBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 API-INTERNAL: neither the caller nor the log sees what an unforeseen error says, but where it was raised."""

    def fail(*_arguments: object, **_more: object) -> None:
        message = "185036204199978 DUTEST"
        raise RuntimeError(message)

    client = api.client("read")
    monkeypatch.setattr("gateway.api.reading.read_agenda", fail)
    answer = client.get("/v1/agenda")
    assert refusal(answer) == (500, "API-INTERNAL")
    assert "DUTEST" not in answer.text + api.logged.getvalue()
    (line,) = [line for line in api.lines() if line["event"] == "failed"]
    assert line["kind"] == "RuntimeError"
    assert "test_api_limits" in line["where"]
