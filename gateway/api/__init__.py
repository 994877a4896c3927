"""The HTTP API of the gateway, under ``/v1``: what other software sees of it. No rule of the business lives here."""

from __future__ import annotations

from gateway.api.app import make_app

__all__ = ["make_app"]
