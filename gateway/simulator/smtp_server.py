"""An SMTP server (aiosmtpd) on a loopback port, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
from threading import Thread

from aiosmtpd.smtp import SMTP

from gateway.mail_message import MAX_MESSAGE_BYTES

__all__ = ["LocalSmtpServer"]

_LOOPBACK = "127.0.0.1"
_SECONDS = 30


class LocalSmtpServer:
    """
    A running server; ``url`` is its address. Loopback only: the simulator is not for a network.

    ``handler`` is asked as aiosmtpd asks (``handle_RCPT``, ``handle_DATA``); ``hostname`` is how it greets.
    """

    def __init__(self, handler: object, hostname: str) -> None:
        self._handler, self._hostname = handler, hostname
        self._socket = socket.create_server((_LOOPBACK, 0))  # from now on connections wait to be accepted
        self.port: int = self._socket.getsockname()[1]
        self.url = f"smtp://{_LOOPBACK}:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; further connections are refused by the system."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await self._loop.create_server(self._protocol, sock=self._socket)
        await self._stopped.wait()
        server.close()

    def _protocol(self) -> SMTP:
        return SMTP(
            self._handler,
            hostname=self._hostname,
            ident="fse-sim",
            data_size_limit=MAX_MESSAGE_BYTES,
            timeout=_SECONDS,
            loop=self._loop,
        )
