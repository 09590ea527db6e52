"""The embedded servers and their supervisor: they start anywhere, keep their data and leave nothing behind."""

import asyncio
import contextlib
import os
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from ops.children import Child, Program
from ops.embedded import postgres
from ops.embedded.nats import PROVISION, inbox
from ops.embedded.postgres import NOBODY, NOBODY_WITH_PASSAGE, EmbeddedPostgres, find_binaries
from ops.ports import LOOPBACK, Reservations, next_free
from ops.process import Processes
from ops.settings import PROJECT, CannotStart, OpsSettings
from ops.supervisor import Running
from shared.topology import COUNSELLING, RETURNS, durable

SLEEP_FOR_EVER = (sys.executable, "-c", "import signal; signal.pause()")


def _quiet(_: str) -> None:
    pass


def _system(folder: Path, *, restart: bool = False, **ports: int) -> Running:
    settings = OpsSettings(data=folder, database_url=None, nats_url=None, pg_bin=None, ports=ports)
    return Running(settings, other_ports={}, restart=restart, say=_quiet)


async def _on_nats(system: Running, user: str) -> Client:
    async def ignore(_: Exception) -> None:
        pass

    return await nats.connect(
        system.nats.url,
        user=user,
        password=system.nats.passwords[user],
        inbox_prefix=inbox(user).encode(),
        error_cb=ignore,
        max_reconnect_attempts=0,
    )


async def _stranger_on_nats(port: int) -> str:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    await reader.readline()
    writer.write(b'CONNECT {"verbose":false}\r\nPING\r\n')
    answer = (await reader.readline()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def _on_postgres(system: Running) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(system.postgres.url)


def _owner(path: Path) -> int:
    return path.stat().st_uid


def _modes(path: Path) -> dict[Path, tuple[int, int, int]]:
    return {
        place: (stat.S_IMODE(place.stat().st_mode), place.stat().st_uid, place.stat().st_gid)
        for place in (path, *path.parents)
    }


class _Supervisor:
    """A supervisor in a process of its own, and handles on the processes it started."""

    def __init__(self, folder: Path, kind: str, python: tuple[str, ...], more: dict[str, str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AVRR_")}
        environment |= more
        self.process = subprocess.Popen(
            [*python, "-m", "tests.integration.supervised", str(folder), kind],
            cwd=PROJECT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.handles: list[int] = []

    def until_running(self, *also: str) -> None:
        said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said += line
            if line.startswith("pid "):
                self.handles.append(os.pidfd_open(int(line.split()[1])))
            if all(word in said for word in ("running\n", *also)):
                return
        pytest.fail(said)

    def said_later(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def children_gone_within(self, seconds: float) -> bool:
        return all(select.select([handle], [], [], seconds)[0] for handle in self.handles)


@contextlib.contextmanager
def _supervisor(
    folder: Path, kind: str, python: tuple[str, ...] = (sys.executable,), **more: str
) -> Iterator[_Supervisor]:
    supervisor = _Supervisor(folder, kind, python, more)
    with supervisor.process:
        try:
            yield supervisor
        finally:
            supervisor.process.kill()
            for handle in supervisor.handles:
                os.close(handle)


async def test_both_servers_answer_only_to_their_generated_passwords(tmp_path: Path) -> None:
    async with _system(tmp_path / "data") as system:
        connection = await _on_postgres(system)
        assert await connection.fetchval("SHOW listen_addresses") == LOOPBACK
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(system.postgres.url_for("postgres", "avrr", "guessed"))
        client = await _on_nats(system, PROVISION)
        await client.close()
        assert "Authorization Violation" in await _stranger_on_nats(system.ports["nats"])
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "data" / "nats" / "nats.conf").stat().st_mode) == 0o600


async def test_the_next_start_finds_the_data_of_the_last(tmp_path: Path) -> None:
    async with _system(tmp_path / "data") as system:
        connection = await _on_postgres(system)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await connection.close()
        client = await _on_nats(system, PROVISION)
        await client.jetstream().add_stream(StreamConfig(name=RETURNS.stream, subjects=[RETURNS.subjects]))
        await client.close()
    async with _system(tmp_path / "data") as system:
        connection = await _on_postgres(system)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        await connection.close()
        client = await _on_nats(system, PROVISION)
        assert (await client.jetstream().stream_info(RETURNS.stream)).config.name == RETURNS.stream
        await client.close()


async def test_a_service_can_do_what_its_table_says_and_nothing_else(tmp_path: Path) -> None:
    async with _system(tmp_path / "data") as system:
        keeper, returns, counselling = [
            await _on_nats(system, user) for user in (PROVISION, RETURNS.name, COUNSELLING.name)
        ]
        follower = durable(COUNSELLING, RETURNS)
        await keeper.jetstream().add_stream(StreamConfig(name=RETURNS.stream, subjects=[RETURNS.subjects]))
        await keeper.jetstream().add_consumer(
            RETURNS.stream, ConsumerConfig(durable_name=follower, ack_policy=AckPolicy.EXPLICIT)
        )

        stored = await returns.jetstream().publish("avrr.returns.case.opened", b"{}")
        assert stored.seq == 1
        assert (await returns.jetstream().stream_info(RETURNS.stream)).state.messages == 1
        assert (await returns.jetstream().get_msg(RETURNS.stream, 1)).data == b"{}"

        subscription = await counselling.jetstream().pull_subscribe_bind(follower, stream=RETURNS.stream)
        (message,) = await subscription.fetch(1, timeout=5)
        await message.ack_sync(timeout=5)
        floor = (await subscription.consumer_info()).ack_floor
        assert floor is not None
        assert floor.stream_seq == 1

        # What is forbidden is not answered.
        for forbidden in (
            counselling.jetstream(timeout=0.3).publish("avrr.returns.case.opened", b"{}"),
            counselling.jetstream(timeout=0.3).stream_info(RETURNS.stream),
            returns.jetstream(timeout=0.3).delete_stream(RETURNS.stream),
            returns.jetstream(timeout=0.3).purge_stream(RETURNS.stream),
            keeper.jetstream(timeout=0.3).publish("avrr.returns.case.opened", b"{}"),
            keeper.jetstream(timeout=0.3).get_msg(RETURNS.stream, 1),
        ):
            with pytest.raises(NatsError):
                await forbidden
        assert (await returns.jetstream().stream_info(RETURNS.stream)).state.messages == 1
        for client in (keeper, returns, counselling):
            await client.close()


async def test_nothing_outside_the_data_folder_changes_owner_or_permissions(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    binaries = find_binaries().folder
    before = _modes(closed) | _modes(binaries)
    async with _system(closed / "data"):
        pass
    assert _modes(closed) | _modes(binaries) == before


async def test_a_half_made_data_folder_is_made_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "data" / "postgres.unfinished"
    (unfinished / "base").mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    (tmp_path / "data").chmod(0o700)
    (tmp_path / "data" / "supervisor.lock").touch()
    (tmp_path / "data" / "postgres").mkdir()
    async with _system(tmp_path / "data") as system:
        await (await _on_postgres(system)).close()
    assert not unfinished.exists()
    assert not (tmp_path / "data" / "postgres.password").exists()


async def test_a_data_folder_of_another_version_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "postgres"
    folder.mkdir(parents=True)
    (tmp_path / "data" / "supervisor.lock").touch()
    (folder / "PG_VERSION").write_text("12\n")
    with pytest.raises(CannotStart) as refused:
        async with _system(tmp_path / "data"):
            pass
    assert refused.value.code == "postgres_other_version"
    assert [path.name for path in folder.iterdir()] == ["PG_VERSION"]


async def test_a_server_starts_once_those_of_one_that_was_killed_have_left_however_much_they_say(tmp_path: Path) -> None:
    real, programs = find_binaries().folder, tmp_path / "bin"
    programs.mkdir()
    for program in real.iterdir():
        (programs / program.name).symlink_to(program)
    (programs / "postgres").unlink()
    (programs / "postgres").write_text(
        f"""#!/bin/sh
case "$*" in *--version*) exec "{real}/postgres" "$@";; esac
echo started >> "{tmp_path}/starts"
[ "$(wc -l < "{tmp_path}/starts")" -gt 2 ] && exec "{real}/postgres" "$@"
echo 'FATAL:  pre-existing shared memory block (key 5, ID 1) is still in use' >&2
for one in $(seq 150); do echo 'FATAL:  terminating connection due to unexpected postmaster exit' >&2; done
exit 1
"""
    )
    (programs / "postgres").chmod(0o755)
    async with _system(tmp_path / "data") as system:
        await (await _on_postgres(system)).close()
    (tmp_path / "starts").touch()
    (tmp_path / "starts").chmod(0o666)
    tmp_path.chmod(0o755)
    processes = Processes(tmp_path / "data" / "logs", _quiet)
    password = (tmp_path / "data" / "secrets" / "postgres_admin").read_text()
    server = EmbeddedPostgres(
        tmp_path / "data" / "postgres", password=password, port=next_free(17532), processes=processes, binaries=find_binaries(programs),
    )  # fmt: skip
    process = await server.start()
    await process.stop(server.stop_signal)
    assert (tmp_path / "starts").read_text().splitlines() == ["started"] * 3


async def test_the_number_of_a_long_gone_server_may_belong_to_another_process_now(tmp_path: Path) -> None:
    async with _system(tmp_path / "data"):
        pass
    other = await asyncio.create_subprocess_exec(*SLEEP_FOR_EVER)
    try:
        (tmp_path / "data" / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n")
        async with _system(tmp_path / "data") as system:
            await (await _on_postgres(system)).close()
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()


async def test_usual_ports_that_are_taken_are_replaced(tmp_path: Path) -> None:
    with contextlib.ExitStack() as held:
        for port in (15432, 14222, 18222):
            reservation = Reservations()
            held.callback(reservation.close)
            # One that somebody has already serves as well; where they reserved it, they may be about to listen there again.
            if reservation.take(port):
                with contextlib.suppress(OSError):
                    held.enter_context(socket.create_server((LOOPBACK, port)))
        async with _system(tmp_path / "data") as system:
            assert system.ports["postgres"] != 15432
            assert system.ports["nats"] != 14222
            await (await _on_postgres(system)).close()


async def test_a_named_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    port = next_free(24000)
    with socket.create_server((LOOPBACK, port)), pytest.raises(CannotStart) as refused:
        async with _system(tmp_path / "data", postgres=port):
            pass
    assert refused.value.code == "port_taken"
    assert str(port) in refused.value.sentence


async def test_two_supervisors_never_share_a_data_folder(tmp_path: Path) -> None:
    async with _system(tmp_path / "data") as system:
        with pytest.raises(CannotStart) as refused:
            async with _system(tmp_path / "data"):
                pass
        assert refused.value.code == "data_folder_in_use"
        await (await _on_postgres(system)).close()


async def test_what_is_stopped_stays_down_until_it_is_started(tmp_path: Path) -> None:
    async with _system(tmp_path / "data", restart=True) as system:
        for name in ("nats", "postgres"):
            await system.stop(name)
            assert system.pid(name) is None
        with pytest.raises(OSError, match=r"refused|failed"):
            await _on_postgres(system)
        for name in ("nats", "postgres"):
            await system.start(name)
        await (await _on_postgres(system)).close()
        await (await _on_nats(system, PROVISION)).close()


async def test_whatever_is_killed_comes_back_where_that_was_asked_for(tmp_path: Path) -> None:
    async with _system(tmp_path / "data", restart=True) as system:
        await system.add(Child("sleeper", SLEEP_FOR_EVER))
        for name in ("postgres", "nats", "sleeper"):
            before = system.pid(name)
            await system.kill(name)
            await system.ready(name)
            assert system.pid(name) not in (before, None)
        await (await _on_postgres(system)).close()
        await (await _on_nats(system, PROVISION)).close()
        assert not system.failure.done()


async def test_ctrl_c_in_a_terminal_reaches_only_the_supervisor(tmp_path: Path) -> None:
    async with _system(tmp_path / "data") as system:
        await system.add(Child("sleeper", SLEEP_FOR_EVER))
        for name in ("postgres", "nats", "sleeper"):
            pid = system.pid(name)
            assert pid is not None
            assert os.getsid(pid) == pid


async def test_what_the_supervisor_restarts_itself_is_no_failure(tmp_path: Path) -> None:
    async with _system(tmp_path / "data") as system:
        await system.add(Child("sleeper", SLEEP_FOR_EVER))
        for name in ("sleeper", "nats", "postgres", "sleeper"):
            await system.restart(name)
        await system.kill("sleeper")
        assert system.pid("sleeper") is None
        assert not system.failure.done()


async def test_a_part_that_ends_unasked_is_a_failure_with_its_name_and_signal(tmp_path: Path) -> None:
    async with _system(tmp_path / "data") as system:
        await system.add(Child("sleeper", SLEEP_FOR_EVER))
        pid = system.pid("sleeper")
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        ended = await system.failure
        assert str(ended) == "sleeper was killed by SIGKILL"


async def test_a_child_sees_no_variable_of_avrr_but_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVRR_MASTER_PASSWORD", "not for services")
    async with _system(tmp_path / "data") as system:
        show = "import os, signal; print(sorted(k for k in os.environ if k.startswith('AVRR_')), flush=True)"
        heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def hear(line: str) -> None:
            if "|" in line and not heard.done():
                heard.set_result(line.partition("|")[2].strip())

        processes = Processes(system.settings.logs_folder, hear)
        program = Program(
            Child("shower", (sys.executable, "-c", f"{show}; signal.pause()"), {"AVRR_PORT": "1"}),
            processes,
            False,
        )
        process = await program.start()
        assert await heard == "['AVRR_PORT']"
        await process.stop()


def test_killing_the_supervisor_leaves_no_process_and_the_next_start_works(tmp_path: Path) -> None:
    with _supervisor(tmp_path / "data", "plain") as first:
        first.until_running()
        first.process.kill()
        assert len(first.handles) == 3
        assert first.children_gone_within(60)
    with _supervisor(tmp_path / "data", "plain") as second:
        second.until_running()


def test_a_start_right_after_a_kill_waits_for_what_is_left(tmp_path: Path) -> None:
    with _supervisor(tmp_path / "data", "plain") as first:
        first.until_running()
        first.process.kill()
        with _supervisor(tmp_path / "data", "plain") as second:
            second.until_running()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("kind", "code"), [("plain", 0), ("work", 130)])
def test_one_signal_ends_everything_in_good_order(
    tmp_path: Path, kind: str, code: int, how: signal.Signals
) -> None:
    with _supervisor(tmp_path / "data", kind) as supervisor:
        supervisor.until_running()
        supervisor.process.send_signal(how)
        assert "Traceback" not in supervisor.said_later()
        assert supervisor.process.wait() == code
        assert supervisor.children_gone_within(0)
    assert "database system is shut down" in (tmp_path / "data" / "logs" / "postgres.log").read_text()


def test_a_second_signal_does_not_wait_for_a_child_that_will_not_end(tmp_path: Path) -> None:
    with _supervisor(tmp_path / "data", "stubborn") as supervisor:
        supervisor.until_running("deaf\n")
        assert supervisor.process.stdout is not None
        supervisor.process.send_signal(signal.SIGINT)
        while "not yet" not in supervisor.process.stdout.readline():
            assert supervisor.process.poll() is None
        supervisor.process.send_signal(signal.SIGINT)
        supervisor.said_later()
        supervisor.process.wait()
        assert supervisor.children_gone_within(60)


def test_a_child_that_ends_stops_everything_and_is_named_with_its_last_words(tmp_path: Path) -> None:
    with _supervisor(tmp_path / "data", "failing") as supervisor:
        said = supervisor.said_later()
        assert supervisor.process.wait() == 1
    assert "avrr: failing ended with code 3; everything else is stopped too." in said
    assert "    out of paper" in said
    assert "Traceback" not in said


def _can_run(user: tuple[str, ...], python: str, environment: dict[str, str]) -> bool:
    # A shell in between, because setpriv itself still starts programs with root's rights.
    command = ["/bin/sh", "-c", 'exec "$0" -c "import ops.supervisor"', python]
    return (
        subprocess.run(
            [*user, *command], env=environment, cwd=PROJECT, stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_everything() -> None:
    # The folders that pytest makes are closed to others.
    folder = Path(tempfile.mkdtemp(prefix="avrr-ordinary-"))
    try:
        os.chown(folder, NOBODY, NOBODY)
        user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
        packages, scripts = sysconfig.get_path("purelib"), sysconfig.get_path("scripts")
        more = {"PYTHONPATH": packages, "PATH": f"{scripts}:/usr/bin:/bin"}
        # Root's own Python may lie in a folder that is closed to others.
        pythons = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
        usable = [python for python in pythons if _can_run(user, python, more)]
        if not usable:
            pytest.skip("no Python that an ordinary user can run with these packages")
        for _ in range(2):
            with _supervisor(folder / "data", "plain", (*user, usable[0]), **more) as supervisor:
                supervisor.until_running()
                supervisor.process.send_signal(signal.SIGINT)
                supervisor.said_later()
                assert supervisor.process.wait() == 0
        assert (folder / "data" / "postgres").stat().st_uid == NOBODY
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="for root, with setpriv")
async def test_where_name_spaces_are_refused_root_starts_the_server_as_nobody(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before = _modes(closed)
    processes = Processes(closed / "logs", _quiet)
    for user in (NOBODY_WITH_PASSAGE, postgres.OWN_NAMESPACE, NOBODY_WITH_PASSAGE):
        server = EmbeddedPostgres(
            closed / "postgres",
            password="invented",
            port=next_free(24100),
            processes=processes,
            binaries=find_binaries(),
            user=user,
        )
        process = await server.start()
        assert _owner(Path(f"/proc/{process.pid}")) == user.uid
        connection = await asyncpg.connect(server.address.url)
        await connection.close()
        await process.stop(server.stop_signal)
        assert _owner(closed / "postgres") == user.uid
    assert _modes(closed) == before
