"""A trust store as a folder: ``root.pem``, ``authorities/*.pem``, ``crl/*.pem``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fse.trust import FAMILIES, TrustError, TrustStore

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_trust"]

_MAX_BYTES = 1_000_000


def read_trust(folder: Path) -> TrustStore:
    """Return the trust store in ``folder``; raises :class:`fse.trust.TrustError`."""
    names = ["root.pem", "crl/root.pem"]
    names += [f"{kind}/{family}.pem" for kind in ("authorities", "crl") for family in FAMILIES]
    files = {}
    for name in names:
        try:
            with (folder / name).open("rb") as file:
                files[name] = file.read(_MAX_BYTES)
        except OSError as error:
            raise TrustError("TRUST-STORE", file=folder / name, reason=error.strerror or "?") from None
    return TrustStore.load(files)
