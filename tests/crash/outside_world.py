"""
A concentrator and caisses that outlive the process under test: what they hold lies in files, each written in one move.

Everything that may happen to a lot happens to one of them: a file altered on its way, an answer lost, a concentrator
that cannot be reached, an answer that comes when the duplicata has left. Each for the first file of that lot only, so
that a day ends in the same way however often its process is killed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fse.lot import open_lot
from gateway.routing_label import FileLabel
from gateway.simulator.caisse import Caisse
from gateway.transport import Sending
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, opened, party_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from gateway.clock import Clock

ALTERED, LOST = (ARTOIS, "securise"), (ARTOIS, "degrade")
"""Caisse and mode of the lot whose first file is altered on its way, and of the one whose first answer is lost."""
DOWN, LATE = (OPALE, "securise"), (OPALE, "degrade")
"""Of the lot whose concentrator is never reached, and of the one that is answered when its duplicata has left."""


def write(path: Path, data: bytes) -> None:
    """Write a file in one move: a process that is killed leaves all of it or nothing."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)  # noqa: PTH105 - the one call that matters here is named


class OutsideWorld:
    """The other side of the wire, in ``folder``; it answers ``LATE`` from the instant ``late`` on."""

    def __init__(self, folder: Path, clock: Clock, late: datetime) -> None:
        self._taken, self._answers, self._removed = (folder / name for name in ("taken", "answers", "removed"))
        for one in (self._taken, self._answers, self._removed):
            one.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._late = late
        biller = build.party(build.BILLER)
        self._caisses = {
            code: Caisse(code, party_of(build.party(code)), build.trust(), {biller.code: biller.certificate}, clock)
            for code in (ARTOIS, OPALE)
        }

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """Take a file, once for each attempt; other bytes under the same attempt are refused."""
        if (label.organism, label.mode) == DOWN:
            return Sending.NOT_TAKEN, "connexion refusée"
        path = self._taken / f"{label.file_number:06d}-{attempt:03d}"
        data = json.dumps(asdict(label) | {"envelope": envelope.hex()}).encode()
        if path.exists():
            return (Sending.TAKEN, "") if path.read_bytes() == data else (Sending.REFUSED, "HTTP 409")
        write(path, data)
        return Sending.TAKEN, ""

    def messages(self, biller: str) -> list[str]:
        """Have the caisses answer what they can by now; return what waits."""
        assert biller == build.BILLER
        for path in self._files():
            if not (self._answers / path.name).exists():
                self._answer(path)
        answered = (path for path in sorted(self._answers.iterdir()) if not path.suffix and path.stat().st_size)
        return [path.name for path in answered if not (self._removed / path.name).exists()]

    def fetch(self, biller: str, message: str) -> bytes:
        """Return one message."""
        assert biller == build.BILLER
        return (self._answers / message).read_bytes()

    def remove(self, biller: str, message: str) -> None:
        """Forget one message."""
        assert biller == build.BILLER
        write(self._removed / message, b"")

    def received(self) -> list[dict[str, Any]]:
        """Return what arrived: name of the file, numbers of lot and file, digests of the lot and of its sheets."""
        found = []
        for path in self._files():
            label, envelope = self._read(path)
            data = opened(envelope, label.organism)
            found.append(
                {
                    "name": path.name,
                    "answered": (self._answers / path.name).exists(),
                    "lot": label.lot_number,
                    "digest": sha256(data).hexdigest(),
                    "sheets": dict(open_lot(data).lot.sheets),
                }
            )
        return found

    def _files(self) -> list[Path]:
        return sorted(path for path in self._taken.iterdir() if not path.suffix)

    def _read(self, path: Path) -> tuple[FileLabel, bytes]:
        facts = json.loads(path.read_bytes())
        envelope = bytes.fromhex(facts.pop("envelope"))
        return FileLabel(**facts), envelope

    def _answer(self, path: Path) -> None:
        label, envelope = self._read(path)
        kind = label.organism, label.mode
        if kind == LATE and self._clock.now() < self._late:
            return
        first = path.name.endswith("-001")
        if kind == ALTERED and first:
            envelope = envelope[:-1] + bytes((envelope[-1] ^ 1,))
        answer = self._caisses[label.organism].receive(label, envelope)
        write(self._answers / path.name, b"" if kind == LOST and first else answer)
