"""The station: one home, one journal, keys that stay; who only reads makes nothing and disturbs nobody."""

from __future__ import annotations

import stat
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.errors import PkiInvalid
from fse.lifecycle import SheetState
from gateway.clock import SimulatedClock
from gateway.errors import GatewayError
from gateway.home import Home
from gateway.journal import Journal
from gateway.station import NoConcentrator, Station
from gateway.transport import TransportError
from tests.gateway.bench import Bench, visit

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = SimulatedClock(datetime(2025, 3, 4, 10, 0, tzinfo=UTC))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a home that several tests share."""
    return tmp_path_factory.mktemp("station") / "home"


@pytest.fixture(autouse=True)
def _here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSE_HOME", str(home))
    monkeypatch.delenv("FSE_JOURNAL", raising=False)


def test_its_journal_is_the_one_named_else_of_the_surroundings_else_of_the_home(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An argument wins over $FSE_JOURNAL, which wins over journal.db in the home."""
    with Station.open() as station:
        assert station.journal.name == str(home / "journal.db")
    monkeypatch.setenv("FSE_JOURNAL", str(tmp_path / "named.db"))
    with Station.open() as station:
        assert station.journal.name == str(tmp_path / "named.db")
    with Station.open(str(tmp_path / "argument.db")) as station:
        assert station.journal.name == str(tmp_path / "argument.db")


def test_who_only_reads_makes_no_journal(tmp_path: Path) -> None:
    """JOURNAL-MISSING: a reading command on a wrong path says so and leaves no empty journal behind."""
    missing = tmp_path / "missing.db"
    with pytest.raises(GatewayError) as refusal:
        Station.open(str(missing), must_exist=True)
    assert refusal.value.rule.id == "JOURNAL-MISSING"
    assert list(tmp_path.iterdir()) == []


def test_the_keys_of_biller_and_caisses_stay_and_are_the_owners_alone(home: Path, tmp_path: Path) -> None:
    """An envelope made yesterday opens today: keys are issued once, PKCS #8, 0600, in a closed folder."""
    seen = []
    for name in ("one.db", "two.db"):
        with Station.open(str(tmp_path / name)) as station:
            parties = {"biller": station.biller, **station.caisses}
            seen.append({code: party.certificate.public_bytes(Encoding.DER) for code, party in parties.items()})
            assert all(party.key.public_key() == party.certificate.public_key() for party in parties.values())
    assert seen[0] == seen[1]
    assert len(set(seen[0].values())) == len(seen[0])
    files = list((home / "parties").iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert all(path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----") for path in files)
    assert stat.S_IMODE((home / "parties").stat().st_mode) == 0o700


def test_a_party_file_that_was_damaged_is_named(tmp_path: Path) -> None:
    """Nobody bills with half a key: the file that is wrong is named."""
    home = Home(tmp_path / "home")
    home.make()
    home.party("caisse", "019990000", "simulée")
    path = home.folder / "parties" / "caisse-019990000.pem"
    whole = path.read_bytes()
    path.write_bytes(whole[:900])
    with pytest.raises(PkiInvalid, match=str(path)):
        home.party("caisse", "019990000", "simulée")
    other = home.folder / "parties" / "caisse-019980000.pem"
    home.party("caisse", "019980000", "simulée")
    key, certificate = whole.split(b"-----BEGIN CERTIFICATE", 1)
    path.write_bytes(key + b"-----BEGIN CERTIFICATE" + other.read_bytes().split(b"-----BEGIN CERTIFICATE", 1)[1])
    assert certificate
    with pytest.raises(PkiInvalid, match="not the key"):
        home.party("caisse", "019990000", "simulée")


def test_who_only_reads_voids_no_number_of_somebody_at_work(bench: Bench) -> None:
    """A number that another process has reserved and is about to sign survives a reading command."""

    def in_the_middle(*_arguments: object) -> bytes:
        with Station.open(str(bench.path), must_exist=True, clock=CLOCK) as station, station.journal.read() as tx:
            assert [sheet.record.state for sheet in tx.sheets()] == [SheetState.RESERVED]
        raise RuntimeError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.sealing.seal_as_patient", in_the_middle)
        with pytest.raises(RuntimeError):
            bench.submit(visit())
    with closing(Journal(bench.path, CLOCK)) as journal, journal.read() as tx:
        assert [sheet.record.state for sheet in tx.sheets()] == [SheetState.RESERVED]


def test_without_a_concentrator_nothing_leaves() -> None:
    """A machine that names no concentrator keeps its lots for later, and never invents an answer."""
    nowhere = NoConcentrator()
    assert nowhere.messages("629990011") == []
    with pytest.raises(TransportError):
        nowhere.fetch("629990011", "1")
    with pytest.raises(TransportError):
        nowhere.remove("629990011", "1")


def test_a_real_concentrator_is_refused(tmp_path: Path) -> None:
    """ADDRESS-REAL: a simulated sheet can never leave for a public address."""
    with (
        Station.open(str(tmp_path / "journal.db"), concentrator="https://oct.example.com") as station,
        pytest.raises(GatewayError) as refusal,
    ):
        station.gateway.dispatch.run()
    assert refusal.value.rule.id == "ADDRESS-REAL"


def test_a_concentrator_by_mail_needs_its_mailbox_and_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``smtp://…`` sends by mail, under contract too: MAIL-SERVER without a mailbox, MAIL-ACCOUNT without account."""
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))
    where = str(tmp_path / "journal.db")
    for mailbox, expected in (("", "MAIL-SERVER"), ("imap://127.0.0.1:1143", "MAIL-ACCOUNT")):
        with (
            Station.open(where, concentrator="smtp://127.0.0.1:2525", mailbox=mailbox) as station,
            pytest.raises(GatewayError) as refusal,
        ):
            _ = station.gateway
        assert refusal.value.rule.id == expected
