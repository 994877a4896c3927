"""
A PostgreSQL server of the tests' own: durable settings as they come, a socket in a folder, no port on any network.

``pg_ctl`` and its companions are Debian's (``apt install postgresql``). PostgreSQL refuses to run as root: under root
it runs as the user ``postgres`` that the package makes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Server", "find_programs", "running"]

_OWNER = "postgres" if os.geteuid() == 0 else None


def find_programs() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``, or None where PostgreSQL is not installed."""
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)


class Server:
    """A running server; :meth:`database` gives the address of a new, empty database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ranks = count(1)

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@/{database}?host={self._folder}"

    def database(self) -> str:
        """Make an empty database; return its address."""
        name = f"journal_{next(self._ranks)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def _run(*command: str | Path) -> None:
    result = subprocess.run(
        [str(word) for word in command], user=_OWNER, capture_output=True, text=True, check=False, cwd="/"
    )
    if result.returncode:
        message = f"{command[0]}: {result.stderr}{result.stdout}"
        raise RuntimeError(message)


@contextmanager
def running(programs: Path) -> Iterator[Server]:
    """Yield a new server; it and everything in it are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fse-pg-"))
    if _OWNER:
        shutil.chown(folder, _OWNER, _OWNER)
    data, log = folder / "data", folder / "log"
    try:
        _run(programs / "initdb", "--pgdata", data, "--auth=trust", "--username=postgres", "-E", "UTF8", "--locale=C")
        options = f"-k {folder} -c listen_addresses= -c max_connections=60"
        _run(programs / "pg_ctl", "start", "-D", data, "-l", log, "-w", "-s", "-o", options)
        try:
            yield Server(folder)
        finally:
            _run(programs / "pg_ctl", "stop", "-D", data, "-m", "immediate", "-s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
