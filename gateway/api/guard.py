"""
What stands before the API: host names, sizes, encodings, and how much is done at once.

A body is taken in whole before anything is done with it, bounded while it arrives, in bytes and in seconds, chunked or
not; a compressed one is refused unread, so that nothing is ever unpacked. What the application itself could not handle
ends here as one refusal without its cause, which goes to the log by its kind alone.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from gateway.api.problems import problem
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.logs import Log

__all__ = ["MAX_BODY_BYTES", "MAX_HEADER_BYTES", "Guard", "host_of"]

MAX_BODY_BYTES = 1_000_000
"""Largest body that is received, in bytes."""

MAX_HEADER_BYTES = 16_384
"""Largest headers, names and values together; the server bounds what of them it holds before they are whole."""

_BODY_SECONDS = 20
_AT_ONCE = 12
"""Requests worked on at once: fewer than the connections that the pool of the journal gives (15)."""

_ALWAYS = "/health"


class Guard:
    """The outermost layer of the API: ``names`` are the hosts that it answers to, ``log`` is told each request."""

    def __init__(self, app: ASGIApp, names: Collection[str], log: Log, at_once: int = _AT_ONCE) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._log = log
        self._at_once = at_once
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        started = time.monotonic()
        try:
            await self._admit(scope, receive, answer)
        except GatewayError as error:
            if answer.status is None:
                await problem(error)(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001 - nothing of it reaches the caller or the log but its kind
            self._log.info("failed", kind=type(error).__name__, where=_where(error))
            if answer.status is None:
                await problem(GatewayError("API-INTERNAL"))(scope, receive, answer.send)
        finally:
            spent = round((time.monotonic() - started) * 1000)
            self._log.info(
                "request",
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                method=scope["method"],
                path=scope["path"][:200],
                status=answer.status,
                milliseconds=spent,
            )

    async def _admit(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADER_BYTES:
            raise GatewayError("API-HEADERS", limit=MAX_HEADER_BYTES)
        if host_of(headers.get("host", "")) not in self._names:
            raise GatewayError("API-HOST")
        if headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise GatewayError("API-MEDIA")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _read(headers, receive)
        except TimeoutError:
            raise GatewayError("API-BODY-SLOW", seconds=_BODY_SECONDS) from None
        if body and headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise GatewayError("API-MEDIA")
        if self._running >= self._at_once and scope["path"] != _ALWAYS:
            raise GatewayError("API-BUSY", limit=self._at_once)
        self._running += 1
        try:
            await self._app(scope, _Replay(body, receive), answer.send)
        finally:
            self._running -= 1


class _Answer:
    """The way back, which remembers whether an answer has begun and with which status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


class _Replay:
    """What the application receives: the body that was read, then whatever the connection still says."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _read(headers: Headers, receive: Receive) -> bytes:
    """Return the whole body; GatewayError (API-BODY-SIZE) as soon as it is, or says that it will be, too large."""
    body = bytearray()
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BODY_BYTES:
        raise GatewayError("API-BODY-SIZE", limit=MAX_BODY_BYTES)
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise GatewayError("API-BODY-SIZE", limit=MAX_BODY_BYTES)
        more = message.get("more_body", False)
    return bytes(body)


def host_of(header: str) -> str:
    """Return the name in a Host header, in small letters, without its port."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


def _where(error: Exception) -> str:
    """Return the file and line of ours or another's where ``error`` was raised; never what it says."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
