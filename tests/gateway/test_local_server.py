"""The simulator's servers: loopback only, and a start that fails is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import urllib3
from starlette.applications import Starlette

from gateway.errors import GatewayError
from gateway.simulator.server import LocalServer

if TYPE_CHECKING:
    from uvicorn import Server


def test_a_server_listens_on_this_machine_alone_and_stops() -> None:
    """The address is loopback, and once stopped the port refuses connections."""
    server = LocalServer(Starlette())
    assert server.url.startswith("http://127.0.0.1:")
    http = urllib3.PoolManager(retries=False)
    assert http.request("GET", server.url).status == 404
    server.stop()
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        http.request("GET", server.url)


def test_a_server_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """SERVER-START: nobody waits for ever for a server whose thread has ended."""

    def end_at_once(_server: Server, sockets: object = None) -> None:
        """Do not serve."""

    monkeypatch.setattr("uvicorn.Server.run", end_at_once)
    with pytest.raises(GatewayError) as caught:
        LocalServer(Starlette())
    assert caught.value.rule.id == "SERVER-START"
