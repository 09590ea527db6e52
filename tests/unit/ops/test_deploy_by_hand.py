"""In containers every command has a part that gives it, with what it needs and no more, or a word on why none does."""

import contextlib
import importlib.util
import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from ops.audit import taking
from ops.checkpointer.keys import LogKeys
from ops.checkpointer.settings import LOG_NAMES, CheckpointerSettings
from ops.checkpoints import export_signer
from ops.cli import app
from ops.device_sign_in import DeviceSignIn
from ops.operating import checkpointer_of
from ops.reaching import reached
from ops.settings import PROJECT, OpsSettings, read_settings
from ops.system import Addresses
from ops.witness.settings import signer_in
from shared.outgoing import Outgoing
from shared.topology import AUDIT, SERVICES
from tests.unit.ops.test_deploy import (
    BY_HAND,
    COMPOSE,
    DEPLOY,
    DOCKERFILE,
    PARTS,
    REQUIRED,
    _environment,
    _filled_in,
    _given,
    _names,
    _offered,
    _volumes,
    _who_has,
)

# What a parser says of words of which it makes nothing, whichever click it is.
UsageError = typer.BadParameter.__bases__[0]
COMMAND: Any = typer.main.get_command(app)
GUIDE = (PROJECT / "docs" / "containers.md").read_text(encoding="utf-8")
EXPORTS = "/var/lib/avrr/exports"

# Which part gives a command in containers; None where none does, of which docs/containers.md says why.
GIVEN_BY: Mapping[str, str | None] = {
    **dict.fromkeys(("doctor", "verify", "recount-surveys", "bus rebuild", "bus step-back", "audit findings"), "operator"),
    **dict.fromkeys(("dead-letters list", "dead-letters replay", "dead-letters discard"), "operator"),
    **{f"restored {name}": "operator" for name in ("list", "mark", "accept", "show", "signed", "payments", "settle", "clear-payments")},
    **dict.fromkeys(("audit checkpoints", "audit policy", "audit export", "audit export-key", "audit verify", "report"), "auditor"),
    **dict.fromkeys(("token", "access-request", "policy"), "desk"),
    **dict.fromkeys(("keys show", "keys rotate"), "keys"),
    **dict.fromkeys(("retention report", "retention run", "retention policy"), "retention"),
    # The folder of checkpointer and logs' keys is its own, which gives these by a module of its own.
    **dict.fromkeys(("audit rotate-keys", "restored unsigned"), None),
    # Neither PostgreSQL's programs nor a data folder are there, nor copies that were made by them.
    **dict.fromkeys(("backup", "restore", "restored bring"), None),
    # The provider keeps who may sign in.
    **{f"staff {name}": None for name in ("add", "suspend", "readmit", "reset-factor")},
    # For a machine with a checkout.
    **dict.fromkeys(("up", "demo", "screenshots", "bench", "chaos", "mutation", "test", "lock", "contracts", "case-states"), None),
}  # fmt: skip

# What stands before the name of a part that is run, and whether a word follows it.
_OF_RUN = {"--rm": False, "-T": False, "--no-deps": False, "--env": True, "--volume": True, "--entrypoint": True}
_SHOWN = re.compile(r"compose\b[^\n`|]*? run ([^\n`|]+)")
_PAGES = sorted([PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md"), *DEPLOY.rglob("*.md"), *DEPLOY.glob("compose*.yaml")])


# What is shown of a part whose output a program reads, and not somebody at a screen.
_STREAM = re.compile(r"compose\b[^\n`|]*? run ((?:-\S+ (?:AVRR_TOKEN )?|tar )*([a-z]+)\b[^\n`|>)]*)(?:> \S+|\))")


def _leaves(at: Any, before: tuple[str, ...] = ()) -> set[str]:
    if not isinstance(at, TyperGroup):
        return {" ".join(before)}
    return {leaf for name, one in at.commands.items() for leaf in _leaves(one, (*before, name))}


def _parsed(arguments: Sequence[str]) -> str:
    """The command that the real parser makes of these words; `UsageError` where it makes none."""
    path: list[str] = []
    at, context, rest = COMMAND, None, list(arguments)
    while True:
        context = at.make_context(at.name, rest, parent=context)
        if not isinstance(at, TyperGroup):
            return " ".join(path)
        name, found, rest = at.resolve_command(context, [*context._protected_args, *context.args])
        assert name is not None
        assert found is not None
        at = found
        path.append(name)


def _run_in(text: str) -> list[tuple[list[str], str, list[str]]]:
    """Each shown start of a part for one command: options, part, and what is said to it."""
    found = []
    for shown in _SHOWN.findall(text):
        words = shlex.split(re.split(r"\)(?=\s|$|[,.;])| [>#<&] |\)$", shown)[0])
        options: list[str] = []
        while words and words[0].startswith("-"):
            options.append(words.pop(0))
            if _OF_RUN[options[-1]]:
                options.append(words.pop(0))
        if words:
            found.append((options, words[0], words[1:]))
    return found


def _set(part: str, monkeypatch: pytest.MonkeyPatch, further: Mapping[str, str] = {}) -> OpsSettings:
    monkeypatch.setattr("os.environ", {**_environment(part, _filled_in() | {"AVRR_LOGS_ORIGIN": "logs.example"}), **further})
    return read_settings()


def _hosts(part: str) -> set[str]:
    return {host for value in _given(part).values() for host in re.findall(r"[a-z]+://(?:[^@/]*@)?([a-z][a-z-]*):\d+", value or "")}


def test_of_every_command_is_known_which_part_gives_it_and_every_part_by_hand_gives_one() -> None:
    assert set(GIVEN_BY) == _leaves(COMMAND)
    assert {part for part in GIVEN_BY.values() if part is not None} == BY_HAND


@pytest.mark.parametrize(("command", "part"), [(command, part) for command, part in GIVEN_BY.items() if part is not None])
def test_the_guide_shows_how_a_command_is_given_in_containers(command: str, part: str) -> None:
    shown = []
    for options, named, words in _run_in(GUIDE):
        # What nobody understands is for another test.
        with contextlib.suppress(UsageError):
            if named in BY_HAND and "--entrypoint" not in options:
                shown.append((named, _told(named, words)))
    assert (part, command) in shown


def _told(part: str, words: Sequence[str]) -> str:
    """The command that a part gives when it is told these words, behind those of its entrypoint."""
    entrypoint = PARTS[part]["entrypoint"]
    assert entrypoint[:3] == ["python", "-m", "ops"]
    return _parsed([*entrypoint[3:], *words])


@pytest.mark.parametrize("command", [command for command, part in GIVEN_BY.items() if part is None])
def test_the_guide_says_of_what_cannot_be_given_in_a_container_that_it_cannot(command: str) -> None:
    _, _, none = GUIDE.partition("\n## What no container gives\n")
    assert f"`{command}`" in none or f"`{command.split(maxsplit=1)[0]}`" in none


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_what_a_page_shows_to_be_run_is_understood_by_the_part_that_is_named_and_is_its_own(page: Path) -> None:
    for options, part, words in _run_in(page.read_text(encoding="utf-8")):
        assert part in PARTS
        if "--entrypoint" in options:
            places = {place for _, place, _ in _volumes(part)}
            assert options[options.index("--entrypoint") + 1] in {"tar", "rm"}
            assert {word for word in words if word.startswith("/")} <= places | {f"{place}/2026" for place in places}
        elif part not in BY_HAND:
            # A module of the part's own, or what it always does.
            assert not words or importlib.util.find_spec(words[2])
        elif words and words != ["…"]:
            assert GIVEN_BY[_told(part, words)] == part


@pytest.mark.parametrize("part", sorted(BY_HAND))
def test_a_part_by_hand_gives_a_command_that_changes_nothing_where_none_is_said(part: str) -> None:
    given = _told(part, PARTS[part]["command"])
    assert GIVEN_BY[given] == part
    assert given in {"doctor", "audit checkpoints", "token", "keys show", "retention report"}


@pytest.mark.parametrize("part", sorted(BY_HAND))
def test_a_part_by_hand_is_in_a_network_with_everybody_whom_it_asks_and_in_none_besides(part: str) -> None:
    networks = set(PARTS[part]["networks"])
    asked = {host: set(PARTS[host]["networks"]) & networks for host in _hosts(part)}
    assert all(asked.values()), asked
    # Whoever asks the identity provider, or a vault, asks it outside.
    outside = {"outside"} if {"AVRR_OIDC_ISSUER", "AVRR_TRANSIT_URL"} & _given(part).keys() else set()
    needed = outside | {network for shared in asked.values() if len(shared) == 1 for network in shared}
    assert networks == needed


@pytest.mark.parametrize("part", ["desk", "auditor"])
def test_who_acts_by_their_own_token_is_given_no_secret_of_the_system(part: str) -> None:
    required = {name for value in _given(part).values() for name in REQUIRED.findall(value or "")}
    assert not [name for name in {*_given(part), *required} if re.search("PASSWORD|SECRET|KEY|TOKEN", name)]
    assert "depends_on" not in PARTS[part]
    assert "AVRR_TOKEN" not in _given(part)


async def test_the_desk_signs_people_in_and_reaches_whoever_holds_something_of_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _set("desk", monkeypatch, {"AVRR_TOKEN": "stated"})
    found = await reached(settings, _nobodys)
    assert (found.urls, found.token) == ({service.name: f"http://{service.name}:8000" for service in (*SERVICES, AUDIT)}, "stated")
    async with Outgoing(timeout=1, trust_env=False) as client:
        assert DeviceSignIn(client, settings, print)._issuer == "https://identity.example"
    read = {"AVRR_OIDC_ISSUER", "AVRR_COMMAND_LINE_CLIENT_ID", "AVRR_COMMAND_LINE_SCOPE", "AVRR_STEP_UP_ACR_VALUES"}
    assert read <= _names(OpsSettings)
    assert set(_given("desk")) == read | {f"AVRR_{service.name.upper()}_URL" for service in (*SERVICES, AUDIT)} | {"AVRR_MISSION_TIME_ZONE"}
    said = _set("desk", monkeypatch, _offered() | {"AVRR_COMMAND_LINE_CLIENT_ID": "another"})
    assert (said.command_line_client_id, said.step_up_acr_values) == ("another", ("phr",))


async def _nobodys(_: Addresses) -> str:
    raise AssertionError("there is no development provider")


@pytest.mark.parametrize("part", sorted(BY_HAND))
def test_what_a_part_by_hand_says_is_read_by_whoever_started_it_and_kept_by_nobody(part: str) -> None:
    # Docker hands it to the driver of logs as well, and any but this one writes it onto the machine's disk.
    assert PARTS[part]["logging"] == {"driver": "none"}


def test_what_any_other_part_says_is_kept() -> None:
    assert all(part["logging"] == {"driver": "local"} for name, part in PARTS.items() if name not in BY_HAND)


@pytest.mark.parametrize("part", sorted(BY_HAND))
def test_a_part_by_hand_makes_no_image_and_so_says_nothing_but_its_own_words(part: str) -> None:
    assert (PARTS[part]["image"], PARTS[part]["pull_policy"], "build" in PARTS[part]) == ("avrr", "never", False)


def test_where_a_stream_is_shown_nothing_that_makes_an_image_says_anything_into_it() -> None:
    shown = [found for page in _PAGES for found in _STREAM.findall(page.read_text(encoding="utf-8"))]
    streams = {part for _, part in shown}
    assert streams == {"desk", "auditor", "operator"}
    for words, part in shown:
        assert "-T" in words.split()
        # Whom a part waits for is made and started first.
        assert "--no-deps" in words.split() or "depends_on" not in PARTS[part]


@pytest.mark.parametrize("page", ["docs/containers.md", "docs/upgrading.md", "deploy/keycloak/README.md"])
def test_before_a_part_by_hand_is_shown_its_image_is_made(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    # A release that is taken back is another image than the one that was put in.
    for section in text.split("\n## ") if page == "docs/upgrading.md" else [text]:
        by_hand = [shown.start() for shown in _SHOWN.finditer(section) if {part for _, part, _ in _run_in(shown[0])} & BY_HAND]
        assert not by_hand or re.search(r"[`$]compose build[`\n]", section[: by_hand[0]])


def test_what_is_mounted_for_one_command_may_be_read_by_who_runs_in_the_container() -> None:
    assert "USER 10001:10001" in DOCKERFILE
    mounted = re.findall(r"--volume (\S+?):\S+:ro", GUIDE)
    assert len(mounted) == 2
    assert all(f"chmod 644 {file}" in GUIDE or f"chown 10001 {file}" in GUIDE for file in mounted)


def test_what_the_desk_collects_stays_nowhere() -> None:
    assert "volumes" not in PARTS["desk"]
    assert PARTS["desk"]["tmpfs"] == ["/tmp:size=16m"]  # noqa: S108
    shown = [(options, words) for options, part, words in _run_in(GUIDE) if part == "desk" and "access-request" in words]
    assert shown
    # A terminal would be given it, and end lines otherwise than they are.
    assert all("-T" in options and words[words.index("--out") + 1] == "-" for options, words in shown)
    assert GUIDE.index("umask 077") < GUIDE.index("desk access-request")


async def test_the_auditors_part_asks_archive_and_checkpointer_and_signs_by_a_key_that_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = _set("auditor", monkeypatch, {"AVRR_TOKEN": "stated"})
    source = taking._source(settings)
    assert (source.archive, source.checkpointer, await source.token()) == ("http://audit:8000", "http://checkpointer:8000", "stated")
    assert checkpointer_of(settings) == "http://checkpointer:8000"
    # The key is made where a volume is, and nothing else of the data folder is one.
    assert ("auditor_key", str(settings.secrets_folder), "rw") in _volumes("auditor")
    assert {place for _, place, _ in _volumes("auditor")} == {str(settings.secrets_folder), EXPORTS}
    signer = export_signer(settings.model_copy(update={"data": tmp_path}))
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {"secrets", "secrets/exports"}
    assert (tmp_path / "secrets" / "exports").stat().st_mode & 0o777 == 0o600
    # By the origin that the checkpointer has, which is told that key.
    keys = LogKeys(tmp_path / "logs", "logs.example")
    given = _filled_in() | {"AVRR_LOGS_ORIGIN": "logs.example", "AVRR_EXPORT_KEYS": str(signer.verifier_key)}
    given["AVRR_WITNESSES"] = f"witness ours {signer_in(tmp_path / 'witness', 'w.example').verifier_key} http://witness:8000, quorum ours"
    checkpointer = CheckpointerSettings.from_environment(_environment("checkpointer", given))
    policy = checkpointer.policy({log: keys.of(log, datetime(2026, 11, 27, tzinfo=UTC).date()) for log in LOG_NAMES})
    assert signer.verifier_key in policy.logs
    read = {"AVRR_DATA", "AVRR_LOGS_ORIGIN", "AVRR_CHECKPOINTER_URL"}
    assert read <= _names(OpsSettings)
    assert set(_given("auditor")) == read | {"AVRR_AUDIT_URL", "AVRR_MISSION_TIME_ZONE", "AVRR_STAFF_LIST"}


def test_exports_and_the_key_that_signs_them_are_in_volumes_that_are_closed_to_others() -> None:
    assert _who_has("auditor_key") == {"auditor"}
    # What was signed of a log before is brought out of an export, by whoever repairs.
    assert _who_has("exports") == {"auditor", "operator"}
    assert ("exports", EXPORTS, "ro") in _volumes("operator")
    for folder in ("/var/lib/avrr/auditor", "/var/lib/avrr/auditor/secrets", EXPORTS):
        assert f"install --directory --mode=0700 --owner=avrr --group=avrr {folder} \\\n" in DOCKERFILE
    assert {"auditor_key", "exports"} <= COMPOSE["volumes"].keys()
    written = [words[words.index("--out") + 1] for _, part, words in _run_in(GUIDE) if part == "auditor" and "--out" in words]
    assert written
    assert all(place.startswith(f"{EXPORTS}/") for place in written)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["audit", "export", "--from", "2026-01-01", "--to", "2026-12-31", "--out", "x"], "audit export"),
        (["keys", "rotate"], "keys rotate"), (["restored", "settle", "--event", str(datetime), "--outcome", "left"], None),
        (["audit", "export"], None), (["audit", "exports"], None), (["doctor", "returns"], None), (["token", "--who", "x"], None),
    ],
)  # fmt: skip
def test_what_the_real_parser_refuses_is_found(arguments: list[str], command: str | None) -> None:
    if command is not None:
        assert _parsed(arguments) == command
    else:
        with pytest.raises(UsageError):
            _parsed(arguments)


def test_what_is_run_is_found_where_it_is_shown() -> None:
    shown = "`docker compose … run --rm -T --env AVRR_TOKEN desk token` and x=$($compose run --rm operator restored list)\n# compose run --rm --no-deps prepare > file"
    assert _run_in(shown) == [
        (["--rm", "-T", "--env", "AVRR_TOKEN"], "desk", ["token"]), (["--rm"], "operator", ["restored", "list"]),
        (["--rm", "--no-deps"], "prepare", []),
    ]  # fmt: skip
