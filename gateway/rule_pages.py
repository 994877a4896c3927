"""The documentation page of requirements and rules (``docs/rules.md``), made from the catalogue: ``make schemas``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fse.requirements import requirements, rules_of
from fse.rules import catalogue

if TYPE_CHECKING:
    from fse.requirements import Requirement
    from fse.rules import Rule

__all__ = ["rules_page"]

_LEVEL = {"must": "obligatoire", "should": "souhaitée", "could": "possible"}


def rules_page() -> str:
    """Return the page in Markdown: each requirement with what shows it, each rule with what it tells a person."""
    asked = requirements().values()
    shown = sum(bool(one.tests) for one in asked)
    lines = [
        "# Exigences et règles",
        "",
        "Page produite par `make schemas` à partir de `schemas/requirements.toml` et `schemas/rules/`. Au terminal :",
        "`fse rules list`, `fse rules show CONV-10`, `fse rules coverage`. Les textes sont les nôtres ; (d) : déduite.",
        "",
        f"{len(asked)} exigences : {shown} montrées par un test, {len(asked) - shown} qui attendent, avec leur raison.",
        "",
        "## Exigences",
        "",
        "| Exigence | Niveau | Ce qu'elle demande | Règles | Montrée par, ou ce qu'elle attend |",
        "| --- | --- | --- | --- | --- |",
        *(_row(one) for one in asked),
        "",
        "## Règles",
        "",
        "Les mots entre accolades sont remplacés par les faits.",
        "",
        "| Règle | Ce qu'elle dit | Ce qu'il faut faire | Source |",
        "| --- | --- | --- | --- |",
        *(_rule(one) for one in sorted(catalogue().values(), key=lambda one: one.id)),
    ]
    return "\n".join(lines) + "\n"


def _row(one: Requirement) -> str:
    level = _LEVEL[one.level] + (" (d)" if one.derived else "")
    rules = ", ".join(rule.id for rule in rules_of(one.id))
    shown = "<br>".join(f"`{test.rpartition('/')[2]}`" for test in one.tests) or f"*{one.waits}*"
    return f"| {one.id} | {level} | {_plain(one.fr)} | {rules} | {shown} |"


def _rule(one: Rule) -> str:
    return f"| {one.id} | {_plain(one.fr)} | {_plain(one.fr_action)} | {_plain(one.source)} |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    Path("docs/rules.md").write_text(rules_page(), encoding="utf-8")
