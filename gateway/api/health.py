"""Whether the process lives, whether the journal answers, and the measures: ``/health``, ``/ready``, ``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Response

from gateway.api.access import Desk, MetricsReader  # noqa: TC001 - FastAPI reads the annotations when it runs
from gateway.api.models import Health, Ready
from gateway.metrics import CONTENT_TYPE, metrics_text

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/health", response_model=Health)
async def health() -> Health:
    """Le processus vit · The process lives."""
    return Health()


@router.get("/ready", response_model=Ready)
def ready(desk: Desk) -> Ready:
    """Le journal répond à une lecture · The journal answers a read."""
    with desk.station.journal.read() as tx:
        tx.last_number("sheet")
    return Ready()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "Prometheus", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(desk: Desk, token: MetricsReader) -> Response:
    """Les mesures, au format de Prometheus · The measures, in the format of Prometheus."""
    del token
    station = desk.station
    measured = metrics_text(station.journal, station.profile, station.clock.now())
    return Response(measured, headers={"Content-Type": CONTENT_TYPE})
