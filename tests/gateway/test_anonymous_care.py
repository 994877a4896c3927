"""Anonymous care leaves a paper and nothing else (convention, 10.3): no identity, no time, no number, no shared key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fse.routing import Outcome
from gateway.journal import tables
from gateway.papers import anonymous_nir
from tests.gateway.bench import ANONYMOUS_IVG, ARTOIS, EXAMPLE, visit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.bench import Bench

AT = datetime(2025, 3, 4, 13, 37, tzinfo=UTC)
REFERENCE = "ANON-REF-77"


def _submit(bench: Bench) -> None:
    bench.clock.move_to(AT)
    (reply,) = bench.submit(visit(REFERENCE, at=AT.isoformat(), **ANONYMOUS_IVG), None)
    assert reply.outcome is Outcome.PLAIN_PAPER


def _everything(bench: Bench) -> dict[str, list[str]]:
    """Return every row of every table as text."""
    return {
        name: [repr(row) for row in bench.rows(f"SELECT * FROM {name}")]  # noqa: S608 - the tables of the journal
        for name in tables.metadata.tables
    }


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("journal.db*")))


def test_it_leaves_one_paper_and_no_other_trace(bench: Bench) -> None:
    """No event, no counter, no submission, no number: one row under a random key, in a table of its own."""
    _submit(bench)
    found = {name: rows for name, rows in _everything(bench).items() if rows}
    assert found.keys() == {"anonymous_papers"}
    ((key, kind, document),) = bench.rows("SELECT id, kind, document FROM anonymous_papers")
    assert (key, kind) == ("random-0", "plain")
    assert json.loads(document)["insured"] == {"nir": "2555555999030", "birth_date": None}


def test_a_day_with_identified_patients_shares_nothing_with_it(bench: Bench) -> None:
    """Between two identified consultations it takes no number and no line: their numbers follow each other."""
    bench.submit(visit("BEFORE"))
    before = _everything(bench)
    _submit(bench)
    after = _everything(bench)
    assert {name for name in after if after[name] != before[name]} == {"anonymous_papers"}
    bench.submit(visit("AFTER", at=AT.isoformat()))
    assert bench.rows("SELECT number FROM sheets ORDER BY number") == [(1,), (2,)]


def test_neither_rows_nor_raw_bytes_name_the_patient_or_the_minute(bench: Bench) -> None:
    """The file holds no reference and no minute of the consultation, in its rows, free pages or WAL."""
    _submit(bench)
    minute = int(AT.timestamp())
    traces = [REFERENCE, str(minute), "13:37", "14:37", "T13", "T14"]
    rows = json.dumps(_everything(bench), ensure_ascii=False)
    assert [trace for trace in traces if trace in rows] == []
    raw = _bytes(bench.path.parent)
    assert [trace for trace in traces if trace.encode() in raw] == []
    assert minute.to_bytes(4, "big") not in raw
    bench.journal.close()
    assert [trace for trace in traces if trace.encode() in _bytes(bench.path.parent)] == []


def test_the_raw_bytes_of_an_identified_consultation_would_be_found(bench: Bench) -> None:
    """The search above can find: the same traces of an identified consultation are there."""
    bench.clock.move_to(AT)
    bench.submit(visit(REFERENCE, at=AT.isoformat()))
    raw = _bytes(bench.path.parent)
    insured = EXAMPLE["patient"]["insured"]
    assert REFERENCE.encode() in raw
    assert int(AT.timestamp()).to_bytes(4, "big") in raw
    assert insured["nir"][:13].encode() in raw
    assert insured["family_name"].encode() in raw


def test_the_paper_says_what_the_caisse_needs_and_no_more(bench: Bench) -> None:
    """Convention 10.3.1: 2 55 55 55 + caisse + 030, the acts with their prices, the professional; no name, no hour."""
    _submit(bench)
    ((document,),) = bench.rows("SELECT document FROM anonymous_papers")
    paper = json.loads(document)
    assert (paper["organism"], paper["form"], paper["reason"]) == (ARTOIS, "plain", "ivg-anonymous")
    assert (paper["insured"]["birth_date"], paper["beneficiary"]) == (None, None)
    assert [(act["code"], act["on"]) for act in paper["lines"]] == [("FHV", "2025-03-04"), ("FMV", "2025-03-04")]
    assert sum(act["cents"] for act in paper["lines"]) == paper["total_cents"]


def test_the_number_follows_the_caisse_of_the_site() -> None:
    """The three digits of the caisse stand in the middle (protocol A18)."""
    assert anonymous_nir("019980000") == "2555555998030"


def test_nothing_recognises_it_a_second_time(bench: Bench) -> None:
    """Whatever is submitted again is new: a reference that was used anonymously is not remembered."""
    _submit(bench)
    _submit(bench)
    assert bench.rows("SELECT count(*) FROM anonymous_papers") == [(2,)]
    (reply,) = bench.submit(visit(REFERENCE, at=AT.isoformat()))
    assert reply.sheet == 1


def test_anonymous_papers_lie_in_no_order_of_time(bench: Bench) -> None:
    """The rows are kept by their random key: reading them tells nothing about who came first."""
    keys = iter(["zz", "aa", "mm"])
    bench.random_keys = keys  # type: ignore[assignment]  # any iterator will do
    for _ in range(3):
        _submit(bench)
    with bench.journal.read() as tx:
        assert [key for key, _, _ in tx.anonymous_papers()] == ["aa", "mm", "zz"]
    assert "rowid" not in {name for (name,) in bench.rows("SELECT name FROM pragma_table_info('anonymous_papers')")}
    ((sql,),) = bench.rows("SELECT sql FROM sqlite_master WHERE name = 'anonymous_papers'")
    assert "WITHOUT ROWID" in sql
