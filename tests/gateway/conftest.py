"""What the tests of the gateway share: a bench with a gateway on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Yield a gateway over a new journal, on Tuesday 4 March 2025 at 11 o'clock in Paris."""
    made = Bench(tmp_path)
    yield made
    made.journal.close()
