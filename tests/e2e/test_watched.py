"""What rules and dashboard look at is told by the processes that run, without anything of anybody in it."""

import re

from prometheus_client.parser import text_string_to_metric_families

from ops.doctor.examining import examine
from tests.running import Mission
from tests.unit.ops.test_alerts import named


async def test_every_figure_of_a_rule_or_the_dashboard_is_told_by_a_running_process(mission: Mission) -> None:
    where = {**mission.addresses.services, "portal": mission.addresses.portal, "checkpointer": mission.addresses.checkpointer}
    where["witness"] = f"http://127.0.0.1:{mission.running.ports['witness']}"
    await mission.client.get(f"{where['returns']}/v1/nothing")
    told: set[str] = set()
    for process, url in where.items():
        answer = await mission.client.get(f"{url}/metrics")
        assert answer.status_code == 200, process
        families = list(text_string_to_metric_families(answer.text))
        assert families, process
        told |= {sample.name for family in families for sample in family.samples}
        # Nothing that a label says is anybody's: no id of any kind, no address, no mail.
        said = {value for family in families for sample in family.samples for value in sample.labels.values()}
        assert not [value for value in said if re.search(r"[0-9a-f]{8}-|@|/", value)], process
    # The alarms run where a mail server is named; their own figures tests/unit/ops/test_alarms.py looks at.
    assert named() - told == {"avrr_alarms_unsent", "avrr_alarms_round_age_seconds", "avrr_backup_age_seconds", "avrr_backup_base_age_seconds"}


async def test_the_doctor_finds_nothing_wrong_with_a_running_system(mission: Mission) -> None:
    found = await examine(mission.settings)
    # Other tests of this system read a log in the archive's name, and are found out.
    assert [one for one in found if one.level == "wrong" and one.check != "LogReadByOthers"] == []
    told = {one.check for one in found if one.level == "well"}
    assert {"disk", "files", "processes", "broker", "database"} <= told
