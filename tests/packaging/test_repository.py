"""The rules that the repository keeps about itself, read from the files that git would take."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("card_sim", "fse", "gateway", "schemas")
LOCKS = ("requirements.lock", "requirements-pcsc.lock")  # pyscard has no wheel: it stands apart
LONGEST_MODULE = 400
# written in two parts so that this file does not break its own rule
MACHINE_FOLDERS = tuple(f"/{folder}/" for folder in ("opt", "work", "root"))
INDEX_WORDS = ("pypi" + ".org", "python" + "hosted", "--index" + "-url", "--extra-index" + "-url", "--find" + "-links")
# comments of a linter's exception: the codes, then the reason
EXCEPTION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma:\s*no (?:cover|branch))(?P<rest>.*)")
EXCEPTION_CODES = re.compile(r"^\s*(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[a-z0-9, -]+\])?\W*")


@pytest.fixture(scope="module")
def tracked(outside_program: Callable[[str], str]) -> list[Path]:
    """Return every file that is in the repository, or would be at the next commit."""
    listing = subprocess.run(
        [outside_program("git"), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted({ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()})


@pytest.fixture(scope="module")
def modules(tracked: list[Path]) -> list[Path]:
    """Return the Python files of the repository."""
    found = [path for path in tracked if path.suffix == ".py"]
    assert len(found) > len(PACKAGES)
    return found


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each line of a text file with the place to show when it is wrong."""
    text = path.read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        yield f"{path.relative_to(ROOT)}:{number}", line


def test_no_file_names_a_machine_or_an_index(tracked: list[Path]) -> None:
    """A clone works anywhere: no file leads to one machine's folders or to one package index."""
    forbidden = [word.encode() for word in MACHINE_FOLDERS + INDEX_WORDS]
    guilty = [
        f"{path.relative_to(ROOT)}: {word.decode()}"
        for path in tracked
        for content in [path.read_bytes()]
        for word in forbidden
        if word in content
    ]
    assert guilty == []


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_package_by_hash_and_names_no_address(lock: str) -> None:
    """What is installed is what was tested, from whatever index the reader has."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "file:" not in text
    blocks = [block for block in re.split(r"\n(?=\S)", text) if not block.startswith("#")]
    assert blocks
    for block in blocks:
        assert re.match(r"[a-z0-9.-]+==\S+ .*\\\n", block), block
        assert re.search(r"--hash=sha256:[0-9a-f]{64}$", block.strip()), block


def test_lock_holds_every_declared_dependency() -> None:
    """A dependency added to pyproject.toml without `make lock` is noticed here, not on a newcomer's machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = [
        *project["project"]["dependencies"],
        *(entry for extra in project["project"]["optional-dependencies"].values() for entry in extra),
        *(entry for group in project["dependency-groups"].values() for entry in group),
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[^\w.-]", entry)[0].lower() for entry in declared}
    locks = "".join((ROOT / name).read_text(encoding="utf-8") for name in LOCKS)
    locked = set(re.findall(r"^([a-z0-9.-]+)==", locks, re.MULTILINE))
    assert names - locked == set()


def test_packages_are_typed() -> None:
    """A user's type checker reads our annotations."""
    assert [package for package in PACKAGES if not (ROOT / package / "py.typed").is_file()] == []


def test_modules_stay_small(modules: list[Path]) -> None:
    """A module can be read in one sitting."""
    sizes = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in modules}
    assert {name: size for name, size in sizes.items() if size > LONGEST_MODULE} == {}


def test_each_lint_exception_of_the_project_says_why() -> None:
    """Each rule that is switched off in pyproject.toml has its reason beside it."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = settings[settings.index("[tool.ruff.lint]") : settings.index("[tool.mypy]")]
    entries = re.findall(r'^    "[A-Z]+\d*",.*$', lint, re.MULTILINE)
    assert len(entries) > 10
    assert [entry for entry in entries if not re.search(r",\s+# \S+", entry)] == []


def test_each_exception_in_the_code_says_why(modules: list[Path]) -> None:
    """`noqa`, `type: ignore` and `pragma: no cover` stand with their codes and a reason in words."""
    unexplained = []
    for module in modules:
        for place, line in lines(module):
            exception = EXCEPTION.search(line)
            if exception and not EXCEPTION_CODES.sub("", exception["rest"], count=1):
                unexplained.append(f"{place}: {line.strip()}")
    assert unexplained == []


def test_each_test_says_what_it_protects(modules: list[Path]) -> None:
    """A test that fails tells its reader, in one line, what was lost."""
    silent = [
        f"{module.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for module in modules
        if module.is_relative_to(ROOT / "tests")
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_test_modules_have_unique_names(modules: list[Path]) -> None:
    """A report that names `test_x.py` points at one file."""
    names = [path.name for path in modules if path.name.startswith("test_")]
    assert sorted(names) == sorted(set(names))
