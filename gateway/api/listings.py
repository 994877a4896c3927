"""
What the API reads of the journal: columns and records, never the bytes or the people of a sheet.

A token of some sites sees what stands in one of them; of anything else it is told that it does not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from fse.lifecycle import LOTS, PAPERS, SHEETS
from gateway.api.models import LotView, NextStep, PaperView, PaymentView, ReturnView, SheetView
from gateway.errors import GatewayError
from gateway.journal import tables
from gateway.journal.rows import LOT, PAPER, SHEET, instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select

    from fse.lifecycle import NextAction
    from gateway.journal import Journal, Transaction
    from gateway.profile import ServiceProfile
    from gateway.tokens import Token

__all__ = ["Listings"]

_sheets, _lots, _papers, _answers = tables.sheets, tables.lots, tables.papers, tables.acknowledgements
_returns, _lines = tables.returns, tables.return_lines
_LINE_COLUMNS = (
    "sheet",
    "act",
    "outcome",
    "requested_cents",
    "paid_cents",
    "code",
    "detail",
    "mismatch",
)
_PAPER_SITE = func.coalesce(func.nullif(_papers.c.site, ""), _sheets.c.site, "").label("site")
"""Papers made before they had a site of their own have that of their sheet."""
_LOT_COLUMNS = tuple(
    _lots.c[name] for name in ("number", "file_number", "organism", "mode", "record", "hold", "not_before")
)


class Listings:
    """The journal as ``token`` may see it at ``now``."""

    def __init__(self, journal: Journal, profile: ServiceProfile, now: datetime, token: Token) -> None:
        self._journal = journal
        self._policy = profile.policy
        self._now = now
        self._token = token

    # ----------------------------------------------------------------------------------------------------- sheets

    def sheets(self, *, state: str | None, site: str | None, after: int, limit: int) -> list[SheetView]:
        """Return the sheets numbered after ``after``, at most ``limit``, by number."""
        query = _of_sheets().where(_sheets.c.number > after).order_by(_sheets.c.number).limit(limit)
        if state is not None:
            query = query.where(_sheets.c.state == state)
        if site is not None:
            query = query.where(_sheets.c.site == site)
        if self._token.sites:
            query = query.where(_sheets.c.site.in_(sorted(self._token.sites)))
        with self._journal.read() as tx:
            return [self._sheet(row) for row in tx.select(query)]

    def sheet(self, number: int) -> SheetView:
        """Return one sheet; raises :class:`gateway.errors.GatewayError` (SHEET-UNKNOWN)."""
        with self._journal.read() as tx:
            rows = tx.select(_of_sheets().where(_sheets.c.number == number))
        if not rows or not self._token.covers(rows[0].site):
            raise GatewayError("SHEET-UNKNOWN", number=number)
        return self._sheet(rows[0])

    def _sheet(self, row: Row[Any]) -> SheetView:
        record = SHEET.validate_json(row.record)
        step = _step(SHEETS.next_action(record, self._now, self._policy))
        return SheetView(
            number=row.number,
            reference=row.reference,
            part=row.part,
            site=row.site,
            organism=row.organism,
            mode=row.mode,
            state=record.state,
            record=record,
            next=step,
        )

    # ------------------------------------------------------------------------------------------------------- lots

    def lots(self, *, state: str | None, after: int, limit: int) -> list[LotView]:
        """Return the lots numbered after ``after``, at most ``limit``, by number."""
        query = select(*_LOT_COLUMNS).where(_lots.c.number > after).order_by(_lots.c.number).limit(limit)
        if state is not None:
            query = query.where(_lots.c.state == state)
        if self._token.sites:
            here = (_sheets.c.lot == _lots.c.number) & _sheets.c.site.in_(sorted(self._token.sites))
            query = query.where(exists().where(here))
        with self._journal.read() as tx:
            return [self._lot(row, _members(tx, row.number)) for row in tx.select(query)]

    def lot(self, number: int) -> tuple[LotView, frozenset[str]]:
        """Return one lot and every site it touches; raises :class:`gateway.errors.GatewayError` (LOT-UNKNOWN)."""
        with self._journal.read() as tx:
            rows = tx.select(select(*_LOT_COLUMNS).where(_lots.c.number == number))
            members = _members(tx, number)
        sites = frozenset(row.site for row in members)
        if not rows or (self._token.sites and not sites & self._token.sites):
            raise GatewayError("LOT-UNKNOWN", number=number)
        return self._lot(rows[0], members), sites

    def _lot(self, row: Row[Any], members: Sequence[Row[Any]]) -> LotView:
        record = LOT.validate_json(row.record)
        return LotView(
            number=row.number,
            file_number=row.file_number,
            organism=row.organism,
            mode=row.mode,
            state=record.state,
            record=record,
            hold=row.hold,
            not_before=instant(row.not_before) if row.not_before else None,
            sheets=tuple(one.number for one in members if self._token.covers(one.site)),
            next=_step(LOTS.next_action(record, self._now, self._policy)),
        )

    def returns(self, *, after: int, limit: int) -> list[ReturnView]:
        """Return what the caisses answered, after the answer ``after``, at most ``limit``, oldest first."""
        query = select(_answers.c.id, _answers.c.at, _answers.c.lot, _answers.c.result).where(_answers.c.id > after)
        if self._token.sites:
            here = (_sheets.c.lot == _answers.c.lot) & _sheets.c.site.in_(sorted(self._token.sites))
            query = query.where(exists().where(here))
        with self._journal.read() as tx:
            rows = tx.select(query.order_by(_answers.c.id).limit(limit))
        return [ReturnView(number=row.id, at=instant(row.at), lot=row.lot, result=row.result) for row in rows]

    def payments(self, *, after: int, limit: int) -> list[PaymentView]:
        """Return the lines of at most ``limit`` payment returns, whole, after the return ``after``, oldest first."""
        some = select(_returns.c.number).where(_returns.c.number > after).order_by(_returns.c.number).limit(limit)
        query = (
            select(
                _lines.c.return_number.label("payment_return"),
                *(_returns.c[name] for name in ("organism", "accounting_day", "reference")),
                *(_lines.c[name] for name in _LINE_COLUMNS),
            )
            .join(_returns, _returns.c.number == _lines.c.return_number)
            .where(_lines.c.return_number.in_(some))
            .order_by(_lines.c.return_number, _lines.c.rank)
        )
        if self._token.sites:
            here = (_sheets.c.number == _lines.c.sheet) & _sheets.c.site.in_(sorted(self._token.sites))
            query = query.where(exists().where(here))
        with self._journal.read() as tx:
            rows = tx.select(query)
        return [PaymentView.model_validate(row, from_attributes=True) for row in rows]

    # ----------------------------------------------------------------------------------------------------- papers

    def papers(self, *, state: str | None, sheet: int | None, after: int, limit: int) -> list[PaperView]:
        """Return the papers numbered after ``after``, at most ``limit``, by number."""
        query = _of_papers().where(_papers.c.number > after).order_by(_papers.c.number).limit(limit)
        if state is not None:
            query = query.where(_papers.c.state == state)
        if sheet is not None:
            query = query.where(_papers.c.sheet == sheet)
        if self._token.sites:
            query = query.where(_PAPER_SITE.in_(sorted(self._token.sites)))
        with self._journal.read() as tx:
            return [self._paper(row) for row in tx.select(query)]

    def paper(self, number: int) -> PaperView:
        """Return one paper; raises :class:`gateway.errors.GatewayError` (PAPER-UNKNOWN)."""
        with self._journal.read() as tx:
            rows = tx.select(_of_papers().where(_papers.c.number == number))
        if not rows or not self._token.covers(rows[0].site):
            raise GatewayError("PAPER-UNKNOWN", number=number)
        return self._paper(rows[0])

    def _paper(self, row: Row[Any]) -> PaperView:
        record = PAPER.validate_json(row.record)
        return PaperView(
            number=row.number,
            kind=record.kind,
            reference=row.reference,
            part=row.part,
            sheet=row.sheet,
            site=row.site,
            state=record.state,
            record=record,
            next=_step(PAPERS.next_action(record, self._now, self._policy)),
        )


def _of_sheets() -> Select[Any]:
    names = ("number", "reference", "part", "site", "organism", "mode", "record")
    return select(*(_sheets.c[name] for name in names))


def _of_papers() -> Select[Any]:
    columns = (_papers.c[name] for name in ("number", "reference", "part", "sheet", "record"))
    return select(*columns, _PAPER_SITE).outerjoin(_sheets, _sheets.c.number == _papers.c.sheet)


def _members(tx: Transaction, lot: int) -> Sequence[Row[Any]]:
    return tx.select(select(_sheets.c.number, _sheets.c.site).where(_sheets.c.lot == lot).order_by(_sheets.c.number))


def _step(action: NextAction) -> NextStep:
    return NextStep(code=action.code, by=action.by, messages={"fr": action.text("fr"), "en": action.text("en")})
