"""Programs that we did not write judge the evidence file and the proof of a purge: unzip, openssl, xmllint."""

from __future__ import annotations

import os
import zipfile
from base64 import b64decode
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from gateway.evidence import evidence
from gateway.retention import purge
from tests.gateway.bench import Bench
from tests.gateway.test_retention import sent, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.interop.conftest import Ask

pytestmark = pytest.mark.interop

ASIC, DSIG = "{http://uri.etsi.org/02918/v1.2.1#}", "{http://www.w3.org/2000/09/xmldsig#}"
MANIFEST, SIGNATURE = "META-INF/ASiCManifest.xml", "META-INF/signature.p7s"
SEALS = (
    (SIGNATURE, MANIFEST),
    ("cps.p7s", "payload.xml"),
    ("vitale.p7s", "payload.xml"),
    ("lots/000001/lot.p7s", "lots/000001/lot.xml"),
    ("lots/000001/accuse-1.p7s", "lots/000001/accuse-1.xml"),
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Yield a gateway that has sent one sheet and received its acknowledgement."""
    (tmp_path / "bench").mkdir()
    made = Bench(tmp_path / "bench")
    sent(made, "V1")
    yield made
    made.journal.close()


@pytest.fixture
def extracted(bench: Bench, tmp_path: Path) -> Path:
    """Return the folder with the files of the evidence file, as Python takes them out; beside it, the root."""
    (tmp_path / "dossier.asice").write_bytes(evidence(bench.journal, 1, bench.biller, bench.trust))
    (tmp_path / "root.pem").write_bytes(bench.trust.root_pem)
    with zipfile.ZipFile(tmp_path / "dossier.asice") as archive:
        archive.extractall(tmp_path / "out")
    return tmp_path / "out"


def cms_verify(signature: str, content: str, *options: str) -> tuple[str, ...]:
    """Return the arguments of openssl, as the text in the file gives them, with the root received by another way."""
    return (
        *("cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content", content),
        *("-CAfile", "root.pem", "-purpose", "any", "-out", os.devnull, *options),
    )


def listed(folder: Path) -> dict[str, str]:
    """Return the SHA-256 (hexadecimal) of each file by its name, as the manifest says, read by the standard library."""
    root = ET.fromstring((folder / MANIFEST).read_bytes())  # noqa: S314 - a document of ours
    assert root.tag == f"{ASIC}ASiCManifest"
    assert [one.get("URI") for one in root.findall(f"{ASIC}SigReference")] == [SIGNATURE]
    found = {}
    for one in root.findall(f"{ASIC}DataObjectReference"):
        method, value = one
        assert method.get("Algorithm") == "http://www.w3.org/2001/04/xmlenc#sha256"
        assert value.tag == f"{DSIG}DigestValue"
        found[str(one.get("URI"))] = b64decode(value.text or "").hex()
    return found


def wrong(folder: Path, ask: Ask) -> set[str]:
    """Return the files whose digest, by openssl, is not the one in the manifest, and those that it does not list."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    known = listed(folder)
    assert {MANIFEST, SIGNATURE, "mimetype"} <= there
    there -= {MANIFEST, SIGNATURE, "mimetype"}
    digests = {name: ask("openssl", "dgst", "-sha256", "-r", f"out/{name}").split()[0] for name in there}
    return {name for name in there | known.keys() if digests.get(name) != known.get(name)}


@pytest.mark.parametrize("options", [(), ("-cades",)])
@pytest.mark.parametrize(("signature", "content"), SEALS)
def test_openssl_accepts_each_signature(
    extracted: Path, ask: Ask, signature: str, content: str, options: tuple[str, ...]
) -> None:
    """Of the container, the two cards, the lot and the acknowledgement: as CMS and as CAdES, and for no other bytes."""
    arguments = cms_verify(f"out/{signature}", f"out/{content}", *options)
    ask("openssl", *arguments)
    data = (extracted / content).read_bytes()
    (extracted / content).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    ask("openssl", *arguments, fails=True)


def test_openssl_works_out_the_digests_of_the_manifest(extracted: Path, ask: Ask) -> None:
    """Every file is listed and none else; one bit turned in any of them gives another digest."""
    assert wrong(extracted, ask) == set()
    for name in sorted(listed(extracted)):
        path = extracted / name
        data = path.read_bytes()
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :])
        assert ask("openssl", "dgst", "-sha256", "-r", f"out/{name}").split()[0] != listed(extracted)[name]
        path.write_bytes(data)
    assert wrong(extracted, ask) == set()


def test_the_text_in_the_file_tells_the_truth(extracted: Path, ask: Ask) -> None:
    """The commands of LISEZ-MOI.txt, run word for word inside the folder, verify what they say."""
    lines = (extracted / "LISEZ-MOI.txt").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    commands = [line.split() for line in lines if line.strip().startswith("openssl cms")]
    assert [command[command.index("-in") + 1] for command in commands] == [SIGNATURE, "cps.p7s", "vitale.p7s"]
    for program, *arguments in commands:
        inside = [f"out/{word}" if (extracted / word).is_file() else word for word in arguments]
        ask(program, *inside)


def test_unzip_finds_nothing_wrong(extracted: Path, ask: Ask) -> None:
    """Info-ZIP tests every member, and takes out the same bytes."""
    assert "No errors detected" in ask("unzip", "-t", "dossier.asice")
    ask("unzip", "-q", "dossier.asice", "-d", "again")
    again = extracted.with_name("again")
    taken = {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert taken == {path.relative_to(extracted): path.read_bytes() for path in extracted.rglob("*") if path.is_file()}


def test_xmllint_reads_the_manifest(extracted: Path, ask: Ask) -> None:
    """Well formed, and canonical as it stands."""
    assert extracted.is_dir()
    ask("xmllint", "--nonet", "--noout", f"out/{MANIFEST}")
    written = ask("xmllint", "--nonet", "--c14n", f"out/{MANIFEST}")
    assert written == (extracted / MANIFEST).read_text(encoding="utf-8")


def test_openssl_accepts_the_statement_of_a_purge(bench: Bench, tmp_path: Path, ask: Ask) -> None:
    """The biller's signature over what was purged holds, and over no other statement."""
    settle(bench, 1)
    bench.clock.advance(timedelta(days=90))
    proof = purge(bench.journal, bench.profile, bench.biller)
    assert proof is not None
    (tmp_path / "root.pem").write_bytes(bench.trust.root_pem)
    (tmp_path / "purge.json").write_text(proof.statement, encoding="utf-8")
    (tmp_path / "purge.p7s").write_bytes(proof.signature)
    for options in ((), ("-cades",)):
        ask("openssl", *cms_verify("purge.p7s", "purge.json", *options))
    (tmp_path / "purge.json").write_text(proof.statement.replace('"number":1', '"number":2', 1), encoding="utf-8")
    ask("openssl", *cms_verify("purge.p7s", "purge.json"), fails=True)
