"""openssl judges the seal of a payment return, and reads its file."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from fse.noemie import sign_return
from fse.sealed_file import FileFormat, SealedFile
from tests.fse.noemie_builders import BY_HAND, MEANT
from tests.fse.sheet_builders import NOW, new_pki, party, signer, trust, trust_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.interop

Run = subprocess.CompletedProcess[bytes]


@pytest.fixture
def openssl(outside_program: Callable[[str], str], tmp_path: Path) -> Callable[..., Run]:
    """Return a runner of openssl in the test's folder."""
    program = outside_program("openssl")
    return lambda *arguments: subprocess.run([program, *arguments], cwd=tmp_path, capture_output=True, check=False)


@pytest.fixture
def signed(tmp_path: Path) -> bytes:
    """Return a signed return; its seal, its root and another root stand in the test's folder."""
    data = sign_return(MEANT, signer(party()), NOW)
    (tmp_path / "return.p7s").write_bytes(SealedFile.decode(data, FileFormat.RETURN).seals[0])
    (tmp_path / "ca.pem").write_bytes(trust().root_pem)
    (tmp_path / "other.pem").write_bytes(trust_files(new_pki("another"))["root.pem"])
    return data


def verify(root: str, *options: str) -> tuple[str, ...]:
    """Return the arguments of openssl that verify the seal over return.noemie."""
    return (
        *("cms", "-verify", "-binary", "-inform", "DER", "-in", "return.p7s", "-content", "return.noemie"),
        *("-CAfile", root, "-purpose", "any", "-out", os.devnull, *options),
    )


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("options", [(), ("-cades",)])
def test_openssl_accepts_the_seal_over_the_file_written_by_hand_and_no_other(
    options: tuple[str, ...], tmp_path: Path, openssl: Callable[..., Run]
) -> None:
    """As plain CMS and as CAdES; one cent more, or another root, and it is refused."""
    (tmp_path / "return.noemie").write_bytes(BY_HAND)
    judged = openssl(*verify("ca.pem", *options))
    assert judged.returncode == 0, judged.stderr
    assert openssl(*verify("other.pem", *options)).returncode != 0
    (tmp_path / "return.noemie").write_bytes(BY_HAND.replace(b"00000006750P", b"00000006751P"))
    assert openssl(*verify("ca.pem", *options)).returncode != 0


def test_openssl_reads_the_parts_of_the_file(signed: bytes, tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """DER to anybody: the name of the format, the stream, one seal, no part."""
    (tmp_path / "return.fse").write_bytes(signed)
    judged = openssl("asn1parse", "-inform", "DER", "-in", "return.fse")
    assert judged.returncode == 0, judged.stderr
    lines = [line for line in judged.stdout.decode().splitlines() if "d=1" in line]
    assert "FSE-SIM retour 1" in lines[0]
    assert [line.split("prim:" if "prim:" in line else "cons:")[1].split(":")[0].strip() for line in lines] == [
        "UTF8STRING",
        "OCTET STRING",
        "SEQUENCE",
        "SEQUENCE",
    ]
