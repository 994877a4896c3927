"""How the gateway stands, and the story of one sheet: counted and told as it was lived, and nothing of anybody."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import typer
from pydantic import TypeAdapter
from typer.testing import CliRunner

import schemas
from fse.lifecycle import SHEETS, PaperEvent, SheetEvent, SheetState, wording
from fse.lifecycle.punctuality import Punctuality
from gateway.cli.agenda import show, status
from gateway.errors import GatewayError
from gateway.journal import tables
from gateway.status import read_status
from gateway.timeline import Moment, Timeline, read_timeline
from gateway.transport import Sending
from tests.gateway.bench import ARTOIS, EXAMPLE, TUESDAY, visit

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.status import Status
    from tests.gateway.bench import Bench

BOTH_DATABASES = True
SITE = "629990003"
WIDE = 300
WINDOW_END = date(2025, 3, 14)

app = typer.Typer()
app.command("status")(status)
app.command("show")(show)


@pytest.fixture(autouse=True)
def _wide_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let every cell stand on one line, and keep the home of the simulator in the test's folder."""
    monkeypatch.setattr("gateway.cli.output.console._width", WIDE)
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))


def command(bench: Bench, name: str, *words: str) -> str:
    """Return what the command ``name`` prints over the journal of ``bench``, on 4 March 2025."""
    result = CliRunner().invoke(app, [name, "--journal", str(bench.where), "--at", "2025-03-04T11:00", *words])
    assert result.exit_code == 0, result.output
    return result.output


# -------------------------------------------------------------------------------------------------------------- status


def standing(bench: Bench, sites: set[str] | None = None, now: datetime | None = None) -> Status:
    """Return the status of ``bench`` at its own time, or at ``now``."""
    return read_status(bench.journal, bench.profile, now or bench.clock.now(), sites)


def test_an_empty_journal_stands_still(bench: Bench) -> None:
    """Protects the first day: nothing counted, nothing waiting, never sealed."""
    found = standing(bench)
    assert (found.numbers_given, found.sheets, found.lots, found.destinations) == (0, {}, {}, {})
    assert (found.held, found.papers_to_print, found.papers_to_post, found.quarantine) == ((), 0, 0, 0)
    assert (found.checkpoint, found.oldest_unsent, found.next_limit) == (None, None, None)
    assert found.punctuality == dict.fromkeys(Punctuality, 0)


def test_a_status_counts_what_is_open(bench: Bench) -> None:
    """Protects the counts of a morning: one sheet acknowledged, one held with its lot, one degraded with its twin."""
    bench.submit(visit("V1"))
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.wire.put(b"noise")
    bench.gateway.dispatch.run()
    bench.submit(visit("V2"))
    bench.wire.results = [(Sending.REFUSED, "HTTP 400")]
    bench.gateway.send_all(bench.period())
    bench.submit(visit("V3", vitale="absent"), None)
    found = standing(bench)
    assert found.numbers_given == 3
    assert found.sheets == {"acknowledged": 1, "in_lot": 1, "queued": 1}
    assert found.lots == {"positive": 1, "signed": 1}
    assert found.destinations == {ARTOIS: {"positive": 1, "signed": 1}}
    assert (found.held, found.quarantine) == ((2,), 1)
    assert (found.papers_to_print, found.papers_to_post) == (1, 0)
    bench.gateway.move_paper(1, PaperEvent.PRINT)
    assert (standing(bench).papers_to_print, standing(bench).papers_to_post) == (0, 1)


def test_the_limits_of_a_status(bench: Bench) -> None:
    """
    Protects the dates: the oldest sheet is that of the earliest act, whatever its number.

    The sheet of 28 February has until Wednesday 12 March, that of 4 March until Friday the 14th.
    """
    bench.submit(visit("V1"))
    bench.submit(visit("V2", at="2025-02-28T09:40:00+01:00"))
    found = standing(bench, now=datetime(2025, 3, 11, 9, tzinfo=UTC))
    assert found.oldest_unsent is not None
    assert (found.oldest_unsent.number, found.oldest_unsent.day) == (2, date(2025, 3, 12))
    assert found.next_limit == date(2025, 3, 12)
    assert found.punctuality == {Punctuality.ON_TIME: 1, Punctuality.AT_RISK: 1, Punctuality.LATE: 0}
    later = standing(bench, now=datetime(2025, 3, 13, 9, tzinfo=UTC))
    assert later.next_limit == WINDOW_END
    assert later.punctuality == {Punctuality.ON_TIME: 0, Punctuality.AT_RISK: 1, Punctuality.LATE: 1}
    assert standing(bench, now=datetime(2025, 3, 15, 9, tzinfo=UTC)).next_limit is None


def test_the_last_checkpoint_is_told(bench: Bench) -> None:
    """Protects the seal of the journal: its number, its time and the last event that it covers."""
    bench.submit(visit())
    events = bench.rows("SELECT count(*) FROM events")[0][0]
    bench.gateway.checkpoints.make()
    seal = standing(bench).checkpoint
    assert seal is not None
    assert (seal.number, seal.at, seal.last_event) == (1, TUESDAY, events)


def test_a_status_of_other_sites_is_empty(bench: Bench) -> None:
    """Protects the sites from each other: counts of one's own alone, and not how many sheets there ever were."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.lots.close()
    mine, other = standing(bench, {SITE}), standing(bench, {"629991019"})
    assert (mine.sheets, mine.lots, mine.papers_to_print) == ({"in_lot": 1}, {"to_sign": 1}, 1)
    assert (other.sheets, other.lots, other.papers_to_print, other.next_limit) == ({}, {}, 0, None)
    assert (mine.numbers_given, other.numbers_given) == (None, None)


def test_what_is_settled_is_not_counted(bench: Bench) -> None:
    """Protects the year: a closed sheet whose record nobody could read is a number that was given, and no more."""
    bench.submit(visit("V1"))
    table = tables.sheets
    with bench.journal.write() as tx:
        tx._connection.execute(table.update().values(state=SheetState.CLOSED.value, record="unreadable"))  # noqa: SLF001 - there is no public way to break a record
    assert (standing(bench).numbers_given, standing(bench).sheets) == (1, {})


def test_the_command_tells_how_all_stands(bench: Bench) -> None:
    """Protects the screen: counts by state, by caisse, the held lot, the oldest sheet."""
    bench.submit(visit())
    bench.wire.results = [(Sending.REFUSED, "HTTP 400")]
    bench.gateway.send_all(bench.period())
    bench.gateway.checkpoints.make()
    told = command(bench, "status")
    rows = {cells[1].strip(): cells[2].strip() for line in told.splitlines() if len(cells := line.split("│")) > 3}
    assert rows["feuilles ouvertes"] == "en lot : 1"
    assert rows[f"caisse {ARTOIS}"] == "signé : 1"
    assert rows["lots retenus"] == "1"
    assert rows["papiers à imprimer, à poster"] == "0, 0"
    assert rows["plus ancienne feuille non émise"].startswith("1, mar. 04/03/2025")
    assert rows["dernier point de contrôle"] == "1, mar. 04/03/2025 11:00"
    assert "open sheets" in command(bench, "status", "--lang", "en")


def test_the_status_speaks_to_programs(bench: Bench) -> None:
    """Protects --json."""
    bench.submit(visit())
    told = json.loads(command(bench, "status", "--json"))
    assert (told["sheets"], told["numbers_given"], told["checkpoint"]) == ({"queued": 1}, 1, None)
    assert told["oldest_unsent"]["number"] == 1


# ------------------------------------------------------------------------------------------------------------ timeline


def story(bench: Bench, number: int = 1) -> list[tuple[str, int, str]]:
    """Return subject, its number and name of each event of a sheet's story."""
    found = read_timeline(bench.journal, bench.profile, number, bench.clock.now())
    return [(moment.subject, moment.number, moment.name) for moment in found.moments]


BEGINNING = [
    ("sheet", 1, "reserve"),
    ("sheet", 1, "patient_sign"),
    ("sheet", 1, "seal"),
    ("sheet", 1, "queue"),
    ("lot", 1, "open_lot"),
    ("sheet", 1, "put_in_lot"),
    ("lot", 1, "sign"),
    ("lot", 1, "envelope_made"),
    ("sheet", 1, "start_emission"),
]


def test_the_story_of_an_acknowledged_sheet(bench: Bench) -> None:
    """Protects the order: sheet and lot as they took turns, what both say told once, and the deadline."""
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.clock.advance(timedelta(hours=2))
    bench.gateway.dispatch.run()
    assert story(bench) == [*BEGINNING, ("sheet", 1, "emit"), ("sheet", 1, "acknowledge_positive")]
    found = read_timeline(bench.journal, bench.profile, 1, bench.clock.now())
    assert (found.purged, found.state, found.site, found.organism) == (False, "acknowledged", SITE, ARTOIS)
    assert (found.established_on, found.deadline, found.action, found.day) == (
        date(2025, 3, 4),
        WINDOW_END,
        "await_return",
        None,
    )
    assert found.timing is not None
    assert found.timing.reason == "emitted_in_time"
    assert [moment.at for moment in found.moments[-2:]] == [TUESDAY, TUESDAY + timedelta(hours=2)]


def test_the_story_of_a_hold(bench: Bench) -> None:
    """Protects what a lot lives through alone: the refusal, why it is held, the release, the next attempt."""
    bench.submit(visit())
    bench.wire.results = [(Sending.REFUSED, "HTTP 400")]
    bench.gateway.send_all(bench.period())
    bench.gateway.dispatch.release(1)
    bench.gateway.dispatch.run()
    assert story(bench) == [
        *BEGINNING,
        ("sheet", 1, "emission_failed"),
        ("lot", 1, "held"),
        ("lot", 1, "released"),
        ("sheet", 1, "start_emission"),
        ("sheet", 1, "emit"),
    ]
    held = next(
        moment
        for moment in read_timeline(bench.journal, bench.profile, 1, bench.clock.now()).moments
        if moment.name == "held"
    )
    assert (held.text(), held.said()) == ("Le lot attend la décision d'une personne.", "HTTP 400")
    assert held.text("en") == "The lot waits for a person to decide."


def test_the_story_of_two_lots_and_a_duplicata(bench: Bench) -> None:
    """
    Protects a long life, told whole: a refused lot, a second one, its window, the duplicata.

    Nobody signs the second lot before the end of Friday 14 March.
    """
    bench.submit(visit("V0"))
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.refused())
    bench.gateway.dispatch.run()
    bench.gateway.requeue(1)
    bench.gateway.lots.close()
    bench.clock.move_to(datetime(2025, 3, 15, 9, tzinfo=UTC))
    bench.gateway.dispatch.run()
    (first,) = bench.rows("SELECT min(number) FROM papers WHERE sheet = 2")
    for event in (PaperEvent.PRINT, PaperEvent.POST):
        bench.gateway.move_paper(first[0], event)
    told = story(bench, 2)
    assert told[-9:] == [
        ("lot", 2, "open_lot"),
        ("sheet", 2, "put_in_lot"),
        ("lot", 2, "window_closed"),
        ("sheet", 2, "requeue"),
        ("sheet", 2, "window_closed"),
        ("paper", first[0], "paper_needed"),
        ("paper", first[0], "print"),
        ("paper", first[0], "post"),
        ("sheet", 2, "duplicata_issued"),
    ]


def test_the_paper_of_a_degraded_sheet_is_part_of_its_story(bench: Bench) -> None:
    """Protects the twin: needed when the sheet is sealed, and named in words."""
    bench.submit(visit(vitale="absent"), None)
    found = read_timeline(bench.journal, bench.profile, 1, bench.clock.now())
    (needed,) = (moment for moment in found.moments if moment.subject == "paper")
    assert (needed.text(), needed.said()) == ("Un papier est à faire.", "Feuille papier jumelle d'une FSE dégradée")
    assert needed.said("en") == "Paper twin of a degraded FSE"


def test_a_purged_sheet_still_has_its_events(bench: Bench) -> None:
    """Protects the proof: after the purge nothing but the events is left, and they are still told in order."""
    bench.submit(visit(vitale="absent"), None)
    before = story(bench)
    with bench.journal.write() as tx:
        stored = tx.sheet(1)
        assert stored is not None
        tx.forget_sheet(stored)
    assert story(bench) == [*before, ("paper", 1, "purge"), ("sheet", 1, "purge")]
    found = read_timeline(bench.journal, bench.profile, 1, bench.clock.now())
    assert (found.purged, found.deadline, found.timing, found.site) == (True, None, None, "")
    assert "Contenu effacé ; ses événements restent." in command(bench, "show", "1")


def test_a_number_that_was_never_given(bench: Bench) -> None:
    """Protects against a mistyped number: SHEET-UNKNOWN, not an empty story."""
    bench.submit(visit())
    with pytest.raises(GatewayError) as caught:
        read_timeline(bench.journal, bench.profile, 2, bench.clock.now())
    assert (caught.value.rule.id, caught.value.facts) == ("SHEET-UNKNOWN", {"number": 2})


def test_a_story_names_nobody(bench: Bench) -> None:
    """Protects the patient: the story that a machine reads holds no name, no NIR, no reference."""
    bench.submit(visit("V-secret", vitale="absent"), None)
    found = read_timeline(bench.journal, bench.profile, 1, bench.clock.now())
    told = TypeAdapter(Timeline).dump_json(found).decode()
    for person in (EXAMPLE["patient"]["insured"], EXAMPLE["patient"]["beneficiary"], EXAMPLE["professional"]):
        assert person["family_name"] not in told
        assert person["first_name"] not in told
    assert EXAMPLE["patient"]["insured"]["nir"][:13] not in told
    assert "V-secret" not in told


def test_every_event_of_the_journal_has_its_sentence(bench: Bench) -> None:
    """Protects the screen from bare names: two languages for each, and an unknown one is shown as it is."""
    for name in schemas.read_toml("lifecycle.toml")["journal_event"]:
        words = wording("journal_event", name)
        assert words.fr != words.en
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    told = read_timeline(bench.journal, bench.profile, 1, bench.clock.now()).moments
    assert all(moment.text() != moment.name for moment in told)
    assert Moment(1, TUESDAY, "lot", 1, "something_new").text() == "something_new"


def test_the_command_tells_the_story(bench: Bench) -> None:
    """Protects the screen: where it stands, its deadline, what comes next, and each event at the time of Paris."""
    bench.submit(visit())
    told = command(bench, "show", "000000001")
    for words in (
        "Feuille 000000001",
        bench.profile.sites[SITE].name,
        "En attente d'un lot.",
        "délai ven. 14/03/2025",
        "→ ",
        "mar. 04/03/2025 11:00",
        "Le numéro de la feuille est réservé.",
    ):
        assert words in told
    assert "The number of the sheet is reserved." in command(bench, "show", "1", "--lang", "en")
    moments = json.loads(command(bench, "show", "1", "--json"))["moments"]
    assert [moment["name"] for moment in moments] == ["reserve", "patient_sign", "seal", "queue"]


def test_the_command_tells_the_story_of_a_number_given_up(bench: Bench) -> None:
    """Protects the end of a story: a voided sheet owes nothing, and its screen asks for nothing."""
    bench.submit(visit())
    with bench.journal.write() as tx:
        ((_, record),) = tx.sheet_records(SheetState.QUEUED)
        step = SHEETS.advance(record, SheetEvent.VOID, tx.now, bench.profile.policy, "mistake")
        tx.update_sheet(1, step.record, SheetEvent.VOID)
    told = command(bench, "show", "1")
    assert "délai ven. 14/03/2025, à l'heure –" in told
    assert "plus rien n'est attendu" in told
    assert "→ Rien à faire." in told
