"""The commands, put together; every known error ends in one message and exit code 2."""

from __future__ import annotations

import errno
import sys
from importlib import import_module

import typer

import schemas
from card_sim.errors import CardSimError
from fse.errors import FseError
from fse.rules import rule
from gateway.cli.output import errors, language

__all__ = ["run"]

_BAD_INPUT = 2

_COMMANDS = {
    "agenda": "gateway.cli.agenda",
    "deadline": "gateway.cli.deadline",
    "seal": "gateway.cli.cards_and_sheets",
    "send": "gateway.cli.desk",
    "serve": "gateway.cli.serve",
    "show": "gateway.cli.agenda",
    "status": "gateway.cli.agenda",
    "submit": "gateway.cli.desk",
    "verify": "gateway.cli.cards_and_sheets",
    "inspect": "gateway.cli.cards_and_sheets",
    "extract": "gateway.cli.cards_and_sheets",
    "demo": "gateway.cli.demo",
    "evidence": "gateway.cli.retention",
    "evidence-check": "gateway.cli.retention",
    "import": "gateway.cli.import_file",
    "lifecycle": "gateway.cli.lifecycle",
    "obligations": "gateway.cli.obligations",
    "route": "gateway.cli.route",
    "payments": "gateway.cli.payments",
    "price": "gateway.cli.route",
    "purge": "gateway.cli.retention",
    "reconcile": "gateway.cli.payments",
    "resend": "gateway.cli.desk",
    "paper": "gateway.cli.paper",
}
"""Each command is the function of its name in its module."""

_FUNCTION = {"evidence-check": "evidence_check", "import": "import_file", "reconcile": "reconcile_command"}
"""Where the name of a command is no name of Python, a word of it, or the name of something else."""

_GROUPS = {
    "b2": "gateway.cli.b2",
    "card": "gateway.cli.card",
    "journal": "gateway.cli.journal",
    "noemie": "gateway.cli.noemie",
    "opposition": "gateway.cli.opposition",
    "rules": "gateway.cli.rules",
    "scenario": "gateway.cli.scenario",
    "tables": "gateway.cli.tables",
    "token": "gateway.cli.token",
    "trust": "gateway.cli.trust",
}
"""Each group of commands is the ``app`` of its module."""


app = typer.Typer(
    name="fse",
    help="Simulateur de télétransmission de feuilles de soins électroniques (PMI). Simulation, non homologué : aucune"
    " carte réelle, aucune adresse réelle, aucune donnée réelle.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """Exist, so that a command alone is still called by its name."""


def _load() -> None:
    """Import the module of the command that is asked for, and of no other: a deadline does not wait for a database."""
    known = _COMMANDS | _GROUPS
    asked = [word for word in sys.argv[1:2] if word in known]
    for name in asked or known:
        module = import_module(known[name])
        if name in _GROUPS:
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, _FUNCTION.get(name, name)))


def run() -> None:
    """Run the command line."""
    try:
        _load()
        app()
    except FseError as error:
        code = f" · {error.facts['code']}" if "code" in error.facts else ""  # the public one, where there is one
        _refuse(f"[{error.rule.id}{code}] {error.message(language())}")
    except CardSimError as error:
        facts = {"place": getattr(error, "place", "?"), "reason": getattr(error, "reason", str(error))}
        _refuse(f"[CARD-FILE] {rule('CARD-FILE').text(facts, language())}")
    except OSError as error:
        _refuse(_file_trouble(error))


def _file_trouble(error: OSError) -> str:
    """Return what the system refused, as the rule FILE-SYSTEM says it."""
    known = schemas.read_toml("wording.toml")["file_trouble"].get(errno.errorcode.get(error.errno or 0, ""))
    facts = {"file": error.filename or "?", "reason": known[language()] if known else error.strerror or str(error)}
    return f"[FILE-SYSTEM] {rule('FILE-SYSTEM').text(facts, language())}"


def _refuse(message: str) -> None:
    errors.print(message, style="bold red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(_BAD_INPUT)
