"""The errors of the gateway: one tree, each error a rule of the same catalogue with its facts."""

from __future__ import annotations

from fse.errors import FseError

__all__ = ["GatewayError"]


class GatewayError(FseError):
    """Something that lasts or talks went wrong: journal, dispatch, transport, cards at hand, configuration."""
