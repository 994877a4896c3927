"""A server of lines that answers as it is told, for the protocols of mail: SMTP, POP3, IMAP."""

from __future__ import annotations

import socket
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ScriptedServer", "ScriptedSmtp"]


class ScriptedServer:
    """
    Serves one connection after the other on loopback.

    ``answer`` is asked with b"" for the greeting, then with each line without its end; None closes the connection.
    """

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self.lines: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                connection.settimeout(10)
                try:
                    self._talk(connection, lines)
                except OSError:
                    continue

    def _talk(self, connection: socket.socket, lines: object) -> None:
        line = b""
        while True:
            reply = self._answer(line)
            if reply is None:
                return
            connection.sendall(reply)
            line = lines.readline()  # type: ignore[attr-defined] # a file of bytes
            if not line:
                return
            line = line.rstrip(b"\r\n")
            self.lines.append(line)

    def stop(self) -> None:
        """Stop listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(15)


class ScriptedSmtp:
    """The answers of an SMTP server: those that go well, changed by ``replies`` (None: the connection breaks)."""

    def __init__(self, **replies: bytes | None) -> None:
        well: dict[str, bytes | None] = {
            "greeting": b"220 hello\r\n",
            "EHLO": b"250-hello\r\n250 SIZE 20000000\r\n",
            "HELO": b"250 hello\r\n",
            "MAIL": b"250 ok\r\n",
            "RCPT": b"250 ok\r\n",
            "DATA": b"354 go\r\n",
            "end": b"250 taken\r\n",
            "QUIT": b"221 bye\r\n",
        }
        self._replies = well | replies
        self.message: list[bytes] = []
        self._in_data = False

    def __call__(self, line: bytes) -> bytes | None:
        """Return the reply to ``line``, nothing while a message goes on."""
        if self._in_data:
            if line == b".":
                self._in_data = False
                return self._replies["end"]
            self.message.append(line)
            return self._replies.get("within", b"")
        stage = line.split(b" ")[0].decode("ascii").upper() if line else "greeting"
        reply = self._replies.get(stage, b"502 what?\r\n")
        self._in_data = stage == "DATA" and (reply or b"").startswith(b"354")
        return reply
