"""An API on the bench: a real station in a home of its own, a frozen clock, a real server on loopback, tokens."""

from __future__ import annotations

import json
from contextlib import ExitStack
from copy import deepcopy
from datetime import UTC, datetime
from io import StringIO
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx

from gateway.api import make_app
from gateway.clock import SimulatedClock
from gateway.logs import json_log
from gateway.signing_desk import SigningDesk
from gateway.simulator.server import LocalServer
from gateway.station import Station
from gateway.tokens import SCOPES, make_token
from tests.gateway.bench import EXAMPLE

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

DOCTOR, PIN = "99700000013", "1234"
SITE, ELSEWHERE = "629990003", "629991019"
TUESDAY = datetime(2025, 3, 4, 10, 0, tzinfo=UTC)
"""4 March 2025; the 8th jour ouvré after it is Friday 14 March (CSS R161-47; no holiday in March)."""


def facts(reference: str = "V1", **changes: object) -> dict[str, Any]:
    """Return the example encounter (Emma, seen by the doctor on 4 March 2025) under ``reference``, with changes."""
    return deepcopy(EXAMPLE) | {"reference": reference} | changes


class ApiBench:
    """The API of one station over the journal in ``folder``, everything simulated behind it."""

    def __init__(self, folder: Path, clock: datetime = TUESDAY) -> None:
        self._stack = ExitStack()
        self.logged = StringIO()
        log = json_log(self.logged)
        self.clock = SimulatedClock(clock)
        where = str(folder / "journal.db")
        self.station = self._stack.enter_context(Station.open(where, simulator=True, clock=self.clock, log=log))
        self.signing = SigningDesk(self.station)
        self._stack.callback(self.signing.close)
        self.app = make_app(self.station, self.signing, log=log)
        server = LocalServer(self.app)
        self._stack.callback(server.stop)
        self.url = server.url
        self._names = (f"client-{rank}" for rank in count())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def token(self, *scopes: str, sites: tuple[str, ...] = (), days: int = 1) -> str:
        """Return a new token, of every scope when none is named."""
        station = self.station
        return make_token(station.journal, station.profile, next(self._names), scopes or SCOPES, sites, days)

    def client(self, *scopes: str, sites: tuple[str, ...] = (), token: str | None = None) -> httpx.Client:
        """Return a client with a new token of these scopes (all without) and sites (all without)."""
        sent = self.token(*scopes, sites=sites) if token is None else token
        found = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {sent}"}, trust_env=False)
        return self._stack.enter_context(found)

    def nobody(self) -> httpx.Client:
        """Return a client without a token."""
        return self._stack.enter_context(httpx.Client(base_url=self.url, trust_env=False))

    def open_period(self, minutes: int = 30, signatures: int = 50) -> None:
        """Have the doctor open a signing period."""
        self.signing.open(DOCTOR, PIN, minutes=minutes, signatures=signatures)

    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged, line by line."""
        whole, _, _ = self.logged.getvalue().rpartition("\n")  # the last line may still be being written
        return [json.loads(line) for line in whole.split("\n") if line]
