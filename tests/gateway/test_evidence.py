"""The evidence file of one sheet: all of it, nothing of anybody else, the same bytes each time, every bit held."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from fse.errors import FseError
from fse.lifecycle import PaperEvent
from gateway.cli.retention import evidence as evidence_command
from gateway.cli.retention import evidence_check as check_command
from gateway.cli.retention import purge as purge_command
from gateway.errors import GatewayError
from gateway.evidence import evidence
from gateway.evidence_container import MANIFEST, SIGNATURE, check_evidence, pack
from gateway.retention import purge
from tests.fse import sheet_builders as build
from tests.gateway.bench import TUESDAY, party_of, patient, visit
from tests.gateway.test_retention import sent, settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gateway.bench import Bench

SEALED = {"feuille.fse", "payload.xml", "cps.p7s", "ca.pem"}
KNOWN = {"consultation.json", "situation.json", "evenements.jsonl", "LISEZ-MOI.txt"}
PACK = {"mimetype", MANIFEST, SIGNATURE}


def made(bench: Bench, number: int = 1, *, whole_lots: bool = False) -> bytes:
    """Return the evidence file of a sheet, by the biller of the bench."""
    return evidence(bench.journal, number, bench.biller, bench.trust, whole_lots=whole_lots)


def members(data: bytes) -> dict[str, bytes]:
    """Return what Python's own zip reader finds in ``data``."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def lot_files(number: int, answers: int = 1) -> set[str]:
    """Return the names of the files of a lot with that many acknowledgements."""
    folder = f"lots/{number:06d}"
    ends = {f"accuse-{rank}.{end}" for rank in range(1, answers + 1) for end in ("arl", "xml", "p7s")}
    return {f"{folder}/{name}" for name in {"lot.xml", "lot.p7s", *ends}}


# ---------------------------------------------------------------------------------------------------- what is in it


def test_a_secured_sheet_has_all_that_was_signed_sent_and_answered(either: Bench) -> None:
    """Protects the completeness of the file: each part under its name, the stored bytes unchanged."""
    bench = either
    sent(bench, "V1")
    found = members(made(bench))
    assert set(found) == PACK | SEALED | KNOWN | {"vitale.p7s"} | lot_files(1)
    [(sealed, encounter)] = bench.rows("SELECT sealed, encounter FROM sheets")
    [(answer,)] = bench.rows("SELECT file FROM acknowledgements")
    assert found["feuille.fse"] == sealed
    assert found["consultation.json"].decode() == encounter
    assert "rights" in json.loads(encounter)
    assert found["lots/000001/accuse-1.arl"] == answer
    assert json.loads(found["situation.json"])["state"] == "acknowledged"


def test_a_degraded_sheet_has_its_paper_and_no_vitale(bench: Bench) -> None:
    """Protects the twin: what was printed and where the paper stands go with the sheet."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.move_paper(1, PaperEvent.PRINT)
    found = members(made(bench))
    assert set(found) == PACK | SEALED | KNOWN | {"papiers/000001.json", "papiers/000001-situation.json"}
    assert json.loads(found["papiers/000001.json"])["form"] == "twin"
    assert json.loads(found["papiers/000001-situation.json"])["state"] == "printed"


def test_each_lot_that_it_travelled_in_is_there(bench: Bench) -> None:
    """Protects the history: a sheet of a refused lot that went again shows both lots and both answers."""
    bench.submit(visit("V1"))
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.refused())
    bench.gateway.dispatch.run()
    bench.gateway.requeue(1)
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl(2))
    bench.gateway.dispatch.run()
    found = members(made(bench))
    assert set(found) == PACK | SEALED | KNOWN | {"vitale.p7s"} | lot_files(1) | lot_files(2)
    assert b"<refuse" in found["lots/000001/accuse-1.xml"]
    assert b"<positif" in found["lots/000002/accuse-1.xml"]


def test_a_sheet_that_was_never_sealed_shows_what_there_is(bench: Bench) -> None:
    """Protects the file of an interrupted sheet: its content and the patient's signature, no other."""
    bench.submit(visit())
    with bench.journal.write() as tx:
        tx._connection.exec_driver_sql("UPDATE sheets SET sealed = NULL")  # noqa: SLF001 - as before the CPS has signed
    found = members(made(bench))
    assert set(found) == PACK | KNOWN | {"payload.xml", "vitale.p7s", "ca.pem"}
    assert found["vitale.p7s"] == bench.rows("SELECT patient_seal FROM sheets")[0][0]


def test_nothing_of_the_other_people_of_the_lot(bench: Bench) -> None:
    """Protects the neighbours: the other sheet of the lot, a twin's, is there only with whole lots."""
    for child in range(2):  # Jules, then Léo
        bench.submit(visit(f"V{child}", patient=patient("imaginaire", child=child)), "imaginaire")
    bench.gateway.send_all(bench.period())
    assert bench.rows("SELECT count(*) FROM lots") == [(1,)]
    [(payload,)] = bench.rows("SELECT payload FROM sheets WHERE number = 2")
    other = "Léo".encode(), payload
    data, whole = made(bench, 1), made(bench, 1, whole_lots=True)
    assert [part in data for part in other] == [False, False]
    assert [part in made(bench, 2) for part in other] == [True, True]
    assert payload in whole
    assert members(whole)["lots/000001/lot.lot"] == bench.lot().signed


def test_the_events_chain_by_what_the_file_says_itself(bench: Bench) -> None:
    """Protects the chain: each digest worked out from the line and the one before, by hashlib, as the text tells."""
    sent(bench, "V1")
    previous: dict[int, bytes] = {}
    lines = members(made(bench))["evenements.jsonl"].decode().splitlines()
    for line in lines:
        facts = json.loads(line)
        digest = bytes.fromhex(facts.pop("digest"))
        before = previous.get(facts["chain"], bytes(32))
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        assert digest == sha256(before + text.encode("ascii")).digest()
        previous[facts["chain"]] = digest
    heads = {chain: bytes(digest) for chain, digest in bench.rows("SELECT chain, digest FROM chains")}
    assert previous == {chain: heads[chain] for chain in (10_000_000_001, 20_000_000_001)}
    assert [json.loads(line)["name"] for line in lines][:2] == ["reserve", "patient_sign"]


def test_the_text_names_each_file(bench: Bench) -> None:
    """Protects the reader: every file has its line in the text, which says that all of it is a simulation."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.dispatch.run()
    found = members(made(bench))
    text = found["LISEZ-MOI.txt"].decode()
    assert {name for name in found.keys() - PACK - {"LISEZ-MOI.txt"} if f"\n- {name} : " not in text} == set()
    assert "SIMULATION - sans valeur, non homologué" in text
    assert "04/03/2025 à 11:00:00 (heure de Paris)" in text


# ----------------------------------------------------------------------------------------------------- the container


def test_the_media_type_comes_first_and_uncompressed(bench: Bench) -> None:
    """Protects EN 319 162-1 annex A: who looks at the first bytes of the file knows what it is."""
    bench.submit(visit())
    data = made(bench)
    assert data[:4] == b"PK\x03\x04"
    assert data[30:69] == b"mimetypeapplication/vnd.etsi.asic-e+zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {one.date_time for one in archive.infolist()} == {(2025, 3, 4, 10, 0, 0)}


def test_the_same_journal_at_the_same_time_gives_the_same_bytes(bench: Bench) -> None:
    """Protects comparison: made twice it is equal; an hour later it says another time."""
    bench.submit(visit())
    first = made(bench)
    bench.reopen()
    assert made(bench) == first
    bench.clock.advance(timedelta(hours=1))
    assert made(bench) != first


def test_every_bit_counts(bench: Bench) -> None:
    """Protects all of it: whole, it is accepted; one bit turned, in content or zip header alike, it is refused."""
    sent(bench, "V1")
    data = made(bench)
    assert set(check_evidence(data, bench.trust)) == set(members(data)) - PACK
    directory = data.index(b"PK\x01\x02")
    for position in (*range(0, directory, 211), *range(directory, len(data), 3)):
        turned = bytearray(data)
        turned[position] ^= 1 << position % 8
        with pytest.raises(FseError):
            check_evidence(bytes(turned), bench.trust)


def _again(data: bytes, change: Callable[[dict[str, bytes]], object], method: int = zipfile.ZIP_STORED) -> bytes:
    found = members(data)
    change(found)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in found.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda found: found.update({"consultation.json": b"{}"}), "EVIDENCE-CHANGED"),
        (lambda found: found.update({"autre.txt": b"?"}), "EVIDENCE-CHANGED"),
        (lambda found: found.pop("vitale.p7s"), "EVIDENCE-CHANGED"),
        (lambda _: None, "EVIDENCE-CHANGED"),
        (lambda found: found.pop(MANIFEST), "EVIDENCE-FORM"),
        (lambda found: found.pop(SIGNATURE), "EVIDENCE-FORM"),
        (lambda found: found.update(mimetype=b"application/zip"), "EVIDENCE-FORM"),
        (lambda found: found.update({MANIFEST: found[MANIFEST] + b" "}), "SEAL-CONTENT"),
    ],
    ids=["changed", "added", "removed", "zipped-again", "no-manifest", "no-signature", "other-type", "manifest"],
)
def test_a_file_put_together_again_is_refused(
    bench: Bench, change: Callable[[dict[str, bytes]], object], rule: str
) -> None:
    """EVIDENCE-CHANGED, EVIDENCE-FORM: each way of changing the files inside is named for what it is."""
    bench.submit(visit())
    with pytest.raises(FseError) as refusal:
        check_evidence(_again(made(bench), change), bench.trust)
    assert refusal.value.rule.id == rule


def test_a_bomb_is_not_opened(bench: Bench) -> None:
    """EVIDENCE-FORM: what is compressed, or is no zip at all, is refused before a byte of it is unpacked."""
    bomb = _again(pack({}, bench.biller, TUESDAY), lambda found: found.update(x=bytes(10**7)), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    for data in (bomb, b"", b"PK", b"not a zip" * 100):
        with pytest.raises(GatewayError) as refusal:
            check_evidence(data, bench.trust)
        assert refusal.value.rule.id == "EVIDENCE-FORM"


def test_only_a_biller_signs(bench: Bench) -> None:
    """Protects who answers for it: a caisse that this infrastructure trusts cannot make an evidence file."""
    data = pack({"a.txt": b"a"}, party_of(build.party()), TUESDAY)
    with pytest.raises(FseError) as refusal:
        check_evidence(data, bench.trust)
    assert refusal.value.rule.id == "SEAL-PURPOSE"


# --------------------------------------------------------------------------------------------------- what is not there


def test_an_unknown_sheet(bench: Bench) -> None:
    """SHEET-UNKNOWN: a number that was never given has no file, and is not taken for a purged one."""
    with pytest.raises(GatewayError) as refusal:
        made(bench, 7)
    assert refusal.value.rule.id == "SHEET-UNKNOWN"


def test_a_purged_sheet_says_when_and_by_which_statement(bench: Bench) -> None:
    """EVIDENCE-PURGED: the day of Paris and the number of the statement, the second of two here."""
    sent(bench, "V1")
    settle(bench, 1)
    bench.clock.advance(90 * timedelta(days=1))
    purge(bench.journal, bench.profile, bench.biller)
    bench.clock.advance(timedelta(hours=13))
    with bench.journal.write() as tx:
        number = tx.take_number("sheet")
        tx.record("reserve", sheet=number)
        tx.record("purge", sheet=number)
    with pytest.raises(GatewayError) as unstated:
        made(bench, 2)
    assert unstated.value.facts["statement"] == "—"
    purge(bench.journal, bench.profile, bench.biller)
    for sheet, on, stated in ((1, "2025-06-02", 1), (2, "2025-06-03", 2)):
        with pytest.raises(GatewayError) as refusal:
            made(bench, sheet)
        assert refusal.value.rule.id == "EVIDENCE-PURGED"
        assert f"purgée le {on} (attestation de purge n° {stated})" in refusal.value.message()


# -------------------------------------------------------------------------------------------------- the command line


@pytest.fixture
def fse(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a runner of the commands over the journal of the bench, in a home of their own; a failure raises."""
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))
    app = typer.Typer()
    app.command("purge")(purge_command)
    app.command("evidence")(evidence_command)
    app.command("evidence-check")(check_command)

    def run(command: str, *arguments: str) -> str:
        where = () if command == "evidence-check" else ("--journal", str(bench.path))
        found = CliRunner().invoke(app, [command, *arguments, *where], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout

    return run


def test_the_commands(bench: Bench, tmp_path: Path, fse: Callable[..., str]) -> None:
    """Protects the door: evidence written and checked, a dry run that changes nothing, a purge with its statement."""
    sent(bench, "V1")
    settle(bench, 1)
    bench.journal.close()
    file, folder = tmp_path / "dossier.asice", tmp_path / "purges"
    assert "LISEZ-MOI.txt" in fse("evidence", "1", "-o", str(file))
    assert set(members(file.read_bytes())) > SEALED
    assert "fichiers, tels que signés" in fse("evidence-check", str(file))
    before = bench.path.read_bytes()
    would = fse("purge", "--dry-run")
    assert would == "feuille 000000001\nlot 000001\nPartiraient : feuilles 1, lots 1\n"
    assert bench.path.read_bytes() == before
    told = fse("purge", "-o", str(folder))
    assert "✔ Purgé : feuilles 1, lots 1 ; attestation n° 1, signée par le facturier" in told
    assert json.loads((folder / "purge-000001.json").read_bytes())["sheets"][0]["number"] == 1
    assert (folder / "purge-000001.p7s").read_bytes() == bench.rows("SELECT signature FROM purges")[0][0]
    assert fse("purge", "--lang", "en") == "Nothing to purge.\n"
