"""What is watched: every rule is one that mail can be sent for or says that it is not, and has its lines in the runbook."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.alarms.rules import RULES, Sample, read_rules, terms_of
from ops.alarms.settings import AlarmSettings
from ops.alarms.targets import named as named_processes
from ops.settings import PROJECT, CannotStart
from shared.topology import LOGS, PORTAL

DEPLOY = PROJECT / "deploy"
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/avrr.json").read_text())
WATCHING: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.watching.yaml").read_text())
SCRAPED: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
RUNBOOK = (PROJECT / "docs/alerts.md").read_text()


def expressions() -> list[str]:
    shown = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [*(rule["expr"] for rule in ALERTS), *shown]


def named() -> set[str]:
    """Every figure of ours that a rule or the dashboard names, as it is told on the wire."""
    return {name for expression in expressions() for name in re.findall(r"\bavrr_[a-z_]+\b", expression)}


def test_every_figure_that_a_rule_or_the_dashboard_names_is_one_that_the_code_tells() -> None:
    told = {
        name
        for folder in ("shared", "services", "ops")
        for path in (PROJECT / folder).rglob("*.py")
        for name in re.findall(r'"(avrr_[a-z_]+)"', path.read_text())
    }
    assert "avrr_verify_differences" in named()
    assert {name for name in named() if name not in told and re.sub(r"_(total|bucket)$", "", name) not in told} == set()


def test_each_rule_has_its_lines_in_the_runbook_and_the_runbook_no_rule_that_is_gone() -> None:
    headings = re.findall(r"(?m)^### (\w+)$", RUNBOOK)
    assert headings == list(dict.fromkeys(headings))
    assert set(headings) == {rule["alert"] for rule in ALERTS}
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"
        assert re.search(rf"(?m)^### {rule['alert']}\n\S", RUNBOOK)


def test_each_rule_says_what_is_wrong_and_what_to_do_in_sentences() -> None:
    for rule in ALERTS:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert set(rule["annotations"]) == {"what", "do", "runbook"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert all(rule["annotations"][said].endswith(".") for said in ("what", "do"))


def test_a_rule_that_only_prometheus_can_judge_says_so_and_no_other_does() -> None:
    for rule in ALERTS:
        assert (terms_of(rule["expr"]) is None) == (rule["labels"].get("mail") == "no"), rule["alert"]
    assert {rule.name for rule in read_rules()} == {rule["alert"] for rule in ALERTS if rule["labels"].get("mail") != "no"}


@pytest.mark.parametrize(
    ("expression", "sample", "met"),
    [
        ("a > 1", Sample("a", {}, 2), True),
        ("a > 1", Sample("a", {}, 1), False),
        ("a > 1", Sample("a", {}, float("nan")), False),
        ("a > 1", Sample("b", {}, 2), False),
        ("up == 0", Sample("up", {"job": "audit"}, 0), True),
        ("a > 1 or b >= 2.5", Sample("b", {}, 2.5), True),
        ('a{queue="cases:protection"} > 1', Sample("a", {"queue": "cases:protection", "job": "returns"}, 2), True),
        ('a{queue="cases:protection"} > 1', Sample("a", {"queue": "cases:inquiry"}, 2), False),
    ],
)
def test_a_rule_holds_for_the_figures_that_it_means(expression: str, sample: Sample, met: bool) -> None:
    terms = terms_of(expression)
    assert terms is not None
    assert any(term.holds(sample) for term in terms) is met


@pytest.mark.parametrize(
    "expression", ["rate(a[5m]) > 1", "a > b", "sum(a) > 1", 'a{b=~"c"} > 1', "a", "a > 1 and b > 1", "a>1", 'a{b="c"', ""]
)
def test_what_is_not_simple_is_no_rule_for_mails(expression: str) -> None:
    assert terms_of(expression) is None


@pytest.mark.parametrize("written", ["", "groups: 3", "groups: [{rules: [{alert: A}]}]", "{", "groups:\n- rules:\n  - {alert: A, expr: 'rate(a[5m]) > 1', labels: {severity: page}, annotations: {what: a, do: b, runbook: c}}"])
def test_rules_that_cannot_be_read_stop_the_start(tmp_path: Path, written: str) -> None:
    (tmp_path / "alerts.yaml").write_text(written)
    with pytest.raises(CannotStart):
        read_rules(tmp_path / "alerts.yaml")


def test_prometheus_asks_every_process_under_its_name_and_reads_the_rules() -> None:
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in SCRAPED["scrape_configs"]}
    processes = {service.name for service in LOGS} | {PORTAL.name, "checkpointer", "witness"}
    # A service is two processes in containers: who answers, and who follows and relays.
    workers = {service.name: [f"{service.name}-worker:8000"] for service in LOGS}
    assert jobs == {name: [f"{name}:8000", *workers.get(name, [])] for name in processes | {"alarms"}}
    told = named_processes(WATCHING["services"]["alarms"]["environment"]["AVRR_WATCHED"])
    assert told == {name: f"http://{name}:8000" for name in (*processes, *(f"{service.name}-worker" for service in LOGS))}
    mounts = WATCHING["services"]["prometheus"]["volumes"]
    assert "./prometheus/alerts.yaml:/etc/prometheus/alerts.yaml:ro" in mounts
    assert SCRAPED["rule_files"] == ["/etc/prometheus/alerts.yaml"]
    assert {name for name, part in WATCHING["services"].items() if part == {"networks": ["watching"]}} == processes | {f"{name}-worker" for name in workers}


def test_what_only_prometheus_can_judge_stands_in_the_docs_and_can_be_told_by_an_alertmanager_of_ones_own() -> None:
    (told,) = re.findall(r"(?m)^\| Prometheus's page alone \| (.+) \|$", RUNBOOK)
    assert set(re.findall(r"\*(\w+)\*", told)) == {rule["alert"] for rule in ALERTS if rule["labels"].get("mail") == "no"}
    _, commented = (DEPLOY / "prometheus/prometheus.yaml").read_text().split("named here:\n")
    snippet = yaml.safe_load("".join(line.removeprefix("# ") + "\n" for line in commented.split("\n\n")[0].splitlines()))
    (manager,) = snippet["alerting"]["alertmanagers"]
    assert (manager["scheme"], len(manager["static_configs"][0]["targets"])) == ("https", 1)


def test_the_doctor_in_containers_asks_the_alarms_where_there_are_any() -> None:
    plain = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["operator"]
    over = WATCHING["services"]["operator"]["environment"]
    assert over == {"AVRR_WATCHED": f"{plain['environment']['AVRR_WATCHED']},alarms=http://alarms:8000"}
    assert "outside" in plain["networks"]
    assert "outside" in WATCHING["services"]["alarms"]["networks"]


def test_what_watches_can_neither_change_its_root_nor_gain_rights_and_is_reached_from_the_machine_alone() -> None:
    for name in ("prometheus", "grafana", "alarms"):
        part = WATCHING["services"][name]
        assert part["read_only"] is True
        assert (part["cap_drop"], part["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
        assert part["image"] == "avrr" or re.fullmatch(r"[a-z/]+:v?[0-9]+\.[0-9]+\.[0-9]+", part["image"])
        assert all(port.startswith("127.0.0.1:") for port in part.get("ports", ()))
        assert all(mount.endswith(":ro") for mount in part["volumes"] if mount.startswith("./"))
        assert all((DEPLOY / mount.split(":")[0]).exists() for mount in part["volumes"] if mount.startswith("./"))
    assert WATCHING["networks"] == {"watching": {"internal": True}}
    password = WATCHING["services"]["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
    assert password.startswith("${AVRR_GRAFANA_PASSWORD:?")


def test_the_dashboard_asks_the_source_that_is_provided_and_no_panel_lies_over_another() -> None:
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == source["uid"]
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_the_alarms_start_with_what_compose_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("invented\n")
    given = {
        "AVRR_ALERT_SMTP_URL": "smtp://avrr@mail.example", "AVRR_ALERT_FROM": "avrr@mail.example", "AVRR_ALERT_TO": "a@mail.example, b@mail.example",
    }  # fmt: skip
    part = WATCHING["services"]["alarms"]
    for name, value in part["environment"].items():
        if value is not None:
            monkeypatch.setenv(name, re.sub(r"\$\{([A-Z_]+):\?[^}]+\}", lambda found: given[found[1]], value))
    monkeypatch.setenv("AVRR_ALERT_SMTP_PASSWORD_FILE", str(tmp_path / "password"))
    settings = AlarmSettings()
    assert (settings.server.host, settings.server.password, settings.recipients) == ("mail.example", "invented", ["a@mail.example", "b@mail.example"])
    assert {f"AVRR_{name.upper()}" for name in AlarmSettings.model_fields} - {"AVRR_HOST", "AVRR_PORT"} == set(part["environment"])
    assert f"{settings.alarms_folder} " in (DEPLOY / "Dockerfile").read_text()
