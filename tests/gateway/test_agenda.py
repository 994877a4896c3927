"""The agenda: each thing under its day, red when it can wait no more, nobody named, the settled past left alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from io import StringIO
from typing import TYPE_CHECKING

import pytest
import typer
from pydantic import TypeAdapter
from rich.console import Console
from sqlalchemy import Engine, event
from typer.testing import CliRunner

from fse.cards import CardError
from fse.lifecycle import PaperEvent, SheetState
from fse.lifecycle.punctuality import Punctuality
from gateway.agenda import Agenda, read_agenda
from gateway.cli.agenda import agenda
from gateway.errors import GatewayError
from gateway.journal import tables
from gateway.readers import CardsAtHand, ProfessionalCard
from gateway.transport import Sending
from tests.fse import sheet_builders as build
from tests.gateway.bench import EXAMPLE, visit, vitale

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.agenda import Line
    from tests.gateway.bench import Bench

BOTH_DATABASES = True
SITE, ARRAS_NORD = "629990003", "629991019"
WINDOW_END = date(2025, 3, 14)
SECTIONS = ("overdue", "today", "tomorrow", "later", "to_sign")
WIDE = 300

app = typer.Typer()
app.command("agenda")(agenda)


def march(day: int, hour: int = 9) -> datetime:
    """Return an hour (UTC) of a day of March 2025."""
    return datetime(2025, 3, day, hour, tzinfo=UTC)


def asked(bench: Bench, now: datetime, sites: set[str] | None = None) -> dict[str, list[tuple[str, int]]]:
    """Return what stands in each section that is not empty: subject and number."""
    found = read_agenda(bench.journal, bench.profile, now, sites)
    lines: dict[str, tuple[Line, ...]] = {name: getattr(found, name) for name in SECTIONS}
    return {name: [(line.subject, line.number) for line in some] for name, some in lines.items() if some}


def sign_without_the_professional(bench: Bench, reference: str) -> None:
    """Have the patient's card sign a sheet that the CPS, its PIN not given, does not."""
    locked = ProfessionalCard.insert(build.cps().transmit)
    with pytest.raises(CardError):
        bench.gateway.submit(visit(reference), CardsAtHand(locked, vitale("dutest")))


def hold_the_lot(bench: Bench) -> None:
    """Have the concentrator refuse the lot of one sheet for good."""
    bench.submit(visit())
    bench.wire.results = [(Sending.REFUSED, "HTTP 400")]
    bench.gateway.send_all(bench.period())


@pytest.mark.parametrize(
    ("day", "section", "verdict"),
    [
        (4, "later", Punctuality.ON_TIME),
        (12, "later", Punctuality.ON_TIME),
        (13, "tomorrow", Punctuality.AT_RISK),
        (14, "today", Punctuality.AT_RISK),
        (15, "overdue", Punctuality.LATE),
    ],
)
def test_a_sheet_moves_through_the_sections(bench: Bench, day: int, section: str, verdict: Punctuality) -> None:
    """Protects the days: a sheet of 4 March must leave by Friday 14 March (CSS R161-47), and is red on the 15th."""
    bench.submit(visit())
    assert asked(bench, march(day)) == {section: [("sheet", 1)]}
    (line,) = read_agenda(bench.journal, bench.profile, march(day)).lines
    assert (line.day, line.timing.punctuality, line.established_on) == (WINDOW_END, verdict, date(2025, 3, 4))
    assert line.action == ("issue_duplicata" if section == "overdue" else "put_in_lot")
    assert line.site == SITE


def test_tomorrow_is_the_next_jour_ouvre(bench: Bench) -> None:
    """Protects the weekend: seen on Friday 7 March, what must be posted by Monday 10 March is for tomorrow."""
    bench.clock.move_to(march(3))
    bench.submit(visit(at="2025-03-02T09:40:00+01:00", vitale="absent"), None)
    found = read_agenda(bench.journal, bench.profile, march(7))
    assert (found.on, found.next_day) == (date(2025, 3, 7), date(2025, 3, 10))
    assert [(line.subject, line.action, line.day) for line in found.tomorrow] == [("paper", "print", date(2025, 3, 10))]


def test_an_emitted_sheet_waits_for_its_answer(bench: Bench) -> None:
    """Protects what follows the emission: the answer is awaited until Thursday 6 March, and the sheet is on time."""
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    (line,) = read_agenda(bench.journal, bench.profile, march(5)).tomorrow
    assert (line.action, line.day, line.timing.reason) == ("await_acknowledgement", date(2025, 3, 6), "emitted_in_time")
    bench.wire.put(bench.arl())
    bench.gateway.dispatch.run()
    assert asked(bench, march(5)) == {}


def test_papers_past_their_eighth_day_are_red(bench: Bench) -> None:
    """Protects the twin: 8 plain days after 4 March end with the 12th (R161-47 I 2° b); once posted it is gone."""
    bench.submit(visit(vitale="absent"), None)
    assert asked(bench, march(12)) == {"today": [("paper", 1)], "later": [("sheet", 1)]}
    assert asked(bench, march(13)) == {"overdue": [("paper", 1)], "tomorrow": [("sheet", 1)]}
    bench.gateway.move_paper(1, PaperEvent.PRINT)
    assert [line.action for line in read_agenda(bench.journal, bench.profile, march(13)).overdue] == ["post"]
    bench.gateway.move_paper(1, PaperEvent.POST)
    assert asked(bench, march(13)) == {"tomorrow": [("sheet", 1)]}


def test_what_waits_for_a_card(bench: Bench) -> None:
    """Protects the signatures: the sheet that the CPS has still to sign and the lot to sign, most urgent first."""
    bench.submit(visit("V1"))
    bench.gateway.lots.close()
    sign_without_the_professional(bench, "V2")
    assert asked(bench, march(4)) == {
        "later": [("sheet", 1), ("sheet", 2)],
        "to_sign": [("lot", 1), ("sheet", 2)],
    }
    waiting = read_agenda(bench.journal, bench.profile, march(4)).to_sign
    assert [(line.action, line.day) for line in waiting] == [("sign_lot", WINDOW_END), ("seal", WINDOW_END)]
    assert "to_sign" not in asked(bench, march(15))


def test_a_window_that_closed_before_the_seal(bench: Bench) -> None:
    """Protects the red paper: the sheet that nobody sealed, then the plain paper that dispatch makes of it."""
    sign_without_the_professional(bench, "V1")
    assert asked(bench, march(15)) == {"overdue": [("sheet", 1)]}
    bench.clock.move_to(march(15))
    bench.gateway.dispatch.run()
    (line,) = read_agenda(bench.journal, bench.profile, march(15)).overdue
    assert (line.subject, line.action, line.timing.reason, line.day) == ("paper", "print", "window_missed", WINDOW_END)


def test_a_held_lot_is_red_while_its_sheet_has_time(bench: Bench) -> None:
    """Protects what waits for a person: the lot on top with its reason, the sheet under its day with the same."""
    hold_the_lot(bench)
    assert asked(bench, march(5)) == {"overdue": [("lot", 1)], "later": [("sheet", 1)]}
    found = read_agenda(bench.journal, bench.profile, march(5))
    assert [line.hold for line in found.lines] == ["HTTP 400", "HTTP 400"]
    bench.gateway.dispatch.release(1)
    assert asked(bench, march(5)) == {"later": [("sheet", 1)]}


def test_a_held_lot_whose_window_is_over_is_given_up(bench: Bench) -> None:
    """Protects the list from a lot that nobody can send any more: its sheet asks for the duplicata instead."""
    hold_the_lot(bench)
    assert asked(bench, march(15)) == {"overdue": [("sheet", 1)]}


def test_a_token_sees_its_sites_alone(bench: Bench) -> None:
    """Protects the sites from each other: sheets, papers and lots of another site are not there."""
    bench.submit(visit("V1", vitale="absent"), None)
    bench.submit(visit("V2"))
    bench.gateway.lots.close()
    with bench.journal.write() as tx:  # the cards of the tests work at one site
        tx._connection.execute(tables.sheets.update().where(tables.sheets.c.number == 2).values(site=ARRAS_NORD))  # noqa: SLF001 - see above
    both = asked(bench, march(4))
    assert both["to_sign"] == [("lot", 1), ("lot", 2)]
    mine, other = asked(bench, march(4), {SITE}), asked(bench, march(4), {ARRAS_NORD})
    assert mine["later"] == [("paper", 1), ("sheet", 1)]
    assert other["later"] == [("sheet", 2)]
    assert sorted(mine["to_sign"] + other["to_sign"]) == both["to_sign"]
    assert asked(bench, march(4), set()) == {}


def test_a_paper_without_a_site_of_its_own_has_that_of_its_sheet(bench: Bench) -> None:
    """Protects papers of an older journal: the site of the sheet they go with decides who sees them."""
    bench.submit(visit(vitale="absent"), None)
    with bench.journal.write() as tx:
        tx._connection.execute(tables.papers.update().values(site=""))  # noqa: SLF001 - as an older version left it
    assert asked(bench, march(4), {SITE})["later"] == [("paper", 1), ("sheet", 1)]


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Yield the list of the statements that are executed."""
    seen: list[str] = []

    def note(*call: object) -> None:
        seen.append(str(call[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_it_reads_no_bytes_and_no_identity(bench: Bench, statements: list[str]) -> None:
    """Protects the patient: no column that holds an identity or bytes is read, no name, number or reference is told."""
    bench.submit(visit("V-secret", vitale="absent"), None)
    statements.clear()
    found = read_agenda(bench.journal, bench.profile, march(4))
    assert statements
    read = " ".join(statements)
    for column in ("payload", "sealed", "patient_seal", "encounter", "document", "signed,", "envelope", "facts"):
        assert column not in read
    told = TypeAdapter(Agenda).dump_json(found).decode()
    patient = EXAMPLE["patient"]
    for person in (patient["insured"], patient["beneficiary"], EXAMPLE["professional"]):
        assert person["family_name"] not in told
        assert person["first_name"] not in told
    assert patient["insured"]["nir"][:13] not in told
    assert "V-secret" not in told


def test_settled_sheets_cost_nothing(bench: Bench) -> None:
    """Protects the year: a settled sheet, here one whose record nobody could read, is not looked at."""
    bench.submit(visit("V1"))
    bench.submit(visit("V2"))
    table = tables.sheets
    with bench.journal.write() as tx:
        change = table.update().where(table.c.number == 1).values(state=SheetState.CLOSED.value, record="unreadable")
        tx._connection.execute(change)  # noqa: SLF001 - there is no public way to break a record
    assert asked(bench, march(4)) == {"later": [("sheet", 2)]}


# ------------------------------------------------------------------------------------------------------------- command


@pytest.fixture(autouse=True)
def _wide_screen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let every cell stand on one line, and keep the home of the simulator in the test's folder."""
    monkeypatch.setattr("gateway.cli.output.console._width", WIDE)
    monkeypatch.setenv("FSE_HOME", str(tmp_path / "home"))


def command(bench: Bench, *words: str) -> str:
    """Return what ``fse agenda`` prints over the journal of ``bench``."""
    result = CliRunner().invoke(app, ["--journal", str(bench.where), *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_tells_what_is_expected(bench: Bench) -> None:
    """Protects the screen: subject, place, day, jours ouvrés used, what to do, and the verdict in words."""
    bench.submit(visit())
    told = command(bench, "--at", "2025-03-13")
    for words in (
        "prochain jour ouvré, ven. 14/03/2025 (1)",
        "feuille 1",
        bench.profile.sites[SITE].name,
        "ven. 14/03/2025 à risque",
        "▰▰▰▰▰▰▰▱ 7/8",
        "Mettre la feuille dans un lot.",
        "première émission attendue",
    ):
        assert words in told
    assert "en retard" not in told
    assert "overdue (1)" in command(bench, "--at", "2025-03-15T00:00", "--lang", "en")


@pytest.mark.parametrize(("day", "colour"), [("04", "32"), ("13", "33"), ("15", "1;31")])
def test_colours(bench: Bench, monkeypatch: pytest.MonkeyPatch, day: str, colour: str) -> None:
    """Protects the glance: on time is green (ANSI 32), at risk yellow (33), late bold red (1;31)."""
    screen = Console(file=StringIO(), force_terminal=True, color_system="standard", width=WIDE)
    monkeypatch.setattr("gateway.cli.agenda.console", screen)
    bench.submit(visit())
    command(bench, "--at", f"2025-03-{day}")
    assert isinstance(screen.file, StringIO)
    assert f"\x1b[{colour}mven. 14/03/2025\x1b[0m" in screen.file.getvalue()


def test_the_day_of_at_is_that_of_paris(bench: Bench) -> None:
    """Protects midnight: 14 March 23:30 in Paris is still the last day, 23:30 in UTC is the day after."""
    bench.submit(visit())
    assert "ce jour, ven. 14/03/2025 (1)" in command(bench, "--at", "2025-03-14T23:30")
    assert "en retard (1)" in command(bench, "--at", "2025-03-14T23:30+00:00")


def test_the_command_says_why_a_lot_is_held(bench: Bench) -> None:
    """Protects whoever must act: the reason of the hold is on the line."""
    hold_the_lot(bench)
    assert "retenu : HTTP 400" in command(bench, "--at", "2025-03-05")


def test_nothing_expected(bench: Bench) -> None:
    """Protects a quiet day from an empty screen."""
    assert "Rien n'est attendu." in command(bench)


def test_the_command_speaks_to_programs(bench: Bench) -> None:
    """Protects --json: the whole agenda, with codes instead of sentences."""
    bench.submit(visit())
    told = json.loads(command(bench, "--at", "2025-03-13", "--json"))
    (line,) = told["tomorrow"]
    assert (line["subject"], line["number"], line["day"], line["action"]) == ("sheet", 1, "2025-03-14", "put_in_lot")
    assert (line["timing"]["punctuality"], line["timing"]["used"], line["timing"]["allowed"]) == ("at_risk", 7, 8)
    assert (told["overdue"], told["next_day"]) == ([], "2025-03-14")


def test_a_moment_that_is_none(bench: Bench) -> None:
    """Protects the option: what is no date is refused with what is expected, exit code 2."""
    result = CliRunner().invoke(app, ["--journal", str(bench.where), "--at", "demain"])
    assert result.exit_code == 2
    assert "AAAA-MM-JJ" in result.output


def test_reading_makes_no_journal(tmp_path: Path) -> None:
    """Protects the disk: a mistyped path is told, and no journal and no home appear."""
    where = tmp_path / "nowhere.db"
    result = CliRunner().invoke(app, ["--journal", str(where)])
    assert isinstance(result.exception, GatewayError)
    assert (result.exception.rule.id, result.exception.facts) == ("JOURNAL-MISSING", {"file": str(where)})
    assert list(tmp_path.iterdir()) == []
