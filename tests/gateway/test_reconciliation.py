"""Money held against money: awaited, overdue, unmatched on either side; a transfer that arrives closes what it pays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from fse.lifecycle import PaperEvent
from fse.noemie import ActState
from gateway.bank_statement import StatementLine, read_statement
from gateway.cli.payments import payments, reconcile_command
from gateway.errors import GatewayError
from gateway.profile import ForceMajeure
from gateway.reconciliation import a_month_after, match_statement, reconcile
from tests.gateway.bench import ARTOIS, visit
from tests.gateway.test_returns import COD, act, deliver, file_of, line

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.reconciliation import Reconciliation
    from tests.gateway.bench import Bench

BOTH_DATABASES = True

ARRIVED = StatementLine(date(2025, 3, 31), "VIR0001", "CPAM ARTOIS (simulation)", COD)


@pytest.fixture
def sent(bench: Bench) -> Bench:
    """Return a bench with one sheet acknowledged by the Artois on Tuesday 4 March."""
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.run()
    return bench


def _now(bench: Bench, *statement: StatementLine) -> Reconciliation:
    return reconcile(bench.journal, bench.profile, statement)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 3, 4), date(2025, 4, 4)),
        (date(2025, 1, 31), date(2025, 2, 28)),
        (date(2024, 1, 30), date(2024, 2, 29)),
        (date(2025, 12, 15), date(2026, 1, 15)),
    ],
)
def test_the_same_day_of_the_next_month(day: date, expected: date) -> None:
    """Convention art. 16, our reading A23: from month to month, to the last day where there is no such day."""
    assert a_month_after(day) == expected


def test_overdue_from_the_day_after(sent: Bench) -> None:
    """Acknowledged on 4 March: due on 4 April included, overdue on the 5th; force majeure is a recorded exception."""
    for day, overdue in ((4, 0), (5, 1)):
        sent.clock.move_to(datetime(2025, 4, day, 10, tzinfo=UTC))
        found = _now(sent)
        assert [(one.sheet, one.asked_cents, one.due) for one in found.awaited] == [(1, COD, date(2025, 4, 4))]
        assert (len(found.overdue), found.awaited_cents) == (overdue, COD)
    excuse = ForceMajeure(ARTOIS, date(2025, 4, 1), date(2025, 4, 10))
    assert reconcile(sent.journal, replace(sent.profile, force_majeure=(excuse,))).overdue == ()


def test_a_degraded_sheet_waits_for_its_other_half(bench: Bench) -> None:
    """Protocol art. 6: without its paper nothing is due; once received, a month from the later half."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.run()
    assert [one.due for one in _now(bench).awaited] == [None]
    bench.clock.move_to(datetime(2025, 3, 20, 10, tzinfo=UTC))
    for event in ("print", "post", "receive"):
        bench.gateway.move_paper(1, PaperEvent(event))
    assert [one.due for one in _now(bench).awaited] == [date(2025, 4, 20)]


def test_a_transfer_that_arrives_closes_what_it_pays(sent: Bench) -> None:
    """Return and statement of 35.00 under one reference: matched once, the sheet closed, the heading paid."""
    deliver(sent, file_of(sent, line()))
    before = _now(sent)
    assert ([one.reference for one in before.not_arrived], before.awaited) == (["VIR0001"], ())
    assert before.headings == {"C02-411C03": COD, "C02-411D01": 0}
    assert match_statement(sent.journal, sent.profile, [ARRIVED]) == 1
    assert match_statement(sent.journal, sent.profile, [ARRIVED]) == 0
    assert (sent.state(), _now(sent, ARRIVED).not_arrived, _now(sent, ARRIVED).strange) == ("closed", (), ())


def test_another_amount_matches_nothing(sent: Bench) -> None:
    """One cent off: the transfer stays open, and the line of the bank is shown."""
    deliver(sent, file_of(sent, line()))
    off = replace(ARRIVED, cents=COD - 1)
    assert match_statement(sent.journal, sent.profile, [off]) == 0
    assert (sent.state(), _now(sent, off).strange) == ("paid", (off,))


def test_what_nobody_announced_is_strange_and_a_third_party_apart(sent: Bench) -> None:
    """A transfer without a return is listed; the 850 euros of the EPDEF (7518) match no sheet ever (PAY-11)."""
    unknown = replace(ARRIVED, reference="VIR9999")
    theirs = StatementLine(date(2025, 3, 31), "VIR0001", "Reversement EPDEF PEGASE", 85_000)
    found = _now(sent, unknown, theirs)
    assert (found.strange, found.apart) == ((unknown,), (theirs,))
    deliver(sent, file_of(sent, line()))
    assert match_statement(sent.journal, sent.profile, [replace(theirs, cents=COD)]) == 0


def test_a_line_of_a_return_that_fits_nothing_is_listed(sent: Bench) -> None:
    """MATCH-UNKNOWN on the side of the caisse; a partial payment is not closed by its transfer."""
    deliver(sent, file_of(sent, line(1, act(3000, ActState.PAID, "9306")), line(7)))
    assert [(one.sheet, one.mismatch) for one in _now(sent).unmatched] == [(7, "MATCH-UNKNOWN")]
    match_statement(sent.journal, sent.profile, [replace(ARRIVED, cents=3000 + COD)])
    assert sent.state() == "partly_paid"


def test_a_statement_is_read() -> None:
    """Dates, amounts with a comma, debits with a minus; labels as they are."""
    text = "date;reference;libelle;montant\n2025-03-31;VIR0001;CPAM;35,00\n2025-04-01;F1;Frais;-1,20\n"
    assert read_statement(text.encode()) == (
        StatementLine(date(2025, 3, 31), "VIR0001", "CPAM", 3500),
        StatementLine(date(2025, 4, 1), "F1", "Frais", -120),
    )


@pytest.mark.parametrize(
    ("text", "line_number", "column"),
    [
        ("date;montant\n", 1, "date;reference;libelle;montant"),
        ("date;reference;libelle;montant\n31/03/2025;V;C;35,00\n", 2, "date"),
        ("date;reference;libelle;montant\n2025-03-31;V;C;35.00\n", 2, "montant"),
        ("date;reference;libelle;montant\n2025-03-31;V;35,00\n", 2, "date;reference;libelle;montant"),
        ('date;reference;libelle;montant\n2025-03-31;V;"C;35,00\n', 2, "CSV"),
    ],
)
def test_a_wrong_line_is_named(text: str, line_number: int, column: str) -> None:
    """STATEMENT-LINE: the first wrong line and what of it, nothing half-read."""
    with pytest.raises(GatewayError) as refusal:
        read_statement(text.encode())
    assert refusal.value.facts == {"line": line_number, "column": column}
    assert refusal.value.rule.id == "STATEMENT-LINE"


def test_a_statement_is_utf_8() -> None:
    """STATEMENT-LINE for bytes of another encoding."""
    with pytest.raises(GatewayError, match="STATEMENT-LINE"):
        read_statement("libellé".encode("latin-1"))


@pytest.mark.sqlite
def test_the_commands_tell_it(sent: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``fse payments`` line by line; ``fse reconcile`` with a statement matches it, and says so in both languages."""
    monkeypatch.setattr("gateway.cli.output.console._width", 200)
    deliver(sent, file_of(sent, line(), line(7)))
    statement = tmp_path / "releve.csv"
    statement.write_text("date;reference;libelle;montant\n2025-03-31;VIR0001;CPAM;70,00\n", encoding="utf-8")
    app = typer.Typer()
    app.command("payments")(payments)
    app.command("reconcile")(reconcile_command)

    def ask(*words: str) -> str:
        result = CliRunner().invoke(app, [*words, "--journal", str(sent.path)])
        assert result.exit_code == 0, result.output
        return result.output

    told = ask("payments")
    assert "virement pas encore vu" in told
    assert "feuille 7, que ce journal ne connaît pas" in told
    told = ask("reconcile", "--statement", str(statement), "--at", "2025-04-01")
    assert "1 virement(s) rapproché(s)" in told
    assert "C02-411C03" in told
    assert sent.state() == "closed"
    assert "0 transfer(s) matched" in ask("reconcile", "--statement", str(statement), "--lang", "en")
