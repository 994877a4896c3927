"""What the API shows and what a person does through it: sheets, papers, lots, answers, signing periods, health."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fse.arl import verify_arl
from fse.lot import open_lot
from fse.seals import verify_sheet
from gateway.contracts import ContractedTransport
from gateway.home import Home
from gateway.journal import ReturnLine, StoredReturn
from gateway.transport import Sending
from tests.gateway.api_bench import DOCTOR, ELSEWHERE, PIN, SITE, ApiBench, facts
from tests.gateway.bench import ARTOIS

if TYPE_CHECKING:
    import httpx

    from gateway.routing_label import FileLabel


@pytest.fixture
def client(api: ApiBench) -> httpx.Client:
    """Return a client with every scope; two sheets stand in the journal, 1 secured and 2 degraded with its twin."""
    api.open_period()
    found = api.client()
    for reference, vitale in (("V1", "present"), ("V2", "absent")):
        assert found.post("/v1/encounters", json=facts(reference, vitale=vitale)).status_code == 200
    return found


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return status and rule of a refusal."""
    return answer.status_code, answer.json()["rule"]


def send(client: httpx.Client) -> list[int]:
    """Have the doctor's card sign what waits, and everything sent; return the lots."""
    answer = client.post("/v1/dispatch", json={"rpps": DOCTOR})
    assert answer.status_code == 200
    found: list[int] = answer.json()["lots"]
    return found


# ------------------------------------------------------------------------------------------------------ sheets


def test_sheets_are_listed_by_state_site_and_page(client: httpx.Client) -> None:
    """Filters narrow, pages follow each other by number."""

    def numbers(**asked: str | int) -> list[int]:
        return [one["number"] for one in client.get("/v1/sheets", params=asked).json()]

    assert numbers() == [1, 2]
    assert (numbers(limit=1), numbers(after=1), numbers(after=2)) == ([1], [2], [])
    assert (numbers(state="queued"), numbers(state="sent")) == ([1, 2], [])
    assert (numbers(site=SITE), numbers(site=ELSEWHERE)) == ([1, 2], [])


def test_a_sheet_says_where_it_stands_and_names_nobody(client: httpx.Client) -> None:
    """State, deadline and next step in both languages; no name, no NIR anywhere in it."""
    answer = client.get("/v1/sheets/1")
    found = answer.json()
    assert (found["state"], found["record"]["deadline"], found["mode"]) == ("queued", "2025-03-14", "securise")
    assert sorted(found["next"]["messages"]) == ["en", "fr"]
    assert not [one for one in ("DUTEST", "MODELE", "1850362041999") if one in answer.text]
    assert refusal(client.get("/v1/sheets/3")) == (404, "SHEET-UNKNOWN")


def test_the_sealed_sheet_is_given_as_it_was_signed(api: ApiBench, client: httpx.Client) -> None:
    """The bytes verify against the trust store, both seals."""
    answer = client.get("/v1/sheets/1/sealed")
    assert answer.headers["content-type"] == "application/octet-stream"
    verified = verify_sheet(answer.content, api.station.trust, api.clock.now())
    assert (verified.sheet.number, verified.patient is not None) == (1, True)
    api.signing.close()
    assert refusal(client.get("/v1/sheets/9/sealed")) == (404, "SHEET-UNKNOWN")


def test_the_timeline_tells_the_life_in_order(client: httpx.Client) -> None:
    """From the reserved number to the acknowledgement."""
    send(client)
    names = [one["name"] for one in client.get("/v1/sheets/1/timeline").json()["moments"]]
    assert names[:4] == ["reserve", "patient_sign", "seal", "queue"]
    assert names[-1] == "acknowledge_positive"
    assert refusal(client.get("/v1/sheets/9/timeline")) == (404, "SHEET-UNKNOWN")


def test_agenda_and_status_speak_of_the_sites_of_the_token(api: ApiBench, client: httpx.Client) -> None:
    """What is expected and counted is what the token's sites have; another site's is empty."""
    elsewhere = api.client("read", sites=(ELSEWHERE,))

    def lines(asking: httpx.Client) -> int:
        agenda = asking.get("/v1/agenda").json()
        return sum(len(agenda[part]) for part in ("overdue", "today", "tomorrow", "later"))

    assert (lines(client), lines(elsewhere)) == (3, 0)  # two sheets and a twin to print
    assert client.get("/v1/status").json()["sheets"] == {"queued": 2}
    assert elsewhere.get("/v1/status").json()["sheets"] == {}


# --------------------------------------------------------------------------------------------- lots and answers


def test_lots_and_what_was_answered(api: ApiBench, client: httpx.Client) -> None:
    """Two lots leave (one mode each), the caisse answers; the files are the signed ones, byte for byte."""
    assert send(client) == [1, 2]
    lots = client.get("/v1/lots").json()
    assert [(lot["number"], lot["state"], lot["sheets"]) for lot in lots] == [
        (1, "positive", [2]),
        (2, "positive", [1]),
    ]
    assert [lot["number"] for lot in client.get("/v1/lots", params={"after": 1}).json()] == [2]
    assert client.get("/v1/lots", params={"state": "refused"}).json() == []
    assert open_lot(client.get("/v1/lots/1/signed").content).lot.number == 1
    assert client.get("/v1/lots/1/acknowledgements").json() == [{"rank": 1, "result": "positif"}]
    arl = verify_arl(client.get("/v1/lots/1/acknowledgements/1").content, api.station.trust)
    assert (arl.lot_number, arl.sheets) == (1, 1)
    assert refusal(client.get("/v1/lots/1/acknowledgements/2")) == (404, "API-NO-FILE")
    returns = client.get("/v1/returns").json()
    assert [(one["lot"], one["result"]) for one in returns["acknowledgements"]] == [(1, "positif"), (2, "positif")]
    assert returns["payments"] == []
    for path in ("lots/9", "lots/9/signed", "lots/9/acknowledgements"):
        assert refusal(client.get(f"/v1/{path}")) == (404, "LOT-UNKNOWN")


def test_a_lot_that_is_not_signed_has_no_file(api: ApiBench, client: httpx.Client) -> None:
    """404 API-NO-FILE until somebody signs it."""
    api.station.gateway.lots.close()
    assert refusal(client.get("/v1/lots/1/signed")) == (404, "API-NO-FILE")


def test_a_held_lot_is_released_and_only_such_a_one(api: ApiBench, client: httpx.Client) -> None:
    """A lot that the concentrator refuses for good waits for a person; release lets it go, once."""
    transport = api.station.gateway.dispatch.transport
    assert isinstance(transport, ContractedTransport)

    def refuse(_label: FileLabel, _envelope: bytes, _attempt: int) -> tuple[Sending, str]:
        return Sending.REFUSED, "HTTP 403"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport.transport, "send", refuse)
        send(client)
    assert client.get("/v1/lots/1").json()["hold"] == "HTTP 403"
    assert client.post("/v1/lots/1/release").json()["hold"] == ""
    assert refusal(client.post("/v1/lots/1/release")) == (409, "LOT-NOT-HELD")
    assert refusal(client.post("/v1/lots/9/release")) == (404, "LOT-UNKNOWN")


def test_a_refused_lot_gives_its_sheets_back(api: ApiBench, client: httpx.Client) -> None:
    """The sheets of a lot that its caisse refuses travel again in a new one; any other lot keeps its own."""
    api.station.gateway.lots.close()
    assert refusal(client.post("/v1/lots/1/requeue", json={})) == (409, "LIFE-NO-ROW")
    assert refusal(client.post("/v1/lots/9/requeue", json={})) == (404, "LOT-UNKNOWN")
    with pytest.MonkeyPatch.context() as patch:  # a caisse that finds every lot to be somebody else's
        patch.setattr("gateway.simulator.caisse.Caisse._refusal_of_signer", lambda *_: "ARL-CAISSE")
        send(client)
    assert client.get("/v1/lots/1").json()["state"] == "refused"
    answer = client.post("/v1/lots/1/requeue", json={})
    assert (answer.status_code, answer.json()["state"]) == (200, "abandoned")
    assert client.get("/v1/sheets/2").json()["state"] == "queued"
    assert send(client) == [3]


# ---------------------------------------------------------------------------------------------------- documents


def test_a_paper_is_shown_printed_and_posted(client: httpx.Client) -> None:
    """The twin of the degraded sheet: what it says, its PDF, its steps, and what cannot be done."""
    (paper,) = client.get("/v1/documents", params={"sheet": 2, "state": "to_print"}).json()
    assert (paper["kind"], paper["sheet"], paper["site"]) == ("twin", 2, SITE)
    assert client.get("/v1/documents", params={"sheet": 1}).json() == []
    assert client.get("/v1/documents/1").json()["document"]["form"] == "twin"
    if find_spec("typst") is not None:
        assert client.get("/v1/documents/1/pdf").content.startswith(b"%PDF-")
    assert client.post("/v1/documents/1/events", json={"event": "print"}).json()["state"] == "printed"
    assert client.post("/v1/documents/1/events", json={"event": "post"}).json()["state"] == "posted"
    assert refusal(client.post("/v1/documents/1/events", json={"event": "print"})) == (409, "LIFE-NO-ROW")
    assert refusal(client.post("/v1/documents/1/events", json={"event": "burn"})) == (422, "API-BODY")
    for path in ("documents/9", "documents/9/pdf"):
        assert refusal(client.get(f"/v1/{path}")) == (404, "PAPER-UNKNOWN")
    assert refusal(client.post("/v1/documents/9/events", json={"event": "print"})) == (404, "PAPER-UNKNOWN")


def test_a_paper_is_voided_for_a_reason(client: httpx.Client) -> None:
    """A void without a reason explains no gap: 422 LIFE-DETAIL."""
    assert refusal(client.post("/v1/documents/1/events", json={"event": "void"})) == (422, "LIFE-DETAIL")
    answer = client.post("/v1/documents/1/events", json={"event": "void", "reason": "feuille abîmée"})
    assert answer.json()["record"]["reason"] == "feuille abîmée"


# ---------------------------------------------------------------------------------------------- signing periods


def test_a_period_is_bounded_in_time_and_in_lots(api: ApiBench) -> None:
    """After its minutes, or its lots, nothing is sealed or signed any more, and the card is given back."""
    client = api.client()
    opened = client.post("/v1/signing-periods", json={"rpps": DOCTOR, "pin": PIN, "minutes": 5, "signatures": 1})
    assert (opened.status_code, opened.json()["until"]) == (201, "2025-03-04T10:05:00Z")
    for reference, vitale in (("V1", "present"), ("V2", "absent")):
        client.post("/v1/encounters", json=facts(reference, vitale=vitale))
    assert send(client) == [1]  # the second lot waits for another period
    assert refusal(client.post("/v1/dispatch", json={"rpps": DOCTOR})) == (409, "API-PERIOD")
    client.post("/v1/signing-periods", json={"rpps": DOCTOR, "pin": PIN, "minutes": 5})
    api.clock.advance(timedelta(minutes=5, seconds=1))
    assert refusal(client.post("/v1/encounters", json=facts("V3"))) == (409, "SUBMIT-CPS")
    assert refusal(client.delete(f"/v1/signing-periods/{DOCTOR}")) == (409, "API-PERIOD")


def test_a_period_is_opened_once_and_closed(api: ApiBench) -> None:
    """One card, one period; once closed nothing is signed; a card that is not here cannot be opened."""
    client, body = api.client(), {"rpps": DOCTOR, "pin": PIN}
    assert client.post("/v1/signing-periods", json=body).status_code == 201
    assert refusal(client.post("/v1/signing-periods", json=body)) == (409, "API-PERIOD-OPEN")
    assert client.delete(f"/v1/signing-periods/{DOCTOR}").status_code == 204
    assert refusal(client.post("/v1/dispatch", json={"rpps": DOCTOR})) == (409, "API-PERIOD")
    stranger = {"rpps": "99700000047", "pin": PIN}
    assert refusal(client.post("/v1/signing-periods", json=stranger)) == (404, "API-CARD")


def test_a_card_that_may_not_sign_lots_opens_no_period(api: ApiBench) -> None:
    """403 SIGNING-ENTITLEMENT, and the card is given back: the same card may be tried again at once."""
    body = {"rpps": "99700000039", "pin": PIN}
    for _ in range(2):
        assert refusal(api.client().post("/v1/signing-periods", json=body)) == (403, "SIGNING-ENTITLEMENT")


def test_a_wrong_pin_is_counted_by_the_card(api: ApiBench) -> None:
    """403 with the tries left, kept in the card's file; a right one restores them; the answer never shows a PIN."""
    client, path = api.client("sign"), Home.local().cps(DOCTOR)
    answer = client.post("/v1/signing-periods", json={"rpps": DOCTOR, "pin": "8642"})
    assert refusal(answer) == (403, "CARD-PIN-WRONG")
    assert "8642" not in answer.text
    assert '"tries_left": 2' in path.read_text(encoding="utf-8")
    malformed = client.post("/v1/signing-periods", json={"rpps": DOCTOR, "pin": "86421"})
    assert refusal(malformed) == (422, "API-BODY")
    assert "8642" not in malformed.text
    assert client.post("/v1/signing-periods", json={"rpps": DOCTOR, "pin": PIN}).status_code == 201
    api.signing.close()
    assert '"tries_left": 3' in path.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------- health


def test_health_readiness_and_measures(api: ApiBench, client: httpx.Client) -> None:
    """The process lives without its journal; it is not ready without it; measures are Prometheus text."""
    nobody = api.nobody()
    assert (nobody.get("/health").json(), nobody.get("/ready").json()) == ({"status": "ok"}, {"status": "ready"})
    measures = client.get("/metrics")
    assert measures.headers["content-type"].startswith("text/plain")
    assert 'fse_sheets{state="queued"} 2.0' in measures.text
    api.station.journal.close()
    journal = Path(api.station.journal.name)
    journal.rename(journal.with_suffix(".away"))
    journal.mkdir()  # nothing that could be opened
    answer = nobody.get("/ready")
    assert refusal(answer) == (503, "JOURNAL-USE")
    assert answer.headers["Retry-After"] == "5"
    assert nobody.get("/health").status_code == 200


def test_what_was_paid_is_read_line_by_line(api: ApiBench, client: httpx.Client) -> None:
    """A return of the caisse for one sheet of ours and one of nobody: both lines; a token of another site sees none."""
    send(client)
    journal = api.station.journal
    with journal.write() as tx:
        kept = StoredReturn(tx.take_number("return"), ARTOIS, 1, date(2025, 3, 28), "VIR0001", 7000, b"signed")
        lines = [
            ReturnLine(kept.number, 1, "secured", 1, 0, "paid", 3500, 3500),
            ReturnLine(kept.number, 2, "secured", 9, 0, "paid", 3500, 3500, mismatch="MATCH-UNKNOWN"),
        ]
        tx.keep_return(kept, lines)
    payments = client.get("/v1/returns").json()["payments"]
    assert [(one["sheet"], one["paid_cents"], one["mismatch"], one["accounting_day"]) for one in payments] == [
        (1, 3500, "", "2025-03-28"),
        (9, 3500, "MATCH-UNKNOWN", "2025-03-28"),
    ]
    assert client.get("/v1/returns", params={"after_return": 1}).json()["payments"] == []
    mine = {"Authorization": f"Bearer {api.token('read', sites=(SITE,))}"}
    assert [one["sheet"] for one in client.get("/v1/returns", headers=mine).json()["payments"]] == [1]
    theirs = {"Authorization": f"Bearer {api.token('read', sites=(ELSEWHERE,))}"}
    assert client.get("/v1/returns", headers=theirs).json()["payments"] == []
