"""Who may use the API: tokens, scopes, sites; what is not his does not exist for him."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.errors import GatewayError
from gateway.journal import tables
from gateway.tokens import list_tokens, make_token, revoke_token
from tests.gateway.api_bench import DOCTOR, ELSEWHERE, PIN, SITE, ApiBench, facts

GUARDED = {
    "submit": [("POST", "/v1/encounters"), ("POST", "/v1/numbers"), ("POST", "/v1/sheets")],
    "read": [
        ("GET", path)
        for path in (
            "/v1/sheets",
            "/v1/sheets/1",
            "/v1/sheets/1/timeline",
            "/v1/sheets/1/sealed",
            "/v1/agenda",
            "/v1/status",
            "/v1/returns",
            "/v1/documents",
            "/v1/documents/1",
            "/v1/documents/1/pdf",
            "/v1/lots",
            "/v1/lots/1",
            "/v1/lots/1/signed",
            "/v1/lots/1/acknowledgements",
            "/v1/lots/1/acknowledgements/1",
        )
    ],
    "sign": [
        ("POST", "/v1/signing-periods"),
        ("DELETE", f"/v1/signing-periods/{DOCTOR}"),
        ("POST", "/v1/dispatch"),
    ],
    "operate": [
        ("POST", "/v1/documents/1/events"),
        ("POST", "/v1/lots/1/release"),
        ("POST", "/v1/lots/1/requeue"),
    ],
    "metrics": [("GET", "/metrics")],
}
"""What each scope opens, written from the task and not from the code."""


def test_every_address_wants_its_scope_and_no_other_opens_it(api: ApiBench) -> None:
    """401 without a token or with a wrong one, 403 with every scope but the right one, for every guarded address."""
    nobody, wrong = api.nobody(), api.client(token="A" * 43)
    for scope, addresses in GUARDED.items():
        others = api.client(*(set(GUARDED) - {scope}))
        for method, path in addresses:
            for client in (nobody, wrong):
                answer = client.request(method, path)
                assert (answer.status_code, answer.json()["rule"]) == (401, "API-TOKEN"), path
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            answer = others.request(method, path)
            assert (answer.status_code, answer.json()["rule"]) == (403, "API-SCOPE"), path


def test_the_table_above_leaves_no_address_out(api: ApiBench) -> None:
    """A new address is guarded or public on purpose: only health and readiness answer to anybody."""
    described = {
        (method.upper(), path)
        for path, operations in api.nobody().get("/v1/openapi.json").json()["paths"].items()
        for method in operations
    }
    guarded = {
        (method, path.replace("/1", "/{number}", 1).replace("/1", "/{rank}").replace(DOCTOR, "{rpps}"))
        for addresses in GUARDED.values()
        for method, path in addresses
    }
    assert described - guarded == {("GET", "/health"), ("GET", "/ready")}
    assert guarded <= described


def test_a_token_ends_with_its_days_and_with_its_revocation(api: ApiBench) -> None:
    """A token that is over, or was revoked, opens nothing from that moment on."""
    client = api.client("read")
    assert client.get("/v1/sheets").status_code == 200
    api.clock.advance(timedelta(days=1))
    assert client.get("/v1/sheets").status_code == 401
    second = api.client("read")
    revoke_token(api.station.journal, "client-1")
    assert second.get("/v1/sheets").status_code == 401
    assert [(one.name, one.revoked) for one in list_tokens(api.station.journal)] == [
        ("client-0", False),
        ("client-1", True),
    ]


def test_the_journal_holds_no_secret(api: ApiBench) -> None:
    """Whoever reads the database cannot use the API: only the SHA-256 is there, and events show less than that."""
    secret = api.token("read")
    with api.station.journal.read() as tx:
        (row,) = tx.select(select(tables.tokens))
        events = [(event.name, event.detail) for event in tx.events()]
    assert secret not in str(row)
    assert len(row.digest) == 64
    assert ("token_made", row.digest[:12]) in events


@pytest.mark.parametrize(
    ("name", "scope", "site", "rule"),
    [
        ("Jean Dupont", "read", SITE, "TOKEN-NAME"),
        ("client-0", "read", SITE, "TOKEN-TAKEN"),
        ("other", "everything", SITE, "TOKEN-SCOPE"),
        ("other", "read", "750000001", "SUBMIT-SITE"),
    ],
)
def test_a_token_that_cannot_be_made_says_why(api: ApiBench, name: str, scope: str, site: str, rule: str) -> None:
    """A name is a software's and serves once; scopes and sites are known ones."""
    api.token("read")
    with pytest.raises(GatewayError) as refusal:
        make_token(api.station.journal, api.station.profile, name, [scope], [site], 1)
    assert refusal.value.rule.id == rule


def test_a_token_that_is_not_there_cannot_be_revoked(api: ApiBench) -> None:
    """TOKEN-UNKNOWN: a typing error never looks like a revocation."""
    with pytest.raises(GatewayError) as refusal:
        revoke_token(api.station.journal, "nobody")
    assert refusal.value.rule.id == "TOKEN-UNKNOWN"


def test_another_sites_things_do_not_exist(api: ApiBench) -> None:
    """A token of one site gets 404 for a sheet, lot and paper of another, and lists none of them."""
    api.open_period()
    chief = api.client()
    assert chief.post("/v1/encounters", json=facts(vitale="absent")).json()[0]["outcome"] == "degraded"
    assert chief.post("/v1/dispatch", json={"rpps": DOCTOR}).json() == {"lots": [1]}
    here, there = api.client(sites=(SITE,)), api.client(sites=(ELSEWHERE,))
    for path in ("/v1/sheets", "/v1/lots", "/v1/documents"):
        assert [one["number"] for one in here.get(path).json()] == [1], path
        assert there.get(path).json() == [], path
        assert (here.get(f"{path}/1").status_code, there.get(f"{path}/1").status_code) == (200, 404), path
    assert there.get("/v1/returns").json()["acknowledgements"] == []
    for path in ("sheets/1/sealed", "sheets/1/timeline", "documents/1/pdf", "lots/1/signed", "lots/1/acknowledgements"):
        assert there.get(f"/v1/{path}").json()["rule"] == there.get(f"/v1/{path.replace('1', '9')}").json()["rule"]
        assert there.get(f"/v1/{path}").status_code == 404
    assert there.post("/v1/documents/1/events", json={"event": "print"}).status_code == 404


def test_a_lot_of_several_sites_belongs_to_nobody_of_one(api: ApiBench) -> None:
    """Whoever sees one site sees the lot and his sheets in it; its file and its release need all of its sites."""
    api.open_period()
    chief = api.client()
    for reference in ("V1", "V2"):
        chief.post("/v1/encounters", json=facts(reference))
    with closing(sqlite3.connect(api.station.journal.name)) as connection, connection:
        # the doctor of the wallet signs at one site only: the second sheet is moved
        connection.execute("UPDATE sheets SET site = ? WHERE number = 2", (ELSEWHERE,))
    chief.post("/v1/dispatch", json={"rpps": DOCTOR})
    one = api.client(sites=(SITE,))
    assert one.get("/v1/lots/1").json()["sheets"] == [1]
    assert one.get("/v1/lots/1/signed").json()["rule"] == "API-SITE"
    assert one.post("/v1/lots/1/release").json()["rule"] == "API-SITE"


def test_nobody_submits_for_another_site(api: ApiBench) -> None:
    """403 API-SITE: a site's software brings in its own encounters, numbers and sheets only."""
    client = api.client("submit", sites=(ELSEWHERE,))
    requests = {
        "/v1/encounters": facts(),
        "/v1/numbers": {"site": SITE, "count": 1},
        "/v1/sheets": {"reference": "V1", "encounter": facts(), "sealed": "RlNF"},
    }
    for path, sent in requests.items():
        answer = client.post(path, json=sent)
        assert (answer.status_code, answer.json()["rule"]) == (403, "API-SITE"), path


def test_neither_pin_nor_token_nor_nir_reaches_the_log(api: ApiBench) -> None:
    """The log of a whole run, refusals included, holds no PIN, no token, no NIR."""
    client = api.client()
    secret = client.headers["Authorization"].removeprefix("Bearer ")
    wrong = "8642"
    client.post("/v1/signing-periods", json={"rpps": DOCTOR, "pin": wrong})
    client.post("/v1/signing-periods", json={"rpps": DOCTOR, "pin": PIN})
    nir = facts()["patient"]["insured"]["nir"]
    client.post("/v1/encounters", json=facts())
    client.get(f"/v1/{nir}")
    client.get("/v1/sheets", params={"site": nir})
    logged = api.logged.getvalue()
    assert [line["status"] for line in api.lines() if line["event"] == "request"] == [403, 201, 200, 404, 422]
    assert not [one for one in (wrong, secret, nir, nir[:13], f'"{PIN}"') if one in logged]
