"""What a scenario file is refused for."""

from __future__ import annotations

from gateway.errors import GatewayError

__all__ = ["ScenarioError"]


class ScenarioError(GatewayError):
    """A scenario that cannot be read, with the line; what fails while it runs is a result, not an error."""
