"""
The local home of the simulator: one test infrastructure and the demonstration cards, made on first use.

``$FSE_HOME``, else ``$XDG_DATA_HOME/fse-gateway``, else ``~/.local/share/fse-gateway``. Everything in it is readable
by its owner only; the cards keep their PIN counter from one command to the next, the biller and the caisses their keys.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from card_sim.durable_files import replace_file
from card_sim.errors import PkiInvalid
from card_sim.keys import belongs_to, key_from_pem
from card_sim.pki import TestPki
from card_sim.randomness import SystemRandomness
from card_sim.storage import save
from card_sim.wallet import demo_wallet
from gateway.errors import GatewayError
from gateway.party import Party

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Home"]

_PKI, _LOCK = "pki", "counter.lock"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of the local test infrastructure."""

    folder: Path

    @classmethod
    def local(cls) -> Home:
        """Return the home that the environment names; it may not exist yet."""
        named = os.environ.get("FSE_HOME")
        data = os.environ.get("XDG_DATA_HOME")
        return cls(Path(named) if named else (Path(data) if data else Path.home() / ".local" / "share") / "fse-gateway")

    @property
    def trust(self) -> Path:
        """The trust folder of the local infrastructure."""
        return self.folder / "trust"

    def make(self) -> None:
        """Make the infrastructure and the demonstration cards, whole or not at all, unless they are there already."""
        if self.trust.exists():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(mkdtemp(prefix=".fse-", dir=self.folder.parent))
        try:
            pki = TestPki.create(SystemRandomness(), now=datetime.now(UTC))
            wallet = demo_wallet()
            (beside / "cards").mkdir(mode=0o700)
            for professional in wallet.cps.values():
                save(pki.issue_cps(professional), beside / "cards" / f"cps-{professional.rpps}.json")
            for family in wallet.vitale.values():
                save(pki.issue_vitale(family), beside / "cards" / f"vitale-{family.nir[:13]}.json")
            pki.save(beside / _PKI)
            pki.export_trust(beside / "trust")
            if self.folder.is_dir() and not any(self.folder.iterdir()):
                self.folder.rmdir()
            beside.rename(self.folder)
        except OSError as error:
            if not self.trust.exists():  # another process may have been faster
                raise GatewayError("HOME-MAKE", folder=self.folder, reason=error.strerror or "?") from None
        finally:
            rmtree(beside, ignore_errors=True)

    @property
    def opposed(self) -> Path:
        """The local opposition list: one Vitale serial number a line."""
        return self.folder / "opposition.txt"

    def opposed_cards(self) -> frozenset[str]:
        """Return the serial numbers on the local opposition list."""
        return frozenset(self.opposed.read_text(encoding="ascii").split()) if self.opposed.exists() else frozenset()

    def cps(self, rpps: str) -> Path:
        """Return the file of the demonstration CPS of the professional ``rpps``."""
        return self.folder / "cards" / f"cps-{rpps}.json"

    def vitale(self, nir: str) -> Path:
        """Return the file of the demonstration Vitale of the insured ``nir`` (13 characters)."""
        return self.folder / "cards" / f"vitale-{nir}.json"

    def party(self, role: Literal["biller", "caisse"], code: str, name: str) -> Party:
        """
        Return the keys of a biller or a caisse, issued and kept (PKCS #8, its owner's alone) on first use.

        Raises :class:`card_sim.errors.PkiInvalid` when what was kept is no such thing any more.
        """
        path = self.folder / "parties" / f"{role}-{code}.pem"
        with self._infrastructure() as pki:
            if path.exists():
                return _read_party(path)
            made = pki.issue_billing_party(role, code, name)
            certificates = (made.certificate, made.issuer_certificate)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            pki.save(self.folder / _PKI)  # before the keys: a serial number is never given twice
            replace_file(path, made.key_pem + b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
        return _read_party(path)

    @contextmanager
    def _infrastructure(self) -> Iterator[TestPki]:
        """Yield the infrastructure, for this process alone; the issuer's counter uses the same lock."""
        with (self.folder / _LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield TestPki.load(self.folder / _PKI, SystemRandomness())


def _read_party(path: Path) -> Party:
    content = path.read_bytes()
    try:
        key, certificates = key_from_pem(content), load_pem_x509_certificates(content)
    except ValueError:
        raise PkiInvalid(path, reason="malformed") from None
    if len(certificates) != 2 or not isinstance(key, RSAPrivateKey) or not belongs_to(key, certificates[0]):  # noqa: PLR2004 - its own and its authority's
        raise PkiInvalid(path, reason="not the key of its certificate")
    return Party(certificates[0], certificates[1].public_bytes(Encoding.DER), key)
