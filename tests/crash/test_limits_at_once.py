"""What must be one commit: between two of them a kill, or another process, may see what stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, event

from tests.gateway.bench import TUESDAY, Bench, visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AFTER_THE_WINDOW = datetime(2025, 3, 17, 9, tzinfo=UTC)
"""The 8th jour ouvré after Tuesday 4 March 2025 is Friday 14 March."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Yield a gateway over a new journal."""
    made = Bench(tmp_path, TUESDAY)
    yield made
    made.journal.close()


def test_a_lot_whose_window_closes_leaves_no_sheet_queued(bench: Bench) -> None:
    """Nobody finds the sheet queued in between: a new lot would part it from the answer that comes late to the old."""
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    bench.clock.move_to(AFTER_THE_WINDOW)
    seen: list[str] = []

    def look(_connection: object) -> None:
        seen.extend(state for (state,) in bench.rows("SELECT state FROM sheets"))

    event.listen(Engine, "commit", look)
    try:
        bench.gateway.run()
    finally:
        event.remove(Engine, "commit", look)
    assert list(dict.fromkeys(seen)) == ["sent", "duplicata_due"]
