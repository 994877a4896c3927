"""The state of the TEST infrastructure, and the folders that it is written to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import CRLNumber, load_pem_x509_certificate, load_pem_x509_crl

from card_sim.certificates import Authority
from card_sim.durable_files import write_folder
from card_sim.errors import PkiInvalid
from card_sim.keys import belongs_to, key_from_pem, key_to_pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import TypeVar

    from cryptography.x509 import CertificateRevocationList

    _Value = TypeVar("_Value")

__all__ = ["PkiState", "read_state", "trust_files", "write_state"]

_ROOT: Final = "root"
_STATE_FILE: Final = "state.json"
_FILE_LIMIT: Final = 4 << 20


@dataclass(frozen=True)
class PkiState:
    """Authorities and revocation lists by label (``root`` and the families), and how many cards each holder got."""

    created_at: datetime
    authorities: dict[str, Authority]
    revocation_lists: dict[str, CertificateRevocationList]
    issued: dict[str, int]

    def revoke(self, label: str, serial: int, at: datetime) -> None:
        """Replace the list of the authority ``label`` by one that holds ``serial`` too."""
        current = self.revocation_lists[label]
        revoked = {entry.serial_number: entry.revocation_date_utc for entry in current}
        revoked.setdefault(serial, at)
        number = current.extensions.get_extension_for_class(CRLNumber).value.crl_number + 1
        self.revocation_lists[label] = self.authorities[label].revocation_list(number, revoked)


def trust_files(state: PkiState) -> dict[str, bytes]:
    """Return the files of a trust directory by their path in it."""
    certificates = {
        _certificate_file(label): authority.certificate.public_bytes(Encoding.PEM)
        for label, authority in state.authorities.items()
    }
    lists = {f"crl/{label}.pem": one.public_bytes(Encoding.PEM) for label, one in state.revocation_lists.items()}
    return certificates | lists


def write_state(folder: Path, state: PkiState) -> None:
    """Write ``state`` with its keys to ``folder``; FolderTaken when that holds another infrastructure."""
    keys = {f"keys/{label}.pem": key_to_pem(one.private_key) for label, one in state.authorities.items()}
    counters = {"created_at": state.created_at.isoformat(), "issued": state.issued}
    content = json.dumps(counters, ensure_ascii=False, indent=1, sort_keys=True).encode()
    write_folder(folder, trust_files(state) | keys | {_STATE_FILE: content}, "root.pem")


def read_state(folder: Path, labels: Iterable[str]) -> PkiState:
    """Return the state that :func:`write_state` wrote; PkiInvalid names the first file that is wrong."""
    authorities = {label: _read_authority(folder, label) for label in labels}
    lists = {label: _read(folder, f"crl/{label}.pem", load_pem_x509_crl) for label in authorities}
    for label, authority in authorities.items():
        if not lists[label].is_signature_valid(authority.private_key.public_key()):
            raise PkiInvalid(folder / f"crl/{label}.pem", reason="not the list of its authority")
    created_at, issued = _read(folder, _STATE_FILE, _counters)
    return PkiState(created_at, authorities, lists, issued)


def _read_authority(folder: Path, label: str) -> Authority:
    certificate = _read(folder, _certificate_file(label), load_pem_x509_certificate)
    key = _read(folder, f"keys/{label}.pem", key_from_pem)
    if not isinstance(key, EllipticCurvePrivateKey) or not belongs_to(key, certificate):
        raise PkiInvalid(folder / f"keys/{label}.pem", reason="not the key of its certificate")
    return Authority(certificate, key)


def _certificate_file(label: str) -> str:
    return "root.pem" if label == _ROOT else f"authorities/{label}.pem"


def _counters(content: bytes) -> tuple[datetime, dict[str, int]]:
    state = json.loads(content)
    if not isinstance(state, dict) or state.keys() != {"created_at", "issued"}:
        message = "created_at and issued are expected"
        raise ValueError(message)
    issued = state["issued"]
    if not isinstance(issued, dict) or not all(type(count) is int and count > 0 for count in issued.values()):
        message = "issued must count cards by holder"
        raise ValueError(message)
    return datetime.fromisoformat(state["created_at"]), issued


def _read(folder: Path, name: str, parse: Callable[[bytes], _Value]) -> _Value:
    path = folder / name
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_LIMIT)
        return parse(content)
    except OSError as error:
        raise PkiInvalid(path, reason=error.strerror or "cannot be read") from error
    except (ValueError, TypeError) as error:
        raise PkiInvalid(path, reason="malformed") from error
