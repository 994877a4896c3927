"""The papers of a sheet follow it: void with it, and what the caisse has received stays received."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fse.lifecycle import PAPERS, SHEETS, PaperEvent, SheetEvent
from gateway.errors import GatewayError
from gateway.movements import move_sheet
from tests.gateway.bench import visit

if TYPE_CHECKING:
    from tests.gateway.bench import Bench

BOTH_DATABASES = True


@pytest.mark.parametrize(
    ("steps", "state", "reason"),
    [
        ((), "void", "void"),
        ((PaperEvent.PRINT,), "void", "void"),
        ((PaperEvent.PRINT, PaperEvent.POST), "void", "void"),
        ((PaperEvent.PRINT, PaperEvent.POST, PaperEvent.RECEIVE), "received", ""),
        ((PaperEvent.VOID,), "void", "torn"),
    ],
)
def test_a_voided_sheet_takes_its_twin_along(
    bench: Bench, steps: tuple[PaperEvent, ...], state: str, reason: str
) -> None:
    """A degraded sheet that is voided before emission voids its twin, unless that is void or received already."""
    bench.submit(visit(vitale="absent"), None)
    policy = bench.profile.policy
    with bench.journal.write() as tx:
        for step in steps:
            (paper,) = tx.papers(sheet=1)
            moved = PAPERS.advance(paper.record, step, tx.now, policy, "torn")
            tx.update_paper(paper.number, moved.record, step)
        sheet = tx.sheet(1)
        assert sheet is not None
        move_sheet(tx, sheet, SHEETS.advance(sheet.record, SheetEvent.VOID, tx.now, policy, "mistake"), bench.profile)
    assert bench.state() == "void"
    assert bench.rows("SELECT state, json_extract(record, '$.reason') FROM papers") == [(state, reason)]


def test_a_paper_that_does_not_exist_moves_nowhere(bench: Bench) -> None:
    """Protects the secretary from a mistyped number: PAPER-UNKNOWN, and nothing recorded."""
    bench.submit(visit(vitale="absent"), None)
    before = bench.rows("SELECT * FROM events")
    with pytest.raises(GatewayError) as caught:
        bench.gateway.move_paper(2, PaperEvent.PRINT)
    assert caught.value.rule.id == "PAPER-UNKNOWN"
    assert bench.rows("SELECT * FROM events") == before
