"""A person asks what is held about them: every service tells all of it, and nothing of anybody else."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from ops.access_request import pour_out, take_home
from ops.demo_year import script
from ops.demo_year.people import Household, moment
from ops.demo_year.script import Journey
from ops.identity.client import request_token
from ops.settings import CannotStart, OpsSettings
from ops.system import development_secret
from services.counselling.domain.identity import RecordIdentity
from services.counselling.domain.identity_parts import Contact, OtherName
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.actors import Role
from shared.aggregate import IN_CLEAR
from shared.held import KERNEL_UNTOLD
from shared.ids import uuid7
from shared.topology import SERVICES
from tests.e2e.conftest import Mission
from tests.e2e.test_main_line import Line, mother_and_child
from tests.e2e.test_policy_matrix import Ground, ask, ground
from tests.unit.shared.files.examples import png
from tests.unit.shared.test_held_tables import wiring_of

NAMES = [service.name for service in SERVICES]
KEEPER = "data-protection"
IDENTITY = RecordIdentity(
    family_name="Canary-Yilmaz", given_names="Canary-Ayşe", given_names_own_script="عائشة",
    other_names=(OtherName(other_name="Canary-Umm Ali"),), birth_date="1990-05-02", languages=("tur", "ara"),
    contacts=(Contact(kind="phone", contact="+387 61 000 111", safe=True),),
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A mother of whom all services know something, and what each tells her."""

    at: Ground
    held: Mapping[str, dict[str, Any]]
    correlation: str


async def held_by(mission: Mission, service: str, person_id: UUID, **headers: str) -> httpx.Response:
    return await mission.raw("GET", service, f"/v1/persons/{person_id}/held", KEEPER, **headers)


@pytest.fixture(scope="module")
async def asked(mission: Mission) -> Asked:
    at = await ground(mission, "TR", 43)
    await mission.done("counselling", "coordinator", at.mother, IDENTITY, moment(47, 9))
    office = await mission.tokens.token("receiving-office-tr")
    path = f"/v1/grants/{at.grant_id}/evidence/{at.evidence_id}?kind=quotation"
    assert (await ask(mission, "reintegration", "PUT", path, office, png())).status_code == 200
    # Somebody reads, and somebody may not.
    assert (await mission.read("returns", "coordinator", f"/v1/cases/{at.case_id}")).status_code == 200
    assert (await mission.read("counselling", "receiving-office-tr", f"/v1/persons/{at.mother}")).status_code == 403
    await mission.caller.drained()
    correlation = str(uuid7())
    found = {}
    for service in NAMES:
        answer = await held_by(mission, service, at.mother, X_Correlation_Id=correlation)
        assert answer.status_code == 200, answer.text
        found[service] = answer.json()
    return Asked(at, found, correlation)


async def rows_about(mission: Mission, service: str, table: str, ids: set[str]) -> list[dict[str, Any]]:
    """The rows of a table in which one of these ids stands, whoever asks."""
    server = mission.running.postgres
    connection = await asyncpg.connect(server.url_for(service, server.user, server.password))
    try:
        rows = await connection.fetch(f"SELECT to_jsonb(t)::text AS body FROM {table} t")
    finally:
        await connection.close()
    return [json.loads(row["body"]) for row in rows if any(id in row["body"] for id in ids)]


@pytest.mark.parametrize("service", NAMES)
async def test_every_row_about_a_person_is_told_with_every_column(mission: Mission, asked: Asked, service: str) -> None:
    wiring, held = wiring_of(service), asked.held[service]
    seen = 0
    for name, table in wiring.access.table.metadata.tables.items():
        if name in KERNEL_UNTOLD or name in wiring.holdings.untold:
            continue
        columns = {column.name for column in table.columns if f"{name}.{column.name}" not in wiring.holdings.untold} - {IN_CLEAR}
        for row in await rows_about(mission, service, name, {str(asked.at.mother)}):
            key = {column.name: row[column.name] for column in table.primary_key.columns}
            found = [
                one for one in held["records"].get(name, []) if all(one.get(column) == value for column, value in key.items())
            ]
            assert len(found) == 1, f"{name} is not told"
            assert columns <= found[0].keys(), f"{name}: {sorted(columns - found[0].keys())}"
            seen += 1
    assert seen >= 2


async def test_what_was_sealed_is_told_in_clear_and_what_was_concealed_too(asked: Asked) -> None:
    (version,) = asked.held["counselling"]["records"]["identities"]
    assert version["family_name"] == IDENTITY.family_name
    assert version["other_names"] == ["Canary-Umm Ali"]
    assert [one["contact"] for one in version["contacts"]] == ["+387 61 000 111"]
    assert [one["birth_year"] for one in asked.held["counselling"]["records"]["birth_years"]] == [1990]
    told = {event["kind"].split(".")[3]: event["said"] for event in asked.held["reintegration"]["history"]}
    assert told["drafted"]["category"] == "business"
    assert told["evidence_filed"]["evidence_kind"] == "quotation"
    (grant,) = asked.held["reintegration"]["records"]["grants"]
    assert Decimal(grant["amount"]) == asked.at.lines[0].planned.amount
    assert grant["evidence"][0]["sha256"]


async def test_nobody_else_is_named(mission: Mission, asked: Asked) -> None:
    """The child of the same case, and every member of staff, by whatever they are known."""
    (child,) = (member.person_id for member in asked.at.household.members if member.person_id != asked.at.mother)
    text = json.dumps(asked.held)
    assert str(child) not in text
    staff = {row["actorid"] for service in NAMES for row in await rows_about(mission, service, "event_log", {""})} - set(Role)
    assert len(staff) > 5
    assert [name for name in staff if f'"{name}"' in text] == []
    (case,) = asked.held["returns"]["records"]["cases"]
    assert {one["person_id"] for one in case["persons"]} == {str(asked.at.mother), "another_person"}
    assert case["counsellor_id"] == case["approved_by"] == "staff"
    screened = [event for event in asked.held["returns"]["history"] if event["kind"].endswith("screening_recorded.v1")]
    assert {event["said"]["person_id"] for event in screened} == {str(asked.at.mother)}


async def test_who_looked_is_told_by_role_and_organisation_and_what_for(mission: Mission, asked: Asked) -> None:
    for service in NAMES:
        last = asked.held[service]["readers"][-1]
        assert (last["operation"], last["roles"], last["purpose"]) == ("read_held", ["data_protection"], "access_request")
    looked = [(one["operation"], one["outcome"]) for one in asked.held["counselling"]["readers"]]
    assert ("read_person", "not_permitted") in looked
    assert ("read_case", "read") in [(one["operation"], one["outcome"]) for one in asked.held["returns"]["readers"]]
    export = await mission.read("counselling", "auditor", f"/v1/log/chain/{asked.at.mother}")
    noted = [json.loads(line) for line in export.text.splitlines() if '"read_held"' in line]
    assert asked.correlation in {event["correlationid"] for event in noted}


async def test_a_reason_that_no_row_holds_is_told_out_of_the_log(mission: Mission) -> None:
    line = Line(mission, household := mother_and_child(), seed=44)
    case_id = await wished(line, household, 110)
    await mission.done("returns", "counsellor-3", case_id, WithdrawCase(reason="health"), moment(111, 9))
    answer = await held_by(mission, "returns", household.members[0].person_id)
    said = [event["said"] for event in answer.json()["history"] if event["kind"].endswith("case.withdrawn.v1")]
    assert [one["reason"] for one in said] == ["health"]


async def wished(line: Line, household: Household, day: int) -> UUID:
    journey = Journey(line.dice)
    script.register(journey, household, day)
    case_id = script.express_intention(journey, household, day)
    await line.go(journey)
    return case_id


async def test_the_command_line_writes_both_files_for_their_owner_alone(
    mission: Mission, asked: Asked, tmp_path: Path
) -> None:
    data, document = await take_home(mission.settings, str(asked.at.mother), None, tmp_path / "home")
    assert {path.stat().st_mode & 0o777 for path in (data, document)} == {0o600}
    told = json.loads(data.read_text(encoding="utf-8"))
    # The archive holds nothing of hers, and tells who looked for her there.
    assert set(told["held"]) == {*NAMES, "audit"}
    assert (told["held"]["audit"]["records"], told["held"]["audit"]["history"]) == ({}, [])
    # She speaks Turkish and Arabic, and this system has no Turkish.
    assert document.name == f"held-{asked.at.mother}-ara.pdf"
    assert document.read_bytes().startswith(b"%PDF-")
    again = await take_home(mission.settings, str(asked.at.mother), "bos", tmp_path / "home")
    assert again[0] == data
    for person, language, code in ((str(uuid7()), None, "nothing_held"), ("x", None, "unreadable"), (str(uuid7()), "xx", "unknown_language")):
        with pytest.raises(CannotStart) as refused:
            await take_home(mission.settings, person, language, tmp_path)
        assert refused.value.code == code


async def test_at_stated_addresses_and_by_a_stated_token_the_same_is_collected(
    mission: Mission, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, url in mission.addresses.services.items():
        monkeypatch.setenv(f"AVRR_{name.upper()}_URL", url)
    monkeypatch.setenv("AVRR_TOKEN", await mission.tokens.token(KEEPER))
    # Nothing was ever started in this data folder, as in a container.
    data, _ = await take_home(OpsSettings(data=tmp_path / "data"), str(asked.at.mother), "bos", tmp_path / "home")
    assert set(json.loads(data.read_text(encoding="utf-8"))["held"]) == {*NAMES, "audit"}
    assert not (tmp_path / "data").exists()
    # As one stream, of which nothing was on a disk here, it is the same two files.
    poured = io.BytesIO()
    await pour_out(mission.settings, str(asked.at.mother), "bos", poured)
    with tarfile.open(fileobj=io.BytesIO(poured.getvalue())) as archive:
        assert [(one.name, one.mode) for one in archive] == [(f"held-{asked.at.mother}{end}", 0o600) for end in (".json", "-bos.pdf")]
        told = archive.extractfile(f"held-{asked.at.mother}.json")
        assert told is not None
        assert set(json.load(told)["held"]) == {*NAMES, "audit"}


@pytest.mark.parametrize("service", NAMES)
async def test_of_whom_nothing_is_held_nothing_is_told(mission: Mission, service: str) -> None:
    answer = await held_by(mission, service, uuid7())
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_it_is_for_data_protection_alone_after_a_touch_of_the_key(mission: Mission, asked: Asked) -> None:
    path = f"/v1/persons/{asked.at.mother}/held"
    for persona in ("counsellor-3", "coordinator", "auditor", "administrator"):
        answer = await mission.raw("GET", "counselling", path, persona)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), persona
    secret = development_secret(mission.settings)
    stale = await request_token(mission.addresses.issuer, KEEPER, secret, auth_age=3600)
    answer = await mission.client.get(
        mission.addresses.services["counselling"] + path, headers={"Authorization": f"Bearer {stale}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_user_authentication")
