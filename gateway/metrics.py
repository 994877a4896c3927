"""
How the gateway stands, for a monitoring system: Prometheus text, read from the journal at each request.

Every number is a count or a time; labels are states, caisses and verdicts, never a sheet, a site or a person.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from fse.deadlines import PARIS
from gateway.status import read_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateway.journal import Journal
    from gateway.profile import ServiceProfile
    from gateway.status import Status

__all__ = ["CONTENT_TYPE", "StatusCollector", "metrics_text"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""What the text is, for the answer that carries it."""


def metrics_text(journal: Journal, profile: ServiceProfile, now: datetime) -> bytes:
    """Return the metrics of ``journal`` at ``now`` as Prometheus reads them (:data:`CONTENT_TYPE`)."""
    registry = CollectorRegistry()
    registry.register(StatusCollector(lambda: read_status(journal, profile, now)))
    return generate_latest(registry)


class StatusCollector(Collector):
    """Makes the metrics of what ``read`` gives, anew each time that they are asked for."""

    def __init__(self, read: Callable[[], Status]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each gauge."""
        status = self._read()
        yield _by("fse_sheets", "Open sheets by state", "state", status.sheets)
        yield _by("fse_lots", "Open lots by state", "state", status.lots)
        yield _lots_by_caisse(status)
        yield _by("fse_agenda_lines", "What the agenda lists, by punctuality", "punctuality", status.punctuality)
        for name, text, value in (
            ("fse_sheet_numbers_given", "Sheet numbers given since the journal began", status.numbers_given or 0),
            ("fse_lots_held", "Lots that wait for a person", len(status.held)),
            ("fse_papers_to_print", "Papers that wait to be printed", status.papers_to_print),
            ("fse_papers_to_post", "Printed papers that wait to be posted", status.papers_to_post),
            ("fse_quarantine_messages", "Received messages in quarantine", status.quarantine),
            (
                "fse_oldest_unsent_age_seconds",
                "Age of the oldest unsent sheet, since the day of its last act",
                _age(status),
            ),
            ("fse_last_checkpoint_timestamp_seconds", "When the journal was last sealed; 0: never", _sealed_at(status)),
        ):
            yield GaugeMetricFamily(name, text, value=value)


def _by(name: str, text: str, label: str, counts: Mapping[Any, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _lots_by_caisse(status: Status) -> GaugeMetricFamily:
    family = GaugeMetricFamily("fse_caisse_lots", "Open lots by caisse and state", labels=["caisse", "state"])
    for organism, states in status.destinations.items():
        for state, count in states.items():
            family.add_metric([organism, state], count)
    return family


def _age(status: Status) -> float:
    """Return the seconds since the day of the last act began in Paris, 0 when nothing waits."""
    line = status.oldest_unsent
    if line is None:
        return 0
    return max(0.0, (status.at - datetime.combine(line.established_on, time.min, tzinfo=PARIS)).total_seconds())


def _sealed_at(status: Status) -> float:
    return status.checkpoint.at.timestamp() if status.checkpoint else 0
