"""
Tokens of the API: 32 random bytes shown once; the journal keeps their SHA-256 only.

A token is looked up by the digest of what was sent, so that the time of an answer tells nothing about the secret. Its
name stays taken after a revocation: what was done under it stays told apart.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from gateway.errors import GatewayError
from gateway.journal import tables
from gateway.journal.rows import instant, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

    from gateway.journal import Journal, Transaction
    from gateway.profile import ServiceProfile

__all__ = ["SCOPES", "Token", "find_token", "list_tokens", "make_token", "revoke_token"]

SCOPES = ("submit", "read", "sign", "operate", "metrics")
"""What a token may open: bring in, read, sign, move lots and papers, read the measures."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_BYTES = 32
_SHOWN = 12
"""Characters of the digest by which events name a token: enough to find it, too few to be it."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a token gives: ``scopes``, for ``sites`` (none named: every site of the profile), until ``expires_at``."""

    name: str
    scopes: frozenset[str]
    sites: frozenset[str]
    expires_at: datetime
    revoked: bool = False

    def covers(self, site: str) -> bool:
        """Tell whether it is good for ``site``."""
        return not self.sites or site in self.sites

    def is_good(self, now: datetime) -> bool:
        """Tell whether it may be used at ``now``."""
        return not self.revoked and now < self.expires_at


def make_token(
    journal: Journal, profile: ServiceProfile, name: str, scopes: Iterable[str], sites: Iterable[str], days: int
) -> str:
    """
    Return a new secret, good for ``days``; it cannot be shown again.

    Raises :class:`gateway.errors.GatewayError`: TOKEN-NAME, TOKEN-TAKEN, TOKEN-SCOPE, SUBMIT-SITE for a site outside
    the profile.
    """
    if not _NAME.fullmatch(name):
        raise GatewayError("TOKEN-NAME", name=name[:40])
    wanted, places = sorted(set(scopes)), sorted(set(sites))
    for scope in wanted:
        if scope not in SCOPES:
            raise GatewayError("TOKEN-SCOPE", scope=scope[:40], known=", ".join(SCOPES))
    for site in places:
        if site not in profile.sites:
            raise GatewayError("SUBMIT-SITE", site=site[:40])
    secret = secrets.token_urlsafe(_BYTES)
    digest = _digest(secret)
    with journal.write() as tx:
        rows = _connection(tx)
        if rows.execute(select(tables.tokens.c.name).where(tables.tokens.c.name == name)).first():
            raise GatewayError("TOKEN-TAKEN", name=name)
        rows.execute(
            insert(tables.tokens).values(
                name=name,
                digest=digest,
                scopes=" ".join(wanted),
                sites=" ".join(places),
                expires_at=seconds(tx.now + timedelta(days=days)),
            )
        )
        tx.record("token_made", digest[:_SHOWN])
    return secret


def find_token(journal: Journal, secret: str) -> Token | None:
    """Return the token whose secret was sent, None when it is unknown, revoked or over."""
    with journal.read() as tx:
        row = _connection(tx).execute(select(tables.tokens).where(tables.tokens.c.digest == _digest(secret))).first()
        token = None if row is None else _token(row)
        return token if token is not None and token.is_good(tx.now) else None


def list_tokens(journal: Journal) -> Sequence[Token]:
    """Return every token that was made, by name."""
    with journal.read() as tx:
        return [_token(row) for row in _connection(tx).execute(select(tables.tokens).order_by(tables.tokens.c.name))]


def revoke_token(journal: Journal, name: str) -> None:
    """End a token at once; raises :class:`gateway.errors.GatewayError` (TOKEN-UNKNOWN)."""
    with journal.write() as tx:
        change = update(tables.tokens).where(tables.tokens.c.name == name).values(revoked=1)
        digest = _connection(tx).execute(change.returning(tables.tokens.c.digest)).scalar()
        if digest is None:
            raise GatewayError("TOKEN-UNKNOWN", name=name[:40])
        tx.record("token_revoked", digest[:_SHOWN])


def _digest(secret: str) -> str:
    return sha256(secret.encode(errors="replace")).hexdigest()


def _token(row: Row[tuple[object, ...]]) -> Token:
    return Token(
        name=row.name,
        scopes=frozenset(row.scopes.split()),
        sites=frozenset(row.sites.split()),
        expires_at=instant(row.expires_at),
        revoked=bool(row.revoked),
    )


def _connection(tx: Transaction) -> Connection:
    return tx._connection  # noqa: SLF001 - a table of the API alone, in the transaction of its event
