"""What the mission says is usual reaches each process that a machine starts by itself."""

from pathlib import Path

import pytest

from ops.database_server import PostgresAddress
from ops.embedded.nats import NatsAddress
from ops.settings import OpsSettings
from ops.supervisor import Running
from ops.system import _portal, service_child
from services.portal.settings import PortalSettings
from shared.settings import Mission
from shared.topology import LOGS, PORTAL, Service

SAID = {
    "AVRR_MISSION_TIME_ZONE": "Asia/Baghdad", "AVRR_OFFICE_OPENS": "08:00", "AVRR_OFFICE_CLOSES": "16:00",
    "AVRR_OFFICE_DAYS": '["sun","mon"]', "AVRR_MANY_READS": "50",
}  # fmt: skip


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A system of which the addresses are known and nothing was started."""
    for name, value in SAID.items():
        monkeypatch.setenv(name, value)
    found = Running(OpsSettings(data_dir=tmp_path))
    names = ("identity", "checkpointer", "witness", PORTAL.name, *(service.name for service in LOGS))
    found.ports = {name: 9000 + number for number, name in enumerate(names)}
    found._postgres, found._nats = PostgresAddress("127.0.0.1", 5432, "nobody", ""), NatsAddress("nats://127.0.0.1:4222", {})
    return found


@pytest.mark.parametrize("service", LOGS, ids=lambda service: service.name)
@pytest.mark.parametrize("role", ["all", "api", "worker"])
def test_a_service_is_told_all_of_it_whichever_of_its_parts_it_is(running: Running, service: Service, role: str) -> None:
    assert set(SAID) == {f"AVRR_{name.upper()}" for name in Mission.model_fields}
    assert SAID.items() <= service_child(running, service, "real", role).env.items()  # type: ignore[arg-type]


def test_the_portal_is_told_what_it_reads_of_it(running: Running) -> None:
    read = {name: value for name, value in SAID.items() if name.removeprefix("AVRR_").lower() in PortalSettings.model_fields}
    assert read.items() <= _portal(running, "real", {}).env.items()
    assert "AVRR_MISSION_TIME_ZONE" in read
