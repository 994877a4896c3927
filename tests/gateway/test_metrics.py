"""Prometheus metrics: what a monitoring system reads, as its own parser reads it, and nobody in the labels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import CONTENT_TYPE, metrics_text
from gateway.transport import Sending
from tests.gateway.bench import ARTOIS, EXAMPLE, TUESDAY, visit

if TYPE_CHECKING:
    from tests.gateway.bench import Bench

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(bench: Bench, now: datetime | None = None) -> Samples:
    """Return the value of each sample by name and labels, as the parser of the library reads the text."""
    text = metrics_text(bench.journal, bench.profile, now or bench.clock.now()).decode()
    families = list(text_string_to_metric_families(text))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_an_empty_journal_is_all_zero(bench: Bench) -> None:
    """Protects alerts from holes: every number without a label is there from the first day, and is 0."""
    assert scraped(bench) == {
        ("fse_agenda_lines", (("punctuality", "at_risk"),)): 0,
        ("fse_agenda_lines", (("punctuality", "late"),)): 0,
        ("fse_agenda_lines", (("punctuality", "on_time"),)): 0,
        ("fse_sheet_numbers_given", ()): 0,
        ("fse_lots_held", ()): 0,
        ("fse_papers_to_print", ()): 0,
        ("fse_papers_to_post", ()): 0,
        ("fse_quarantine_messages", ()): 0,
        ("fse_oldest_unsent_age_seconds", ()): 0,
        ("fse_last_checkpoint_timestamp_seconds", ()): 0,
    }


def test_the_numbers_of_a_morning(bench: Bench) -> None:
    """
    Protects the numbers: a held lot, a degraded sheet with its twin, noise from outside, a checkpoint.

    It is 11 o'clock in Paris: the act of the day is 11 hours (39 600 s) old at most.
    """
    bench.submit(visit("V1"))
    bench.wire.put(b"noise")
    bench.wire.results = [(Sending.REFUSED, "HTTP 400")]
    bench.gateway.send_all(bench.period())
    bench.submit(visit("V2", vitale="absent"), None)
    bench.gateway.checkpoints.make()
    found = scraped(bench)
    assert found["fse_sheets", (("state", "in_lot"),)] == 1
    assert found["fse_sheets", (("state", "queued"),)] == 1
    assert found["fse_lots", (("state", "signed"),)] == 1
    assert found["fse_caisse_lots", (("caisse", ARTOIS), ("state", "signed"))] == 1
    assert found["fse_sheet_numbers_given", ()] == 2
    assert found["fse_lots_held", ()] == 1
    assert found["fse_papers_to_print", ()] == 1
    assert found["fse_quarantine_messages", ()] == 1
    assert found["fse_oldest_unsent_age_seconds", ()] == 39_600
    assert found["fse_last_checkpoint_timestamp_seconds", ()] == TUESDAY.timestamp()


def test_lateness_is_counted(bench: Bench) -> None:
    """Protects the alert that matters: two sheets are at risk on the 14th, and late on the 15th."""
    bench.submit(visit("V1"))
    bench.submit(visit("V2"))
    last_day, after = datetime(2025, 3, 14, 9, tzinfo=UTC), datetime(2025, 3, 15, 9, tzinfo=UTC)
    assert scraped(bench, last_day)["fse_agenda_lines", (("punctuality", "at_risk"),)] == 2
    assert scraped(bench, after)["fse_agenda_lines", (("punctuality", "late"),)] == 2


def test_labels_name_nobody(bench: Bench) -> None:
    """Protects the patient and the place: labels are states, caisses and verdicts alone."""
    bench.submit(visit("V-secret", vitale="absent"), None)
    text = metrics_text(bench.journal, bench.profile, bench.clock.now()).decode()
    labels = {name for _, of_sample in scraped(bench) for name, _ in of_sample}
    assert labels <= {"state", "caisse", "punctuality"}
    for word in (EXAMPLE["site"], EXAMPLE["patient"]["insured"]["family_name"], "V-secret"):
        assert word not in text


def test_each_reading_is_its_own(bench: Bench) -> None:
    """Protects other users of the library: nothing is left in its global registry, and text is text for Prometheus."""
    before = set(REGISTRY._names_to_collectors)  # noqa: SLF001 - the only way to look into it
    scraped(bench)
    assert set(REGISTRY._names_to_collectors) == before  # noqa: SLF001 - see above
    assert CONTENT_TYPE.startswith("text/plain")
