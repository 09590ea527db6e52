"""What the README shows does what it says there; that each command exists is tested in tests/unit/ops/test_shown_commands.py."""

import asyncio
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.counselling.domain.person import RegisterPerson
from shared.ids import uuid7
from shared.topology import LOGS
from tests.e2e.conftest import Mission

PROJECT = Path(__file__).parent.parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
QUESTIONS = re.findall(r'token ([a-z0-9-]+)\)" +"http://127\.0\.0\.1:(\d+)(/v1/[^"]+)"', BLOCKS)


async def avrr(mission: Mission, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from ops.cli import main; main()", *arguments, cwd=PROJECT,
        env={**os.environ, "AVRR_DATA": str(mission.settings.data_folder), "COLUMNS": "150"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


def test_the_readme_shows_questions() -> None:
    assert len(QUESTIONS) == 6


@pytest.mark.parametrize(("persona", "port", "path"), QUESTIONS)
async def test_every_question_shown_is_answered_to_the_persona_who_asks_it(
    mission: Mission, persona: str, port: str, path: str
) -> None:
    service = {"8001": "counselling", "8002": "returns", "8003": "reintegration"}[port]
    answer = await mission.read(service, persona, path)
    assert answer.status_code == 200, answer.text


async def test_a_token_can_be_had_for_a_machine_client(mission: Mission) -> None:
    code, output = await avrr(mission, "token", "--client", "office-tr")
    assert (code, output.count(".")) == (0, 2)
    code, output = await avrr(mission, "token", "--client", "office-xx")
    assert (code != 0, "no such machine client" in output) == (True, True)


async def test_an_order_after_a_restore_can_be_given_in_the_name_of_a_persona(mission: Mission) -> None:
    code, output = await avrr(mission, "restored", "accept", "--by", "auditor")
    assert (code, "nothing was set back" in output) == (1, True), output


async def test_a_token_can_be_had_for_a_persona(mission: Mission) -> None:
    code, output = await avrr(mission, "token", "--persona", "receiving-office-tr")
    assert (code, output.count(".")) == (0, 2)


async def test_the_report_shows_published_beside_computed_and_fails_where_they_differ(mission: Mission) -> None:
    code, output = await avrr(mission, "report", "--year", "2023")
    assert (code, "DIFFERS" in output) == (1, True)
    code, output = await avrr(mission, "report", "--year", "2022")
    assert (code, "DIFFERS" in output) == (0, False)


async def test_verify_finds_nothing_wrong(mission: Mission) -> None:
    await mission.caller.drained()
    code, output = await avrr(mission, "verify")
    assert code == 0, output
    assert output.count("equals log size") == len(LOGS)


async def test_the_policy_of_a_service_is_printed(mission: Mission) -> None:
    code, output = await avrr(mission, "policy", "--service", "returns")
    assert code == 0
    assert re.search(r"clear_to_board +operations +all", output)


async def test_a_stream_is_rebuilt_from_the_log(mission: Mission) -> None:
    code, output = await avrr(mission, "bus", "rebuild", "RETURNS")
    assert code == 0, output
    async with asyncio.timeout(90):
        while (await avrr(mission, "verify", "--service", "returns"))[0] != 0:
            pass


async def test_who_was_kept_long_enough_is_reported(mission: Mission) -> None:
    code, output = await avrr(mission, "retention", "report")
    assert code == 0, output
    assert re.search(r"Nobody is due|\d+ due, \d+ on legal hold", output)
    code, output = await avrr(mission, "retention", "policy")
    assert (code, "24 months" in output) == (0, True)


async def test_dead_letters_are_listed(mission: Mission) -> None:
    assert await avrr(mission, "dead-letters", "list", "--service", "returns") == (0, "")
    code, output = await avrr(mission, "dead-letters", "replay", "--service", "returns", "--source", "counselling", "--index", "3")
    assert (code, "There is no dead letter" in output) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("policy", "--service", "nowhere"), "There is no such service"),
        (("bus", "rebuild", "NOWHERE"), "There is no such stream"),
        (("access-request", "01900000-0000-7000-8000-000000000001", "--out", "nowhere"), "Nothing is held"),
        (("up",), "another"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(mission: Mission, arguments: tuple[str, ...], line: str) -> None:
    code, output = await avrr(mission, *arguments)
    assert code == 1
    assert line in output
    assert len(output.strip().splitlines()) == 1


async def test_a_follower_that_took_what_is_true_is_not_set_back_and_goes_on_after_a_rebuild(mission: Mission) -> None:
    order = RegisterPerson(sex="male", birth_year=1990, country_of_origin="TR", site="trc_lipa")
    await mission.done("counselling", "counsellor", uuid7(), order, datetime(2023, 5, 2, 12, 0, tzinfo=UTC))
    await mission.caller.drained()
    # What was archived is never taken back.
    code, output = await avrr(mission, "bus", "step-back", "--service", "audit", "--source", "counselling")
    assert code == 1, output
    code, output = await avrr(mission, "bus", "step-back", "--service", "returns", "--source", "counselling")
    assert (code, "is counselling's own: there is nothing to set back" in output, len(output.strip().splitlines())) == (1, True, 1), output
    assert (await avrr(mission, "bus", "rebuild", "COUNSELLING"))[0] == 0
    await mission.caller.drained()
    async with asyncio.timeout(90):
        while (await avrr(mission, "verify"))[0] != 0:
            pass
