"""What the tests of the gateway share: a bench with a gateway on it, over either database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.api_bench import ApiBench
from tests.gateway.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASES = ("sqlite", "postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module that says ``BOTH_DATABASES = True`` over both, but those marked ``sqlite``."""
    both = getattr(metafunc.module, "BOTH_DATABASES", False)
    if both and "bench" in metafunc.fixturenames and not metafunc.definition.get_closest_marker("sqlite"):
        metafunc.parametrize("bench", DATABASES, indirect=True)


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Yield a gateway over a new journal, on Tuesday 4 March 2025 at 11 o'clock in Paris."""
    where = request.getfixturevalue("postgresql_url") if getattr(request, "param", "") == "postgresql" else ""
    made = Bench(tmp_path, where=where)
    yield made
    made.journal.close()


@pytest.fixture(params=DATABASES)
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Yield the same bench over a file of SQLite, then over a database of PostgreSQL."""
    where = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else ""
    made = Bench(tmp_path, where=where)
    yield made
    made.journal.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a home that tests share: its keys cost more than everything else."""
    return tmp_path_factory.mktemp("shared") / "home"


@pytest.fixture
def api(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiBench]:
    """Yield an API over a new journal, on Tuesday 4 March 2025."""
    monkeypatch.setenv("FSE_HOME", str(home))
    with ApiBench(tmp_path) as made:
        yield made
