"""``fse noemie``: a NOEMIE file read, checked, and explained field by field."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from fse.identifiers import mask_nir
from fse.noemie import (
    NoemieError,
    Outcome,
    Return,
    SheetReturn,
    UnknownEntity,
    decode,
    is_ours,
    read_return,
    rejections,
    unpack,
    verify_return,
)
from fse.noemie.layout import code_lists
from fse.sealed_file import FileFormat, SealedFile
from gateway.cli.output import LanguageOption, console, day_text, errors, euros, language, plain, read_file, say
from gateway.home import Home
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fse.noemie import Entity, Stream
    from fse.noemie.fields import Value
    from fse.noemie.layout import Field

__all__ = ["app"]

app = typer.Typer(help="Les retours NOEMIE : lire, vérifier, expliquer.", no_args_is_help=True)

Source = Annotated[
    Path, typer.Argument(metavar="FICHIER", help="flux NOEMIE, compressé (gzip) ou non, ou retour signé")
]
Folder = Annotated[
    Path | None,
    typer.Option("--trust", metavar="DOSSIER", help="magasin de confiance (défaut : l'infrastructure de test locale)"),
]

_STREAM = (b"000", b"\x1f\x8b")
"""How a stream begins, plain or compressed; a signed return is DER and begins otherwise."""

_COLOUR = {
    Outcome.PAID: "green", Outcome.PARTLY_PAID: "yellow", Outcome.REJECTED: "bold red", Outcome.DEFERRED: "cyan",
}  # fmt: skip


@app.command("decode")
def decode_file(
    file: Source,
    clear: Annotated[bool, typer.Option("--clear", help="écrit aussi noms et NIR en clair")] = False,
    trust: Folder = None,
    lang: LanguageOption = "fr",
) -> None:
    """Écrit une entité par ligne, en JSON ; noms et NIR masqués."""
    del lang
    stream, _, _ = _read(file, trust)
    for one in stream.entities:
        place = {"rank": one.rank, "position": one.position, "entity": one.kind, "level": one.level}
        if isinstance(one, UnknownEntity):
            typer.echo(json.dumps({**place, "skipped": len(one.body)}))
            continue
        values = {
            field.name: _json(one.values[field.name], hidden=field.personal and not clear) for field in one.layout.named
        }
        typer.echo(json.dumps({**place, "fields": values}, ensure_ascii=False))


@app.command("check")
def check(file: Source, trust: Folder = None, lang: LanguageOption = "fr") -> None:
    """Vérifie cadre, champs, comptes et totaux ; d'un de nos retours, tout jusqu'au centime, et la signature."""
    del lang
    stream, found, sealed = _read(file, trust)
    console.print(f"[green]✔[/] {len(stream.entities)} {say('entités', 'entities')}", highlight=False)
    for one in stream.unknown:
        errors.print(f"[{one.report.rule.id}] {one.report.message(language())}", style="yellow", markup=False)
    if found is None:
        told = say(
            "Arbre inconnu de nous : seuls le cadre, les champs et le compte du fichier sont vérifiés.",
            "A tree that we do not know: only the frame, the fields and the count of the file are checked.",
        )
        console.print(told, style="yellow")
        return
    counts = say("feuilles, {n} ; virement, {t}", "sheets, {n}; transfer, {t}")
    total = euros(found.transfer_cents)
    console.print(f"[green]✔[/] {counts.format(n=len(found.sheets), t=total)}", highlight=False)
    if sealed:
        who = say("signé par l'organisme", "signed by the body")
        console.print(f"[green]✔[/] {who} {found.organism}", highlight=False)
    else:
        told = say("pas de signature : à ne pas comptabiliser", "no signature: not to be entered in the accounts")
        console.print(f"[yellow]![/] {told}", highlight=False)


@app.command("explain")
def explain(file: Source, trust: Folder = None, lang: LanguageOption = "fr") -> None:
    """Montre le fichier champ par champ, puis ce qui est payé, ce qui ne l'est pas, pourquoi, et quoi faire."""
    del lang
    stream, found, _ = _read(file, trust)
    table = Table(
        "n°", say("position", "position"), say("niveau", "level"), say("champ", "field"), say("valeur", "value")
    )
    for one in stream.entities:
        if isinstance(one, UnknownEntity):
            table.add_row(str(one.rank), str(one.position), one.level, one.kind, plain(one.report.message(language())))
            continue
        name = one.layout.fr if language() == "fr" else one.layout.en
        table.add_row(str(one.rank), str(one.position), one.level, f"[bold cyan]{one.kind} {name}[/]", "")
        for label, value, style in _fields(one):
            table.add_row("", "", "", label, value, style=style)
    console.print(table)
    if found is not None:
        console.print(_judgements(found))
        console.print(_money(found))


def _read(file: Path, trust: Path | None) -> tuple[Stream, Return | None, bool]:
    """Return the stream, what it says when it is one of our returns, and whether it is sealed (then: verified)."""
    data = read_file(file)
    if data.startswith(_STREAM):
        plain_data = unpack(data)
        stream = decode(plain_data)
        return stream, read_return(plain_data) if is_ours(stream) else None, False
    if not data.startswith(b"\x30"):
        raise NoemieError("NOEMIE-MARK", rank=1, position=1)
    found = verify_return(data, read_trust(_folder(trust)))
    return decode(SealedFile.decode(data, FileFormat.RETURN).payload), found, True


def _folder(named: Path | None) -> Path:
    if named is not None:
        return named
    home = Home.local()
    home.make()
    return home.trust


def _json(value: Value, *, hidden: bool) -> str | int | None:
    if isinstance(value, date):
        return value.isoformat()
    return mask_nir(value) if hidden and isinstance(value, str) else value


def _fields(one: Entity) -> Iterator[tuple[str, Text, str]]:
    """Give each field that says something: its name, its value for a person, the style of the row."""
    for field in one.layout.named:
        value = one.values[field.name]
        if value is None or not str(value).strip("0"):
            continue
        style = {"P": "green", "R": "bold red", "D": "cyan"}.get(str(value), "") if field.codes == "state" else ""
        yield (field.fr if language() == "fr" else field.en), plain(_text(field, value, one)), style


def _text(field: Field, value: Value, one: Entity) -> str:
    if field.kind == "cents":
        return ("-" if one.values.get("sign") == "N" and field.name != "balance" else "") + euros(int(str(value)))
    if field.kind == "rate":
        return f"{value} %"
    if isinstance(value, date):
        return day_text(value)
    text = mask_nir(str(value)) if field.personal else str(value)
    label = code_lists()[field.codes].label(text, language()) if field.codes else ""
    return f"{text} ({label})" if label else text


def _judgements(found: Return) -> Table:
    table = Table(
        say("feuille", "sheet"), "lot", say("acte", "act"), say("demandé", "asked"), say("payé", "paid"),
        say("résultat", "outcome"), say("motif, place, quoi faire", "reason, place, what to do"),
        title=f"{say('journée comptable', 'accounting day')} {day_text(found.accounting_day)}",
    )  # fmt: skip
    for sheet in found.sheets:
        recall = say(" (rappel)", " (recall)") if sheet.kind.value == "E" else ""
        table.add_row(
            f"{sheet.number:09d}{recall}", f"{sheet.lot:06d}", "", euros(sheet.requested_cents),
            euros(sheet.paid_cents), _word(sheet.outcome), plain(_why(sheet)), style=_COLOUR[sheet.outcome],
        )  # fmt: skip
        for act in sheet.acts:
            why = " · ".join(_reason(one.code, one.detail) for one in act.reasons)
            table.add_row(
                "", "", plain(f"{act.line} {act.code}"), euros(act.requested_cents), euros(act.paid_cents),
                _word(act.outcome), plain(why), style=_COLOUR[act.outcome],
            )  # fmt: skip
    return table


def _why(sheet: SheetReturn) -> str:
    reasons = [_reason(one.code, one.detail) for one in sheet.reasons]
    return " · ".join([*reasons, *(_reason(code, "") for code in sheet.signals)])


def _reason(code: str, detail: str) -> str:
    known = rejections()[code]
    chosen = language()
    again = say("nouvelle feuille possible", "a new sheet is possible") if known.correctable else ""
    parts = [f"{code} {known.words(chosen)}", known.place(chosen), detail, f"→ {known.to_do(chosen)}", again]
    return " · ".join(part for part in parts if part)


def _word(outcome: Outcome) -> str:
    words = {
        Outcome.PAID: say("payé", "paid"), Outcome.PARTLY_PAID: say("payé en partie", "partly paid"),
        Outcome.REJECTED: say("rejeté", "rejected"), Outcome.DEFERRED: say("différé", "deferred"),
    }  # fmt: skip
    return words[outcome]


def _money(found: Return) -> Table:
    table = Table(say("virement", "transfer"), say("montant", "amount"), show_footer=True)
    table.columns[0].footer = plain(found.reference or "–")
    table.columns[1].footer = euros(found.transfer_cents)
    table.add_row(say("feuilles et rappels", "sheets and recalls"), euros(sum(one.paid_cents for one in found.sheets)))
    for other in found.others:
        table.add_row(plain(f"{other.code} {other.label}"), euros(other.amount_cents))
    operations = code_lists()["operation"]
    for debt in found.debts:
        words = operations.label(debt.operation.value, language())
        told = f"{debt.reference} · {say('feuille', 'sheet')} {debt.number:09d} · {words}"
        moved = f"-{euros(debt.amount_cents)}" if debt.operation.value == "REC" else f"({euros(debt.amount_cents)})"
        left = f"{say('reste dû', 'still due')} {euros(debt.balance_cents)}"
        table.add_row(plain(f"{told} · {left}"), moved)
    return table
