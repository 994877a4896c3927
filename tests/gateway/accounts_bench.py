"""A caisse with its accounts, fed through its own door with signed lots; its returns are opened as a biller would."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from fse.lot import sign_lot
from fse.noemie import Return, SheetReturn, verify_return
from gateway.clock import SimulatedClock
from gateway.envelopes import make_envelope, open_envelope
from gateway.routing_label import FileLabel
from gateway.simulator.accounts import Accounts
from gateway.simulator.bank import Bank
from gateway.simulator.caisse import Caisse
from gateway.simulator.faults import FaultPlan
from gateway.simulator.judgement import Files
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, party_of

if TYPE_CHECKING:
    from fse.lifecycle import PaperKind
    from fse.sheet import Sheet
    from fse.trust import TrustStore
    from gateway.simulator.faults import Fault

TODAY = build.TODAY
"""Tuesday 4 March 2025: the day of care, of the seals and of the reception, unless said otherwise."""

PAY_DAY = date(2025, 3, 24)
"""20 plain days later."""


@dataclass
class CaisseBench:
    """The Artois and its accounts; ``files`` is what it knows by itself."""

    files: Files = field(default_factory=Files)
    faults: tuple[Fault, ...] = ()
    trust: TrustStore = field(default_factory=build.trust)

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(build.NOW)
        billers = {build.BILLER: build.party(build.BILLER).certificate}
        self.caisse = Caisse(ARTOIS, party_of(build.party(ARTOIS)), self.trust, billers, self.clock)
        self.bank = Bank()
        self.accounts = Accounts(caisse=self.caisse, bank=self.bank, faults=FaultPlan(self.faults), files=self.files)
        self.lots = 0

    def send(self, *sheets: bytes | Sheet, mode: str = "securise", numbers: tuple[int, ...] = (), **lot: Any) -> None:  # noqa: ANN401 - fields of any type
        """Send one lot of ``sheets``, sealed now unless they are bytes; bytes have the ``numbers`` given."""
        self.lots += 1
        sealed = []
        known = list(numbers)
        for one in sheets:
            if not isinstance(one, bytes):
                known.append(one.number)
            sealed.append(one if isinstance(one, bytes) else build.seal(one).encode())
        manifest = build.example_lot(
            sealed, number=self.lots, file_number=self.lots, mode=mode, day=self.clock.now().date(), **lot
        )
        listed = tuple((number, found) for number, (_, found) in zip(known, manifest.sheets, strict=True))
        manifest = replace(manifest, sheets=listed)
        label = FileLabel(manifest.biller, ARTOIS, manifest.file_number, manifest.number, manifest.mode)
        data = sign_lot(manifest, sealed, build.signer(build.cps()), self.clock.now())
        self.caisse.receive(label, make_envelope(data, self.caisse.party.certificate))

    def close(self, day: date = PAY_DAY) -> bytes | None:
        """Close the accounting day at half past six; return the file for the biller, None when there is none."""
        self.clock.move_to(datetime.combine(day, time(17, 30), tzinfo=UTC))
        files = self.accounts.close_day(day)
        assert [biller for biller, _ in files] == [build.BILLER] * len(files)
        return files[0][1] if files else None

    def returned(self, day: date = PAY_DAY) -> Return:
        """Close the day; return what the biller reads in the one return of that day."""
        file = self.close(day)
        assert file is not None
        return verify_return(open_envelope(file, party_of(build.party(build.BILLER))), build.trust())

    def answer(self, day: date = PAY_DAY) -> SheetReturn:
        """Close the day; return its one line."""
        (line,) = self.returned(day).sheets
        return line

    def paper(self, kind: PaperKind, on: date = TODAY, number: int = 7, **content: Any) -> None:  # noqa: ANN401 - fields of any type
        """Give the caisse a paper."""
        self.accounts.receive_paper(kind, build.BILLER, number, on, **content)


def reasons(line: SheetReturn) -> list[tuple[int, str, str]]:
    """Return (place: 0 the sheet, else the act; code; detail) of every reason of a line."""
    whole = [(0, one.code, one.detail) for one in line.reasons]
    return whole + [(act.line, one.code, one.detail) for act in line.acts for one in act.reasons]
