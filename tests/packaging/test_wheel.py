"""What a stranger gets: the wheel, installed in an empty environment and used from another folder."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
PACKAGES = ("card_sim", "fse", "gateway", "schemas")
BROKEN_LINK = re.compile(r"Retrying \(Retry\(.*after connection broken", re.DOTALL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built as a release would be."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    result = subprocess.run(build, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    (built,) = folder.glob("*.whl")
    return built


def needed(requirements: Sequence[str], extra: str) -> set[str]:
    """Return the names of all the packages behind ``requirements``, on this Python and system."""
    found: set[str] = set()
    waiting = [(text, extra) for text in requirements]
    while waiting:
        text, wanted = waiting.pop()
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": wanted}):
            continue
        name = requirement.name.lower().replace("_", "-")
        if name not in found:
            found.add(name)
            for behind in importlib.metadata.requires(name) or []:
                waiting += [(behind, option) for option in ("", *requirement.extras)]
    return found


def pip(python: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pip for the environment of ``python``, which has none of its own."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python), *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def install(folder: Path, wheel: Path, extra: str) -> Path:
    """Return the programs' folder of a new environment: the locked packages that the wheel asks for, and the wheel."""
    venv.create(folder, with_pip=False)
    programs = folder / "bin"
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        asked = re.findall(r"^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.MULTILINE)
    names = needed(asked, extra)
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    locked = [block for block in blocks if block.split("==")[0] in names]
    lock = folder / "requirements.lock"
    lock.write_text("\n".join(locked) + "\n", encoding="utf-8")
    result = pip(programs / "python", "install", "--no-compile", "--require-hashes", "--requirement", str(lock))
    if result.returncode and BROKEN_LINK.search(result.stderr) and os.environ.get("CI") != "true":
        pytest.skip("pip cannot reach a package index, so nothing can be installed in an empty environment")
    assert result.returncode == 0, result.stderr
    result = pip(programs / "python", "install", "--no-compile", "--no-deps", "--no-index", str(wheel))
    assert result.returncode == 0, result.stderr
    return programs


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment with the base alone, no extra."""
    return install(tmp_path_factory.mktemp("base"), wheel, "")


@pytest.fixture(scope="module")
def with_gateway(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment with the extra `gateway`."""
    return install(tmp_path_factory.mktemp("gateway"), wheel, "gateway")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program from the folder ``cwd``, with a home of its own and nothing of this suite's environment."""
    surroundings = {
        "FSE_HOME": str(cwd / "fse-home"),
        "HOME": str(cwd),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
    }
    return subprocess.run(command, cwd=cwd, env=surroundings, check=False, capture_output=True, text=True)


def test_wheel_holds_exactly_the_four_packages(wheel: Path) -> None:
    """Nothing is forgotten (schemas, tables, py.typed) and nothing slips in (tests, examples, caches)."""
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    metadata = {name for name in held if name.split("/")[0].endswith(".dist-info")}
    expected = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held - metadata == expected
    assert {"LICENSE", "NOTICE", "METADATA", "entry_points.txt"} <= {Path(name).name for name in metadata}


@pytest.mark.parametrize("environment", ["base", "with_gateway"])
def test_installed_dependencies_fit(environment: str, request: pytest.FixtureRequest) -> None:
    """The locked versions satisfy what the wheel declares."""
    programs: Path = request.getfixturevalue(environment)
    result = pip(programs / "python", "check")
    assert result.returncode == 0, result.stdout


def test_base_alone_gives_the_library_and_the_cards(base: Path, tmp_path: Path) -> None:
    """`fse`, `card_sim` and `schemas` import, every module of them, without any extra."""
    script = (
        "import importlib, pkgutil\n"
        "for room in ('schemas', 'fse', 'card_sim'):\n"
        "    package = importlib.import_module(room)\n"
        "    for module in pkgutil.walk_packages(package.__path__, room + '.'):\n"
        "        if not module.name.startswith('fse.testing'):\n"
        "            importlib.import_module(module.name)\n"
        "    print(package.__file__)\n"
    )
    result = run(base / "python", "-c", script, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    places = result.stdout.split()
    assert len(places) == 3
    assert all(Path(place).is_relative_to(base.parent) for place in places)


def test_base_alone_says_which_extra_the_command_needs(base: Path, tmp_path: Path) -> None:
    """Who installed the library and types `fse` reads one line that says what to install, not a traceback."""
    result = run(base / "fse", "--help", cwd=tmp_path)
    assert result.returncode == 2
    assert len((result.stdout + result.stderr).strip().splitlines()) == 1
    assert "fse-gateway[gateway]" in result.stderr


def test_installed_command_seals_and_verifies_from_another_folder(with_gateway: Path, tmp_path: Path) -> None:
    """An installed wheel needs nothing of the source tree to seal a sheet and to verify it."""
    shutil.copy(ROOT / "examples" / "encounter.json", tmp_path)
    sealed = run(with_gateway / "fse", "seal", "encounter.json", "-o", "sheet.fse", cwd=tmp_path)
    assert sealed.returncode == 0, sealed.stderr
    verified = run(with_gateway / "fse", "verify", "sheet.fse", cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr
    (tmp_path / "sheet.fse").write_bytes(b"not a sheet")
    refused = run(with_gateway / "fse", "verify", "sheet.fse", cwd=tmp_path)
    assert refused.returncode == 2
