"""``fse serve`` and ``fse token`` as people start them: a real process, over TCP, with and without TLS."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.keys import curve_key, key_to_pem
from card_sim.randomness import SystemRandomness
from gateway.api.serving import Dispatcher, check_tls
from gateway.errors import GatewayError
from gateway.logs import SILENT
from tests.gateway.api_bench import DOCTOR, PIN

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FSE = [sys.executable, "-c", "from gateway.cli import main; main()"]
ALL = [word for scope in ("submit", "read", "sign", "operate", "metrics") for word in ("--scope", scope)]


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables of a process with a home of its own."""
    return os.environ | {"FSE_HOME": str(tmp_path_factory.mktemp("serve") / "home"), "PYTHONPATH": str(ROOT)}


def fse(surroundings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*FSE, *words], env=surroundings, capture_output=True, text=True, check=False, timeout=120, cwd=ROOT
    )


class Server:
    """A running ``fse serve``: its address, and how to end it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"https?://\S+", line)
        assert found, line
        self.url = found[0]

    def stop(self) -> tuple[int, str]:
        """Send SIGTERM; return the exit code and the log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


@contextmanager
def serving(surroundings: dict[str, str], *words: str) -> Iterator[Server]:
    """Yield a server on a free port; it is gone afterwards."""
    with subprocess.Popen(
        [*FSE, "serve", "--port", "0", *words],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def test_a_day_over_tcp_and_a_stop_in_order(surroundings: dict[str, str]) -> None:
    """The example of the documentation runs, the caisse has answered, SIGTERM ends with 0 and a log without secrets."""
    made = fse(surroundings, "token", "new", "exemple", *ALL)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    with serving(surroundings, "--every", "1") as server:
        ran = subprocess.run(
            ["sh", str(ROOT / "examples" / "api.sh")],  # noqa: S607 - the shell of the system
            env=surroundings | {"API": server.url, "TOKEN": secret},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        headers = {"Authorization": f"Bearer {secret}"}
        sheets = httpx.get(f"{server.url}/v1/sheets", headers=headers, trust_env=False).json()
        assert [(sheet["number"], sheet["state"]) for sheet in sheets] == [(1, "acknowledged")]
        opened = {"rpps": DOCTOR, "pin": PIN}  # left open: the stop gives the card back
        httpx.post(f"{server.url}/v1/signing-periods", headers=headers, json=opened, trust_env=False)
        code, log = server.stop()
    assert code == 0
    names = {json.loads(line)["event"] for line in log.splitlines()}
    assert {"request", "seal", "acknowledge_positive"} <= names
    assert not [one for one in (secret, f'"{PIN}"', "185036204199978", "1850362041999") if one in log]
    with serving(surroundings) as again:
        assert httpx.post(f"{again.url}/v1/signing-periods", headers=headers, json=opened, trust_env=False).is_success
        again.stop()
    listed = fse(surroundings, "token", "list", "--lang", "en")
    assert "exemple" in listed.stdout
    assert secret not in listed.stdout
    assert fse(surroundings, "token", "revoke", "exemple").returncode == 0
    assert fse(surroundings, "token", "revoke", "nobody").returncode == 2


def test_two_servers_may_not_have_one_port(surroundings: dict[str, str]) -> None:
    """API-PORT: a port that is taken is said in one message, exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = fse(surroundings, "serve", "--port", str(taken.getsockname()[1]))
    assert (refused.returncode, refused.stderr.split("]")[0]) == (2, "[API-PORT")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "gateway.example"])  # noqa: S104 - to be refused
def test_beyond_this_machine_tls_is_demanded(surroundings: dict[str, str], host: str) -> None:
    """API-TLS: nothing about a person goes over a network in clear; exit code 2 before anything is made."""
    with pytest.raises(GatewayError) as refusal:
        check_tls(host, None)
    assert refusal.value.rule.id == "API-TLS"
    if host == "0.0.0.0":  # noqa: S104 - to be refused
        refused = fse(surroundings, "serve", "--host", host)
        assert (refused.returncode, refused.stderr.split("]")[0]) == (2, "[API-TLS")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_this_machine_tls_is_a_choice(host: str) -> None:
    """Loopback addresses need none."""
    check_tls(host, None)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate for 127.0.0.1 and its key, as files."""
    key = curve_key(SystemRandomness(), "tls")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST API")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key_to_pem(key))
    return files


def test_with_tls_it_listens_beyond_this_machine(surroundings: dict[str, str], tmp_path: Path) -> None:
    """On every address, with a certificate: the certificate is the one given, plain HTTP gets nothing."""
    cert, key = certificate(tmp_path)
    words = ("--host", "0.0.0.0", "--tls-cert", str(cert), "--tls-key", str(key))  # noqa: S104 - with TLS
    with serving(surroundings, *words, "--no-simulator") as server:
        port = server.url.rpartition(":")[2]
        trusted = ssl.create_default_context(cafile=str(cert))
        with httpx.Client(verify=trusted, trust_env=False) as client:
            assert client.get(f"https://127.0.0.1:{port}/health").json() == {"status": "ok"}
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
        assert server.stop()[0] == 0


def test_a_certificate_that_cannot_serve_is_said(tmp_path: Path) -> None:
    """API-TLS-FILE for a missing file, no PEM, or a key of another certificate; API says so before it listens."""
    cert, key = certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    for pair in ((cert, tmp_path / "none.pem"), (key, key), (cert, certificate(other)[1])):
        with pytest.raises(GatewayError) as refusal:
            check_tls("127.0.0.1", pair)
        assert refusal.value.rule.id == "API-TLS-FILE"


def test_a_certificate_goes_with_its_key(surroundings: dict[str, str], tmp_path: Path) -> None:
    """One without the other is one clear message, exit code 2."""
    assert fse(surroundings, "serve", "--tls-cert", str(tmp_path / "cert.pem")).returncode == 2


def test_dispatch_outlives_its_failures() -> None:
    """One failed dispatch ends nothing: the next one runs, and a stop waits for what is being done."""
    runs: list[int] = []
    third = threading.Event()

    def work() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise GatewayError("LOT-UNKNOWN", number=1)
        if len(runs) == 2:
            raise RuntimeError
        third.set()

    dispatcher = Dispatcher(work, 0, SILENT)
    assert third.wait(timeout=60)
    dispatcher.stop()
    assert runs[:3] == [0, 1, 2]
