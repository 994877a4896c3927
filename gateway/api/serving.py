"""
The API as a server: one socket, one dispatch thread, and an end in order.

Told to stop (SIGTERM, SIGINT), it takes no more requests, finishes those it has, ends the dispatch after the lot that
is leaving, and gives the cards back.
"""

from __future__ import annotations

import signal
import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Event, Thread
from typing import TYPE_CHECKING

import uvicorn

from gateway.api.app import LOOPBACK_NAMES, make_app
from gateway.api.guard import MAX_HEADER_BYTES
from gateway.errors import GatewayError
from gateway.signing_desk import SigningDesk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from gateway.logs import Log
    from gateway.station import Station

__all__ = ["Dispatcher", "Listening", "check_tls", "serve_api"]

_SECONDS_TO_FINISH = 20
_CONNECTIONS = 100


def check_tls(host: str, tls: tuple[Path, Path] | None) -> None:
    """
    Refuse to listen beyond this machine without TLS.

    Raises :class:`gateway.errors.GatewayError`: API-TLS, API-TLS-FILE for a certificate or a key that cannot serve.
    """
    if tls is None:
        if not _is_loopback(host):
            raise GatewayError("API-TLS", host=host)
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*tls, password="")
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise GatewayError("API-TLS-FILE", reason=getattr(error, "strerror", None) or "PEM ?") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Dispatcher:
    """A thread that runs ``work`` every ``seconds`` until it is stopped; one failure is told and ends nothing."""

    def __init__(self, work: Callable[[], None], seconds: float, log: Log) -> None:
        self._work = work
        self._seconds = seconds
        self._log = log
        self._stop = Event()
        self._thread = Thread(target=self._run, name="dispatch")
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - whatever happened, the next lots must leave
                rule = error.rule.id if isinstance(error, GatewayError) else ""
                self._log.info("dispatch_failed", kind=type(error).__name__, rule=rule)
            self._stop.wait(self._seconds)

    def stop(self) -> None:
        """End after what is being done."""
        self._stop.set()
        self._thread.join()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """
    How the API is offered: ``host`` and ``port`` (0: a free one), ``tls`` (certificate, key).

    ``names`` are further host names that it answers to, ``every`` the seconds between two dispatches.
    """

    host: str = "127.0.0.1"
    port: int = 8321
    tls: tuple[Path, Path] | None = None
    names: Collection[str] = ()
    every: float = 30.0


def serve_api(station: Station, asked: Listening, log: Log, ready: Callable[[str], None]) -> None:
    """
    Serve the API of ``station`` as ``asked`` until a signal ends it; ``ready`` is told the address.

    Raises :class:`gateway.errors.GatewayError`: API-TLS, API-TLS-FILE, API-PORT.
    """
    check_tls(asked.host, asked.tls)
    gateway, signing = station.gateway, SigningDesk(station)
    app = make_app(station, signing, names=(*LOOPBACK_NAMES, asked.host, *asked.names), log=log)
    config = uvicorn.Config(
        app,
        http="h11",
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        lifespan="off",
        log_config=None,
        log_level="critical",  # what the guard tells is enough
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        ssl_certfile=None if asked.tls is None else asked.tls[0],
        ssl_keyfile=None if asked.tls is None else asked.tls[1],
    )

    def work() -> None:
        signing.sweep()
        gateway.dispatch.run()

    with _listening(asked.host, asked.port) as listener, _own_signals():
        address = listener.getsockname()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        dispatcher = Dispatcher(work, asked.every, log)
        try:
            ready(f"{'http' if asked.tls is None else 'https'}://{shown}:{address[1]}")
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            dispatcher.stop()
            signing.close()


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "?"
        raise GatewayError("API-PORT", host=host, port=port, reason=reason) from None
    with listener:
        yield listener


@contextmanager
def _own_signals() -> Iterator[None]:
    """Have a signal end the server alone: uvicorn raises it again once it has stopped, and the cards are still in."""
    before = {one: signal.signal(one, _ignore) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _ignore(_signal: int, _frame: object) -> None:
    """Do nothing."""
