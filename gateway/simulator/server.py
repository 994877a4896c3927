"""An ASGI application on a loopback port, in a thread of this process."""

from __future__ import annotations

import socket
import time
from threading import Thread
from typing import TYPE_CHECKING

import uvicorn

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["LocalServer"]

_LOOPBACK = "127.0.0.1"
_SECONDS_TO_START = 10


class LocalServer:
    """A running server; ``url`` is its address. Loopback only: the simulator is not for a network."""

    def __init__(self, app: Starlette) -> None:
        self._socket = socket.create_server((_LOOPBACK, 0))
        self.url = f"http://{_LOOPBACK}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        limit = time.monotonic() + _SECONDS_TO_START
        while not self._server.started:
            if time.monotonic() > limit or not self._thread.is_alive():
                self._socket.close()
                raise GatewayError("SERVER-START", seconds=_SECONDS_TO_START)
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop listening; further connections are refused by the system."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
