"""Revocation lists brought up to date: fetched from the issuer's address, believed only as far as they are signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import urllib3
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.durable_files import replace_file
from fse.trust import FAMILIES
from gateway.addresses import check_address
from gateway.errors import GatewayError
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["refresh_lists"]

_SECONDS = 10
_MAX_BYTES = 1_000_000
_OK = 200


def refresh_lists(folder: Path, address: str) -> tuple[str, ...]:
    """
    Bring the lists of the trust store in ``folder`` up to date from ``address``; return the families that changed.

    All are fetched and verified before one is written. Raises :class:`gateway.errors.GatewayError` (REVOCATION-FETCH,
    ADDRESS-REAL) and :class:`fse.trust.TrustError` (TRUST-STORE for a list that its authority has not signed,
    TRUST-LIST-BACK for one with a lower number than the one that is held).
    """
    address = check_address(address)
    store, changed = read_trust(folder), []
    http = urllib3.PoolManager(timeout=_SECONDS, retries=False)
    for family in FAMILIES:
        newer = store.with_list(family, _fetch(http, f"{address}/crl/{family}.crl"))
        if newer.revocations[family] != store.revocations[family]:
            changed.append(family)
        store = newer
    for family in changed:
        replace_file(folder / "crl" / f"{family}.pem", store.revocations[family].public_bytes(Encoding.PEM))
    return tuple(changed)


def _fetch(http: urllib3.PoolManager, address: str) -> bytes:
    try:
        answer = http.request("GET", address, preload_content=False)
        body = answer.read(_MAX_BYTES + 1)
        answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise GatewayError("REVOCATION-FETCH", address=address, reason=type(error).__name__) from None
    if answer.status != _OK or len(body) > _MAX_BYTES:
        raise GatewayError("REVOCATION-FETCH", address=address, reason=f"HTTP {answer.status}, {len(body)}")
    return body
