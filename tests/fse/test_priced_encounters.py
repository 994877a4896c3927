"""Whole encounters, worked by hand: channel, price, rate, nature, part of the insurance and reason of each act."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fse.decision import decide, draw_up
from fse.encounter import read_encounter
from fse.identifiers import NirKind
from fse.routing import Outcome
from fse.sheet import Beneficiary, Cause, Illness
from fse.sheet_xml import read_sheet, write_sheet
from fse.situation import ChannelPolicy
from fse.tables import package_tables

HERE = Path(__file__).parent
EXAMPLE = json.loads((HERE.parents[1] / "examples" / "encounter.json").read_bytes())
CASES: list[dict[str, Any]] = tomllib.loads((HERE / "data" / "priced_encounters.toml").read_text(encoding="utf-8"))[
    "case"
]
WHO: dict[str, dict[str, Any]] = {
    "medecin": {},
    "pediatre": {"pediatrician": True},
    "sage-femme": {"rpps": "99700000021", "profession": "sage-femme"},
}


def person(case: dict[str, Any]) -> dict[str, Any]:
    """Return the patient of a case."""
    if "anonymous" in case:
        return {"kind": "anonymous", **case["anonymous"]}
    if "secret" in case:
        return {"kind": "secret", "birth_date": case["secret"]}
    patient: dict[str, Any] = json.loads(json.dumps(EXAMPLE["patient"]))
    patient["local_scheme"] = case.get("local_scheme", False)
    patient["organism"] = case.get("organism", patient["organism"])
    if "child" in case:
        patient["beneficiary"]["birth_date"] = case["child"]
    else:
        del patient["beneficiary"]
        patient["insured"]["birth_date"] = case["woman"]
    return patient


def encounter(case: dict[str, Any]) -> Any:  # noqa: ANN401 - an encounter
    """Return the encounter of a case."""
    facts = EXAMPLE | {
        "at": f"{case['on']}T10:00:00+01:00"
        if case["on"][5:7] in {"11", "12", "01", "02", "03"}
        else f"{case['on']}T10:00:00+02:00",
        "professional": EXAMPLE["professional"] | WHO[case.get("by", "medecin")],
        "patient": person(case),
        "acts": [{"code": act} if isinstance(act, str) else act for act in case["acts"]],
    }
    return read_encounter(json.dumps(facts | case.get("facts", {})).encode())


def outcome_of(case: dict[str, Any]) -> list[str]:
    """Return what the product says, in the words of the file, in the order of the acts."""
    policy = dict(case.get("policy", {}))
    if "excluded_acts" in policy:
        policy["excluded_acts"] = frozenset(policy["excluded_acts"])
    facts = encounter(case)
    told: dict[int, str] = {}
    for one in decide(facts, package_tables(), policy=ChannelPolicy(**policy)):
        for rank, act in enumerate(one.acts):
            index = next(i for i, own in enumerate(facts.acts) if own is act)
            if one.refusal is not None:
                told[index] = f"{act.code} {one.outcome} {one.refusal.rule.id}"
                continue
            if not one.priced:
                told[index] = f"{act.code} {one.outcome}"
                continue
            priced = one.priced[rank]
            assert priced.patient_cents == 0
            assert priced.cents == priced.amo_cents + priced.complement_cents
            why = next(found.name for found in priced.reasons if found.name not in {"tariff", "market"})
            last = [found.name for found in priced.reasons if found.name == "local-scheme"]
            told[index] = (
                f"{act.code} {one.outcome} {priced.cents} {priced.rate_percent} {priced.nature}"
                f" {priced.amo_cents} {last[0] if last else why}"
            )
    return [told[index] for index in sorted(told)]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_encounter_is_priced_as_worked_by_hand(case: dict[str, Any]) -> None:
    """Protects the money: each act of the file has the channel and the cents that were worked out beforehand."""
    assert outcome_of(case) == case["expect"], case["source"]


def test_the_file_is_large_and_covers_every_step() -> None:
    """Protects the file itself: at least sixty encounters; each code of the table; both sides of each step."""
    assert len(CASES) >= 60
    assert len({case["name"] for case in CASES}) == len(CASES)
    codes = {line.split()[0] for case in CASES for line in case["expect"]}
    assert codes >= {line.code for line in package_tables().acts.lines}
    days = {case["on"] for case in CASES}
    for step in ("2023-11-01", "2024-02-22", "2024-03-02", "2024-12-22", "2025-07-01"):
        before = date.fromordinal(date.fromisoformat(step).toordinal() - 1).isoformat()
        assert {step, before} <= days


def test_a_secret_contraception_travels_without_a_name() -> None:
    """Protects the minor: number …042, exact birth date, exemption 3, degraded for «secret»; it is written and read."""
    case = next(one for one in CASES if one["name"] == "contraception of a girl of sixteen, in secret")
    facts = encounter(case)
    (decision,) = decide(facts, package_tables(), policy=ChannelPolicy(minor_contraception=True))
    day = date(2025, 3, 4)
    sheet = draw_up(
        decision, facts, number=7, order=1, day=day, biller="629990011", specification="1.40",
        anonymous_organism="019990000",
    )  # fmt: skip
    assert (sheet.insured.full, sheet.insured.kind) == ("255555599904253", NirKind.MINOR_CONTRACEPTION)
    assert sheet.beneficiary == Beneficiary(birth_date=date(2008, 10, 10), birth_rank=1)
    assert (sheet.mode.cause, sheet.cover, sheet.organism) == (Cause.SECRET, Illness("3"), "019990000")
    assert read_sheet(write_sheet(sheet)) == sheet
    assert b"MODELE" in write_sheet(sheet)
    assert b"DUTEST" not in write_sheet(sheet)


def test_another_table_frees_what_is_held() -> None:
    """Protects VACC-06: once the market is registered, the same encounter has its form and its price."""
    case = next(one for one in CASES if one["name"] == "a vaccine outside the market")
    tables = package_tables()
    line = tables.vaccines.lines[0].model_copy(
        update={"cip": "3400930056202", "cents": 11584, "kind": "autre", "valid_to": None}
    )
    market = replace(tables.vaccines, lines=(*tables.vaccines.lines, line))
    (decision,) = decide(encounter(case), replace(tables, vaccines=market))
    assert (decision.outcome, decision.total_cents) == (Outcome.FORM_708, 11584)
    assert decision.priced[0].amo_cents == 7530  # 65 % of 115.84 = 75.296


def test_the_reasons_of_a_vaccine_by_hand() -> None:
    """Protects the explanation: 29.01 € of which market, 65 %, tiers payant; and the age of secrecy in a refusal."""
    case = next(one for one in CASES if one["name"] == "another vaccine at four years")
    (decision,) = decide(encounter(case), package_tables())
    assert [one.fr for one in decision.priced[0].reasons] == [
        "Prix négocié : 29,01 €, marché « Marché simulé 2025 ».",
        "Vaccin : 65 % du prix négocié.",
        "Tiers payant : rien n'est demandé au patient.",
    ]
    case = next(one for one in CASES if one["name"] == "the same, grown up")
    (decision,) = decide(encounter(case), package_tables(), policy=ChannelPolicy(minor_contraception=True))
    assert decision.refusal is not None
    assert (decision.refusal.facts["first"], decision.refusal.facts["last"]) == (15, 17)
