"""``fse card insert``: a card sits where the daemon of PC/SC will look for it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.storage import save
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from card_sim.cps import CpsCard

FSE = Path(sys.executable).with_name("fse")
ASK_ATR, POWER_ON = b"\x04", b"\x01"


@pytest.fixture(scope="module")
def card() -> CpsCard:
    """Return a CPS."""
    pki = TestPki.create(SeededRandomness("card command"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_cps(demo_wallet().cps["medecin"])


def ask(port: int, message: bytes) -> bytes:
    """Say ``message`` as the daemon would, and return the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        for one in (POWER_ON, message):
            link.sendall(len(one).to_bytes(2, "big") + one)
        size = int.from_bytes(link.recv(2), "big")
        return link.recv(size)


def test_a_card_answers_until_it_is_taken_out(card: CpsCard, tmp_path: Path) -> None:
    """The daemon finds the ATR of the card of that file; Ctrl-C ends in order and keeps its tries."""
    path = tmp_path / "cps.json"
    save(card, path)
    command = [str(FSE), "card", "insert", str(path), "--port", "0", "--lang", "en"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "FSE_HOME": str(tmp_path / "home")},
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", first)
        assert found, first
        assert ask(int(found[1]), ASK_ATR) == card.atr
        assert (tmp_path / "home" / "trust").is_dir()  # whole, so that the next command finds it
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
    assert running.returncode == 0
    assert "taken out" in rest
    assert json.loads(path.read_text(encoding="utf-8"))["tries_left"] == 3


@pytest.mark.parametrize("count", [1, 3])
def test_what_cannot_sit_in_the_reader_is_refused(count: int, tmp_path: Path) -> None:
    """A file that is no card, or a third card for two slots, is said in one message with exit code 2."""
    path = tmp_path / "no-card.json"
    path.write_text("{}", encoding="utf-8")
    command = [str(FSE), "card", "insert", *[str(path)] * count, "--port", "0"]
    home = {"FSE_HOME": str(tmp_path / "home")}
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=os.environ | home)
    assert (result.returncode, result.stdout) == (2, "")
    assert ("no-card.json" if count == 1 else "deux emplacements") in result.stderr
    assert "Traceback" not in result.stderr
