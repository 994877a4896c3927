"""One PC/SC daemon for the programs that judge our cards, and a way to run them that always comes back."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Protocol

import pytest

from gateway.virtual_reader import VirtualReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.virtual_reader import InsertableCard

SECONDS = 60
RUNNING = Path("/run/pcscd")
ENTRY = """\
FRIENDLYNAME "Virtual PCD"
DEVICENAME   localhost:0x8C7B
LIBPATH      {driver}
CHANNELID    0x8C7B
"""


class Ask(Protocol):
    """Run an outside program and return what it printed, both channels."""

    def __call__(self, program: str, *arguments: str, fails: bool | None = False) -> str:
        """Fail when the program does, or when it does not although it ``fails``; None: both are good."""


class Insert(Protocol):
    """Put cards into the slots of the reader, once in a test."""

    def __call__(self, *cards: InsertableCard) -> None:
        """Return when the daemon sees the cards."""


def missing(reason: str) -> None:
    """Skip the test, or under CI=true fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def outside_library() -> Callable[[str, str], str]:
    """Return the finder of libraries: the path of the file that ``package`` installs under /usr/lib."""

    def find(pattern: str, package: str) -> str:
        found = sorted(Path("/usr/lib").glob(pattern))
        if not found:
            missing(f"{pattern} missing: apt install {package}")
        return str(found[0])

    return find


def a_daemon_listens() -> bool:
    """Tell whether a daemon, or systemd for one, holds the socket; asking it by a connection would make it abort."""
    return any(line.endswith(" /run/pcscd/pcscd.comm") for line in Path("/proc/net/unix").read_text().splitlines())


def sweep() -> None:
    """Remove what a daemon that is gone has left."""
    for name in ("pcscd.comm", "pcscd.pid"):
        (RUNNING / name).unlink(missing_ok=True)


@pytest.fixture
def ask(outside_program: Callable[[str], str], tmp_path: Path) -> Ask:
    """Return what runs an outside program in the folder of the test, with a time limit."""

    def run(program: str, *arguments: str, fails: bool | None = False) -> str:
        done = subprocess.run(
            [outside_program(program), *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert fails is None or (done.returncode != 0) is fails, printed
        return printed

    return run


@pytest.fixture(scope="session")
def daemon_command(
    outside_program: Callable[[str], str],
    outside_library: Callable[[str, str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, ...]:
    """Return what starts a pcscd with one virtual reader: one entry, two slots, reversed connection."""
    program = outside_program("pcscd")
    driver = outside_library("pcsc/drivers/serial/libifdvpcd.so", "vsmartcard-vpcd")
    if not os.access(RUNNING if RUNNING.exists() else RUNNING.parent, os.W_OK):
        missing("pcscd keeps its socket in /run: only root may start it")
    folder = tmp_path_factory.mktemp("readers")
    (folder / "vpcd").write_text(ENTRY.format(driver=driver))
    return program, "--foreground", "--config", str(folder)


@pytest.fixture
def insert(daemon_command: tuple[str, ...], ask: Ask, tmp_path: Path) -> Iterator[Insert]:
    """
    Return what puts cards into the virtual reader and starts the only pcscd of the machine.

    The daemon begins after the cards and ends before them, because it takes the end of a card for its own.
    """
    with ExitStack() as stack:
        # Other workers, and other runs on this machine, wait for their turn.
        turn = stack.enter_context((Path(gettempdir()) / "fse-tests-pcscd.lock").open("a"))
        fcntl.flock(turn, fcntl.LOCK_EX)
        if a_daemon_listens():
            missing("a pcscd is running, and a machine has room for one: systemctl stop pcscd.socket pcscd.service")
        sweep()

        def put(*cards: InsertableCard) -> None:
            slots = stack.enter_context(VirtualReader())
            for slot, card in enumerate(cards):
                slots.insert(card, slot)
            log = stack.enter_context((tmp_path / "pcscd.log").open("wb"))
            daemon = subprocess.Popen(daemon_command, stdout=log, stderr=log)
            stack.callback(stop, daemon)
            for slot, card in enumerate(cards):
                wait_for_atr(ask, slot, card.atr.hex(":"))

        yield put


def stop(daemon: subprocess.Popen[bytes]) -> None:
    """End the daemon, whatever it does."""
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
    sweep()


def wait_for_atr(ask: Ask, slot: int, atr: str) -> None:
    """Wait until the daemon, which looks about once a second, has powered the card in ``slot``, or none."""
    deadline = time.monotonic() + SECONDS
    while (seen := ask("opensc-tool", "-r", str(slot), "-a", fails=None).strip()) != atr:
        assert time.monotonic() < deadline, f"slot {slot} says {seen!r}, not {atr!r}"
        time.sleep(0.05)
