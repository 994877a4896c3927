"""The errors of the life cycle: each says where the record stands and what is possible instead."""

from __future__ import annotations

from fse.errors import FseError

__all__ = ["DetailMissing", "ImpossibleTransition", "LifecycleError", "PolicyError"]


class LifecycleError(FseError):
    """Something that the life cycle does not allow."""


class ImpossibleTransition(LifecycleError):
    """
    The event has no row for this record now.

    Rule ``LIFE-NO-ROW`` when the state knows no such event; ``LIFE-CONDITION`` when it does and a condition fails.
    Facts: ``table``, ``number``, ``state``, ``event``, ``possible``; for the second ``condition_fr``, ``condition_en``.
    """


class DetailMissing(LifecycleError):
    """The event must say something (a reason, the number of a lot or of a successor) and says nothing."""

    default_rule = "LIFE-DETAIL"


class PolicyError(LifecycleError):
    """The policy cannot be applied: no such profile, or a number of emissions that leaves no second one."""
