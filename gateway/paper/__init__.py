"""The paper forms composed as PDF: a readable template for each, the data handed in as JSON."""

from __future__ import annotations

from gateway.paper.render import render

__all__ = ["render"]
