"""
A gateway that answers submissions over HTTP: ``python -m tests.crash.durable_server FOLDER [ADDRESS]``.

``ADDRESS``: a database of PostgreSQL; without it the journal is ``FOLDER/journal.db``. The port is written to
``FOLDER/port`` when it listens; after one answer it ends. For the control of ``test_durability.py``, and for that
alone, the variable ``FSE_TEST_SYNCHRONOUS`` has the file of SQLite opened with another setting than the journal's own.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from fse.encounter import Encounter
from gateway.journal import database
from gateway.reply import replies_to_json
from tests.crash.outside_world import write
from tests.gateway.bench import Bench

if TYPE_CHECKING:
    from starlette.requests import Request

SECONDS = 60


def application(bench: Bench) -> Starlette:
    """Return the application over ``bench``."""

    async def submit(request: Request) -> Response:
        encounter = Encounter.model_validate_json(await request.body())
        replies = bench.gateway.submit(encounter, bench.cards())
        return Response(replies_to_json(replies), media_type="application/json")

    return Starlette(routes=[Route("/encounters", submit, methods=["POST"])])


def main() -> None:
    """Serve one request; whom nobody asks ends by itself."""
    signal.alarm(SECONDS)
    synchronous = os.environ.get("FSE_TEST_SYNCHRONOUS")
    if synchronous:
        kept = tuple(pragma for pragma in database._PRAGMAS if "synchronous" not in pragma)  # noqa: SLF001 - the control
        database._PRAGMAS = (*kept, f"synchronous={synchronous}")  # type: ignore[assignment]  # noqa: SLF001 - same
    folder = Path(sys.argv[1])
    config = uvicorn.Config(
        application(Bench(folder, where="".join(sys.argv[2:]))),
        log_level="critical",
        lifespan="off",
        access_log=False,
        limit_max_requests=1,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    write(folder / "port", str(listening.getsockname()[1]).encode())
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
