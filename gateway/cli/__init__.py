"""The command ``fse``."""

from __future__ import annotations

import sys

__all__ = ["main"]

_NEEDS_EXTRA = 2


def main() -> None:
    """Run the command; without the extra ``gateway`` say so in one line."""
    try:
        from gateway.cli.app import run  # noqa: PLC0415 - the base installation has the command, not its libraries
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"fse", "card_sim", "gateway", "schemas"}:
            raise
        sys.stderr.write(
            f"fse : il manque « {error.name} ». Installer l'extra : pip install 'fse-gateway[gateway]'"
            " (the command needs the extra `gateway`).\n"
        )
        sys.exit(_NEEDS_EXTRA)
    run()
