"""What the whole suite shares: the profiles of hypothesis and the outside programs that judge us."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNDER_CI = os.environ.get("CI") == "true"

# Time is not judged: a busy machine is no defect. A failure prints the line that plays it again (print_blob).
settings.register_profile("default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
# Equal examples at every run: a change is refused for what it does, not by chance.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.register_profile("long", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if UNDER_CI else "default"))

DEBIAN_PACKAGES = {
    "dovecot": "dovecot-imapd dovecot-pop3d",
    "opensc-tool": "opensc",
    "pkcs11-tool": "opensc",
    "pkcs15-tool": "opensc",
    "xmllint": "libxml2-utils",
}


@pytest.fixture(scope="session")
def outside_program() -> Callable[[str], str]:
    """
    Return the finder of outside programs: ``outside_program("openssl")`` is the path of openssl.

    Where the program is missing, the test is skipped with the command that installs it; under CI=true it fails.
    """

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            reason = f"{name} missing: apt install {DEBIAN_PACKAGES.get(name, name)}"
            if UNDER_CI:
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[postgresql.Server]:
    """Yield a PostgreSQL server of this test process; where it is missing, skip with the command that installs it."""
    programs = postgresql.find_programs()
    if programs is None:
        reason = "PostgreSQL missing: apt install postgresql"
        if UNDER_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    with postgresql.running(programs) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: postgresql.Server) -> str:
    """Return the address of a new, empty database."""
    return postgresql_server.database()
