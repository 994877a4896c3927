"""
The whole file of one sheet, for the medical control of the caisse (convention 2023-212, art. 17).

Everything that was signed, sent, answered and printed about one sheet, in one container that the biller signs and that
zip, openssl and xmllint can judge without us. Of the other sheets of a lot nothing is shown but number and digest.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

from fse.deadlines import PARIS
from fse.lifecycle import SheetEvent
from fse.seals import open_sheet
from gateway.errors import GatewayError
from gateway.evidence_container import pack
from gateway.evidence_parts import parts_of_acknowledgement, parts_of_lot, parts_of_sheet
from gateway.evidence_readme import readme
from gateway.journal.chain import Subject, chain_of
from gateway.journal.rows import PAPER, SHEET, to_json
from gateway.retention import proof_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fse.trust import TrustStore
    from gateway.journal import Journal, StoredSheet, Transaction
    from gateway.party import Party

__all__ = ["evidence"]


def evidence(journal: Journal, number: int, party: Party, trust: TrustStore, *, whole_lots: bool = False) -> bytes:
    """
    Return the evidence file of sheet ``number``, signed by the biller's ``party`` at the business time of the journal.

    ``whole_lots`` adds each lot as it was sent, with the sheets of other people in it. The same journal at the same
    time gives the same bytes. Raises :class:`gateway.errors.GatewayError`: SHEET-UNKNOWN, EVIDENCE-PURGED.
    """
    with journal.read() as tx:
        stored = tx.sheet(number)
        if stored is None:
            raise _absent(tx, number)
        files = {
            "consultation.json": stored.encounter.encode(),
            "situation.json": to_json(SHEET, stored.record).encode(),
            **_sheet_files(stored, trust.root_pem),
        }
        lots = sorted({int(one.detail) for one in tx.events(sheet=number) if one.name == SheetEvent.PUT_IN_LOT})
        for lot in lots:
            files |= _lot_files(tx, lot, whole=whole_lots)
        if lines := list(_returned(tx, number)):
            files["retours.jsonl"] = "".join(lines).encode()
        papers = tx.papers(sheet=number)
        for paper in papers:
            files[f"papiers/{paper.number:06d}.json"] = paper.document.encode()
            files[f"papiers/{paper.number:06d}-situation.json"] = to_json(PAPER, paper.record).encode()
        chains = [
            chain_of(Subject.SHEET, number),
            *(chain_of(Subject.LOT, lot) for lot in lots),
            *(chain_of(Subject.PAPER, paper.number) for paper in papers),
        ]
        files["evenements.jsonl"] = "".join(_lines(tx, chains)).encode()
        files["LISEZ-MOI.txt"] = readme(number, tx.now.astimezone(PARIS), sorted(files)).encode()
        return pack(files, party, tx.now)


def _absent(tx: Transaction, number: int) -> GatewayError:
    """Return why sheet ``number`` is not there: purged, or never known."""
    purged = [one for one in tx.events(sheet=number) if one.name == "purge"]
    if not purged:
        return GatewayError("SHEET-UNKNOWN", number=number)
    proof = proof_of(tx, purged[-1].id)
    on = purged[-1].at.astimezone(PARIS).date()
    return GatewayError("EVIDENCE-PURGED", number=number, on=on, statement="—" if proof is None else proof.number)


def _sheet_files(stored: StoredSheet, root: bytes) -> dict[str, bytes]:
    """Return the sheet's files; of one that was never sealed, what there is of it."""
    if stored.sealed is not None:
        return {"feuille.fse": stored.sealed, **parts_of_sheet(open_sheet(stored.sealed), root)}
    files = {"payload.xml": stored.payload, "ca.pem": root}
    if stored.patient_seal is not None:
        files["vitale.p7s"] = stored.patient_seal
    return files


def _lot_files(tx: Transaction, number: int, *, whole: bool) -> dict[str, bytes]:
    """Return the files of a lot: its signed list and the acknowledgements; none before it was signed."""
    stored = tx.lot(number)
    if stored is None or stored.signed is None:
        return {}
    folder = f"lots/{number:06d}"
    files = parts_of_lot(stored.signed, folder)
    if whole:
        files[f"{folder}/lot.lot"] = stored.signed
    for rank, (_, file) in enumerate(tx.acknowledgements(number), 1):
        files |= parts_of_acknowledgement(file, f"{folder}/accuse-{rank}")
    return files


def _returned(tx: Transaction, number: int) -> Iterator[str]:
    """
    Yield what the payment returns say of sheet ``number``, line by line, with the digest of the caisse's signed file.

    The file itself speaks of other people too and stays in the journal.
    """
    files = {one.number: one for one in tx.returns()}
    for line in tx.return_lines(sheet=number):
        of = files[line.return_number]
        said = line.values() | {
            "organism": of.organism,
            "file_number": of.file_number,
            "accounting_day": of.accounting_day.isoformat(),
            "sha256": sha256(of.file).hexdigest(),
        }
        yield json.dumps(said, sort_keys=True, ensure_ascii=False) + "\n"


def _lines(tx: Transaction, chains: Iterable[int]) -> Iterator[str]:
    """Yield each event of ``chains`` as one line of JSON, whole chain by whole chain, with its digest."""
    for chain in chains:
        for one in tx.chained_events(chain, chain):
            yield json.dumps(one.facts | {"digest": one.digest.hex()}, sort_keys=True, separators=(",", ":")) + "\n"
