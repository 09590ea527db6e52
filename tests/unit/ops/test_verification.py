"""That every status of a grant has a stage by which two services are compared, and that whatever keeps a verification is a line."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

from ops.settings import OpsSettings
from ops.verification import STAGES, verify_system
from services.reintegration.domain.grant_state import GrantStatus
from shared.contracts.returns import GrantStage
from shared.topology import LOGS


def test_every_status_of_a_grant_has_one_of_the_stages_that_returns_knows() -> None:
    assert STAGES.keys() == set(get_args(GrantStatus))
    assert set(STAGES.values()) <= set(get_args(GrantStage))


async def test_a_verification_that_cannot_be_made_says_so_of_each_service_and_ends_in_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in LOGS:
        monkeypatch.setenv(f"AVRR_PASSWORD_{service.name.upper()}_VERIFY", "invented-for-tests")
    settings = OpsSettings(data=tmp_path, database_url=SecretStr("postgresql://nobody:nothing@127.0.0.1:1/postgres"))
    lines = [(line.split(" at ")[0], wrong) async for line, wrong in verify_system(settings, None)]
    names = ("counselling", "returns", "reintegration", "audit", "returns and reintegration")
    assert lines == [(f"{name}: verification_waits: ConnectionRefusedError", 1) for name in names]
