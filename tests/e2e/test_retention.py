"""The nightly run on the running system: who is due is asked for once, by a program that may do nothing else."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from pypdf import PdfReader

from ops.access_request import take_home
from ops.demo_year.people import moment
from ops.identity.client import client_token
from ops.identity.clients import client_of, secret_of
from ops.retention.nightly import CLIENT, Nightly, lines, nightly
from ops.settings import PROJECT
from ops.system import identity_folder
from services.counselling.domain.erasure import (
    ApproveErasure,
    PlaceLegalHold,
    RefuseErasure,
    RequestErasure,
)
from services.counselling.domain.person import RegisterPerson
from services.returns.domain.case_withdrawal import WithdrawCase
from shared.ids import uuid7
from tests.e2e.conftest import Mission
from tests.e2e.test_held import held_by, wished
from tests.e2e.test_main_line import Line, mother_and_child

# Day 111 of the year 2023 is 22 April.
ENDED = moment(111, 9)
THE_DAY = datetime(2024, 4, 22, 1, tzinfo=UTC)
THE_DAY_BEFORE = datetime(2024, 4, 21, 1, tzinfo=UTC)


@pytest.fixture
async def program(mission: Mission) -> AsyncIterator[Nightly]:
    async with nightly(mission.settings) as found:
        yield Nightly(mission.client, mission.addresses.services, found.token, found.policy, found.zone, states_time=True)


async def erasure_of(mission: Mission, person_id: UUID) -> dict[str, object]:
    answer = await mission.read("counselling", "data-protection", f"/v1/persons/{person_id}/erasure")
    found: dict[str, object] = answer.json()["state"]
    return found


async def test_who_is_due_is_asked_for_once_and_a_person_decides(
    mission: Mission, program: Nightly, tmp_path: Path
) -> None:
    line = Line(mission, household := mother_and_child(), seed=45)
    case_id = await wished(line, household, 110)
    mother, child = (member.person_id for member in household.members)
    assert await due_among(program, THE_DAY, {mother, child}) == {}
    await mission.done("returns", "counsellor-3", case_id, WithdrawCase(), ENDED)
    await mission.caller.drained()
    await mission.done("counselling", "data-protection", child, PlaceLegalHold(reason="complaint"), moment(112, 9))

    assert await due_among(program, THE_DAY_BEFORE, {mother, child}) == {}
    assert await due_among(program, THE_DAY, {mother, child}) == {mother: "due", child: "on_hold"}
    # A report changes nothing; the run asks once, and in the same night no more.
    assert (await erasure_of(mission, mother))["erasure"] is None
    assert mother in {one.person_id for one in await program.run(THE_DAY)}
    assert mother not in {one.person_id for one in await program.run(THE_DAY)}
    erasure = (await erasure_of(mission, mother))["erasure"]
    assert isinstance(erasure, dict)
    assert (erasure["status"], erasure["ground"], erasure["requested_by"]) == ("requested", "retention_over", f"client:{CLIENT}")
    assert (await erasure_of(mission, child))["erasure"] is None
    assert await due_among(program, THE_DAY, {mother, child}) == {mother: "asked", child: "on_hold"}

    # That there is a hold is told to whoever asks, and why is not.
    held = (await held_by(mission, "counselling", child)).text
    assert '"legal_hold":true' in held
    assert "legal_hold_placed" in held
    assert "complaint" not in held
    # What was refused is told with the reason and not asked for again, until a person asks.
    await mission.done("counselling", "chief-of-mission", mother, RefuseErasure(reason="claim_under_way"), THE_DAY)
    assert await due_among(program, THE_DAY, {mother}) == {mother: "refused"}
    (refused,) = [one for one in await program.report(THE_DAY) if one.person_id == mother]
    assert refused.refused_for == "claim_under_way"
    assert mother not in {one.person_id for one in await program.run(THE_DAY)}
    assert (await erasure_of(mission, mother))["erasure"] is None
    await mission.done("counselling", "data-protection", mother, RequestErasure(ground="retention_over"), THE_DAY)
    # Once she is erased she is told what is left of her, and nobody asks again.
    await mission.done("counselling", "chief-of-mission", mother, ApproveErasure(), moment(113, 9))
    await mission.caller.drained()
    assert await due_among(program, THE_DAY, {mother}) == {}
    data, document = await take_home(mission.settings, str(mother), "eng", tmp_path)
    told = json.loads(data.read_text(encoding="utf-8"))["held"]["counselling"]["records"]
    assert told["persons"][0]["erased_at"] is not None
    assert "birth_years" not in told
    assert "identities" not in told
    assert "You were erased" in PdfReader(document).pages[0].extract_text()


async def test_a_registration_that_led_to_nothing_is_due_after_two_years(mission: Mission, program: Nightly) -> None:
    person_id = uuid7()
    order = RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa")
    await mission.done("counselling", "counsellor-1", person_id, order, datetime(2021, 3, 4, 9, tzinfo=UTC))
    assert await due_among(program, datetime(2023, 3, 3, 9, tzinfo=UTC), {person_id}) == {}
    (found,) = [one for one in await program.report(datetime(2023, 3, 4, 9, tzinfo=UTC)) if one.person_id == person_id]
    assert (found.kept_as, str(found.due_on)) == ("without_case", "2023-03-04")
    assert any(str(person_id) in line for line in lines([found], program.policy))


async def test_the_program_may_do_nothing_else(mission: Mission, program: Nightly) -> None:
    client = client_of(CLIENT)
    assert client is not None
    bearer = await client_token(mission.addresses.issuer, CLIENT, secret_of(identity_folder(mission.settings), client))
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": str(uuid7())}
    base = f"{mission.addresses.services['counselling']}/v1/persons/{uuid7()}"
    for path, body in (("approve-erasure", {}), ("request-erasure", {"ground": "retention_over"}), ("lift-legal-hold", {"reason": "over"})):
        answer = await mission.client.post(f"{base}/{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted"), path
    assert (await mission.client.get(base, headers=headers)).status_code == 403
    consents = f"{mission.addresses.services['counselling']}/v1/transfer-consents?recipient_country=TR&person_id={uuid7()}"
    assert (await mission.client.get(consents, headers=headers)).status_code == 403

    async def nobody() -> str:
        return "nobody"

    with_other = replace(program, token=nobody)
    with pytest.raises(Exception, match="does not say"):
        await with_other.report(THE_DAY)


async def avrr(folder: Path, **environment: str) -> tuple[int, str]:
    """Gives the nightly command from a place that knows nothing of the system but what it is told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from ops.cli import main; main()", "retention", "report", cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if not name.startswith("AVRR_")} | environment | {"AVRR_DATA": str(folder)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_at_a_provider_of_the_missions_own_the_run_asks_by_its_own_client_and_secret(mission: Mission, tmp_path: Path) -> None:
    client = client_of(CLIENT)
    assert client is not None
    secret = secret_of(identity_folder(mission.settings), client)
    told = {f"AVRR_{name.upper()}_URL": url for name, url in mission.addresses.services.items()} | {"AVRR_OIDC_ISSUER": mission.addresses.issuer}
    code, said = await avrr(tmp_path, **told, AVRR_RETENTION_CLIENT_SECRET=secret)
    assert (code, "due" in said) == (0, True), said
    code, said = await avrr(tmp_path, **told)
    assert (code, said.count("\n"), "AVRR_RETENTION_CLIENT_SECRET" in said) == (1, 1, True), said
    code, said = await avrr(tmp_path, **told, AVRR_RETENTION_CLIENT_SECRET="guessed-guessed-guessed")
    assert (code, said.count("\n"), "gives the client service-retention no token" in said) == (1, 1, True), said
    away = told | {"AVRR_COUNSELLING_URL": "http://127.0.0.1:1"}
    code, said = await avrr(tmp_path, **away, AVRR_RETENTION_CLIENT_SECRET=secret)
    assert (code, said.count("\n"), "do not answer" in said) == (1, 1, True), said
    # Nothing that was made up for development came of it.
    assert list(tmp_path.rglob("*")) == []


async def due_among(program: Nightly, now: datetime, persons: set[UUID]) -> dict[UUID, str]:
    return {one.person_id: one.stands for one in await program.report(now) if one.person_id in persons}
