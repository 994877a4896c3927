"""``fse purge``, ``evidence`` and ``evidence-check``: what the journal forgets, and what it shows of one sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, errors, plain, read_file, say, write_file
from gateway.cli.tables import ProfileOption
from gateway.evidence import evidence as make_evidence
from gateway.evidence_container import check_evidence
from gateway.home import Home
from gateway.profile import DEFAULT
from gateway.retention import due_for_purge
from gateway.retention import purge as purge_journal
from gateway.station import Station
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from gateway.retention import Due, Proof

__all__ = ["evidence", "evidence_check", "purge"]

_MAX_EVIDENCE_BYTES = 100_000_000


def purge(
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="dit ce qui partirait, sans rien supprimer")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DOSSIER", help="où copier l'attestation signée (JSON et p7s)"),
    ] = None,
    lang: LanguageOption = "fr",
) -> None:
    """
    Supprime ce que la loi n'oblige plus à garder, et signe l'attestation de ce qui est parti (CSS R161-47).

    Au moins 90 jours, et jusqu'au paiement ou au remplacement ; une feuille ouverte reste, si ancienne soit-elle.
    """
    del lang
    with Station.open(journal, profile, must_exist=True) as station:
        if dry_run:
            with station.journal.read() as tx:
                _show(due_for_purge(tx, station.profile, tx.now))
            return
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=errors, transient=True
        ) as bar:
            task = bar.add_task(say("purge", "purge"), total=None)
            proof = purge_journal(
                station.journal,
                station.profile,
                station.biller,
                lambda done, everything: bar.update(task, completed=done, total=everything),
            )
    if proof is None:
        console.print(say("Rien à purger.", "Nothing to purge."))
        return
    _tell(proof)
    if output is not None:
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(output / f"purge-{proof.number:06d}.json", proof.statement.encode())
        write_file(output / f"purge-{proof.number:06d}.p7s", proof.signature)


def _show(due: Due) -> None:
    for word, numbers, width in (
        (say("feuille", "sheet"), due.sheets, 9),
        (say("lot", "lot"), due.lots, 6),
    ):
        for number in numbers:
            console.print(f"{word} {number:0{width}d}", highlight=False)
    console.print(say("Partiraient : ", "Would go: ") + _counted(len(due.sheets), len(due.lots)), highlight=False)


def _tell(proof: Proof) -> None:
    counted = _counted(proof.count("sheets"), proof.count("lots"))
    told = say(
        f"Purgé : {counted} ; attestation n° {proof.number}, signée par le facturier",
        f"Purged: {counted}; statement no. {proof.number}, signed by the biller",
    )
    console.print(f"[bold green]✔[/] {told}", highlight=False)


def _counted(sheets: int, lots: int) -> str:
    return f"{say('feuilles', 'sheets')} {sheets}, lots {lots}"


def evidence(
    sheet: Annotated[int, typer.Argument(metavar="FEUILLE", min=1, max=999_999_999, help="numéro de la feuille")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DOSSIER.asice", help="fichier à écrire")],
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    whole_lots: Annotated[
        bool, typer.Option("--whole-lots", help="avec les lots entiers, donc les feuilles d'autres personnes")
    ] = False,
    lang: LanguageOption = "fr",
) -> None:
    """Écrit le dossier entier d'une feuille pour le contrôle médical : ASiC-E signé, vérifiable avec openssl."""
    del lang
    with Station.open(journal, profile, must_exist=True) as station:
        data = make_evidence(station.journal, sheet, station.biller, station.trust, whole_lots=whole_lots)
    write_file(output, data)
    console.print("[bold green]✔[/]", plain(str(output)), f"({len(data)} {say('octets', 'bytes')})", highlight=False)
    told = say("Ce qu'il contient et comment le vérifier : ", "What is in it and how to verify it (in French): ")
    console.print(told + f"unzip -p {output} LISEZ-MOI.txt", style="dim", highlight=False, markup=False, soft_wrap=True)


def evidence_check(
    file: Annotated[Path, typer.Argument(metavar="DOSSIER.asice", help="fichier fait par fse evidence")],
    trust: Annotated[
        Path | None, typer.Option("--trust", metavar="DOSSIER", help="magasin de confiance (défaut : le local)")
    ] = None,
    lang: LanguageOption = "fr",
) -> None:
    """Vérifie qu'un dossier de feuille est, au bit près, tel que le facturier l'a signé."""
    del lang
    store = read_trust(Home.local().trust if trust is None else trust)
    found = check_evidence(read_file(file, _MAX_EVIDENCE_BYTES), store)
    told = say(f"{len(found)} fichiers, tels que signés", f"{len(found)} files, as they were signed")
    console.print(f"[bold green]✔[/] {told}", highlight=False)
