"""The compose files, each by itself and laid over each other: every name leads somewhere, every field is one of the format."""

import itertools
import re
from typing import Any

import pytest
import yaml

from ops.settings import PROJECT

DEPLOY = PROJECT / "deploy"
MAIN = "compose.yaml"
FILES: dict[str, dict[str, Any]] = {file.name: yaml.safe_load(file.read_text()) for file in sorted(DEPLOY.glob("compose*.yaml"))}
OVER = sorted(set(FILES) - {MAIN})

# The fields of the Compose Specification that these files use; another one is to be looked up before it stands here.
TOP = {"name", "services", "networks", "volumes"}
FIELDS = {
    "build", "cap_drop", "command", "cpus", "depends_on", "entrypoint", "environment", "healthcheck", "image", "init", "logging",
    "mem_limit", "network_mode", "networks", "pids_limit", "ports", "profiles", "pull_policy", "read_only", "restart", "security_opt", "shm_size",
    "stop_grace_period", "tmpfs", "user", "volumes",
}  # fmt: skip
HEALTH = {"test", "interval", "timeout", "retries", "start_period", "disable"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}

each_file = pytest.mark.parametrize("file", FILES)


def _laid_over(file: str) -> dict[str, dict[str, Any]]:
    """The parts of the main file with those of another laid over them; lists are put together, as Compose does."""
    parts = {name: dict(part) for name, part in FILES[MAIN]["services"].items()}
    if file == MAIN:
        return parts
    for name, part in FILES[file]["services"].items():
        own = parts.setdefault(name, {})
        for field, value in part.items():
            own[field] = [*own.get(field, ()), *value] if isinstance(value, list) else value
    return parts


def _declared(file: str, kind: str) -> set[str]:
    return {name for one in {MAIN, file} for name in FILES[one].get(kind, {})}


@each_file
def test_every_field_is_one_of_the_format(file: str) -> None:
    assert {field for field in FILES[file] if not field.startswith("x-")} <= TOP
    for part in FILES[file]["services"].values():
        assert set(part) <= FIELDS
        assert set(part.get("healthcheck", {})) <= HEALTH


@each_file
def test_no_part_may_take_all_of_the_machine(file: str) -> None:
    for part in _laid_over(file).values():
        assert re.fullmatch(r"\d+[mg]", part["mem_limit"])
        assert 0 < float(part["cpus"]) <= 2
        assert part["pids_limit"] in (256, 512)


@each_file
def test_networks_and_volumes_are_declared_and_each_is_used(file: str) -> None:
    parts = _laid_over(file).values()
    networks = {network for part in parts for network in part.get("networks", ())}
    volumes = {volume.partition(":")[0] for part in parts for volume in part.get("volumes", ())}
    named = {volume for volume in volumes if re.fullmatch(r"\w+", volume)}
    assert networks == _declared(file, "networks")
    assert named == _declared(file, "volumes")


@each_file
def test_what_is_mounted_from_this_folder_is_there_and_only_read(file: str) -> None:
    for part in FILES[file]["services"].values():
        for volume in part.get("volumes", ()):
            if volume.startswith("./"):
                source, _, mode = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", volume).rpartition(":")
                assert mode == "ro"
                assert (DEPLOY / source.partition(":")[0]).exists()


@each_file
def test_whoever_waits_waits_for_somebody_who_can_say_so(file: str) -> None:
    parts = _laid_over(file)
    for part in parts.values():
        for other, how in part.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS
            if how["condition"] == "service_healthy":
                # The image of the services has a health check of its own.
                assert parts[other].get("image") == "avrr" or "test" in parts[other]["healthcheck"]
                assert not parts[other].get("healthcheck", {}).get("disable")
            if how["condition"] == "service_completed_successfully":
                assert parts[other]["restart"] == "no"


@each_file
def test_nobody_waits_for_somebody_who_waits_for_them(file: str) -> None:
    waits = {name: set(part.get("depends_on", {})) for name, part in _laid_over(file).items()}
    while ready := {name for name, others in waits.items() if not others}:
        waits = {name: others - ready for name, others in waits.items() if name not in ready}
    assert waits == {}


@each_file
def test_an_image_of_others_is_of_a_version_and_ours_is_never_fetched(file: str) -> None:
    for part in FILES[file]["services"].values():
        image = part.get("image")
        if image is None:
            continue
        if image.startswith("avrr"):
            # Made by the file that has its Dockerfile, and by others taken as it was made.
            assert part["pull_policy"] == ("build" if "build" in part else "never")
            assert (DEPLOY / part.get("build", {"context": "."})["context"]).is_dir()
        else:
            assert re.fullmatch(r"[\w./-]+:v?\d+[\w.-]*", image)


def test_all_of_them_together_publish_no_port_twice_and_only_the_proxys_beyond_this_machine() -> None:
    ports = list(itertools.chain.from_iterable(part.get("ports", ()) for one in FILES.values() for part in one["services"].values()))
    published = [port.rpartition(":")[0] for port in ports]
    assert len(set(published)) == len(published)
    assert {port for port in published if not port.startswith("127.0.0.1:")} == {"443", "80"}


@pytest.mark.parametrize("file", OVER)
def test_what_is_laid_over_a_part_adds_a_network_or_whom_the_operator_asks_and_changes_nothing(file: str) -> None:
    for name, part in FILES[file]["services"].items():
        if name == "operator":
            assert {field: set(value) for field, value in part.items()} == {"environment": {"AVRR_WATCHED"}}
        elif name in FILES[MAIN]["services"]:
            assert set(part) == {"networks"}
