"""Private files that are whole or absent, never half written: written beside, flushed, then renamed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp, mkstemp
from typing import TYPE_CHECKING

from card_sim.errors import FolderTaken

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["replace_file", "write_folder"]


def replace_file(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, readable by its owner only; a crash leaves the old content or the new one."""
    handle, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def write_folder(folder: Path, files: Mapping[str, bytes], identity: str) -> None:
    """
    Write ``files`` (by their path inside ``folder``): a new folder appears whole, an older state is updated.

    An older state is a folder whose file ``identity`` has the same bytes; in it each file that differs is replaced
    on its own. Anything else, but an empty folder, is FolderTaken.
    """
    if folder.exists() and any(folder.iterdir()):
        _update_folder(folder, files, identity)
        return
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, content in files.items():
            path = beside / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(path, content)
        beside.replace(folder)
    except BaseException:
        rmtree(beside, ignore_errors=True)
        raise
    _flush_folder(folder.parent)


def _update_folder(folder: Path, files: Mapping[str, bytes], identity: str) -> None:
    known = folder / identity
    if not known.is_file() or known.read_bytes() != files[identity]:
        raise FolderTaken(folder, identity, reason="missing or not the same one: choose a new folder")
    for name, content in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(path, content)


def _flush_folder(folder: Path) -> None:
    # Some systems cannot open a folder; there the rename is as durable as they make it.
    with suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
