"""The README keeps its word: its code runs as printed, its commands exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_three_lines_lead_to_an_acknowledged_sheet(tmp_path: Path) -> None:
    """The shortest way from an encounter to an acknowledged sheet works exactly as the README prints it."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    run = [sys.executable, "-W", "error", "-c", code]
    result = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "ACKNOWLEDGED" in result.stdout
    body = [line for line in code.splitlines() if line and not line.startswith(("from ", "import "))]
    assert len(body) == 3


def test_first_screen_says_what_it_is_and_is_not() -> None:
    """Whoever opens the README sees at once: what it is, what it is not, the two commands, the picture of the road."""
    first_screen = "\n".join(README.splitlines()[:25])
    for word in ("télétransmission", "Not homologated", "No real card", "make demo", "make test", "docs/road.svg"):
        assert word in first_screen


def test_every_command_of_the_table_exists() -> None:
    """No command is promised that the program does not have."""
    promised = set(re.findall(r"^\| `fse ([a-z0-9]+)", README, re.MULTILINE))
    program = Path(sys.executable).with_name("fse")
    listed = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    assert promised
    assert all(re.search(rf"^\s*{command}\b", listed, re.MULTILINE) for command in promised)
