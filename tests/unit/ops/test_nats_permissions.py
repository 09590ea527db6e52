"""Who may do what on the broker."""

import fnmatch
import re
from pathlib import Path

import pytest

from ops.embedded.nats import (
    OPERATOR,
    PROVISION,
    Permissions,
    all_permissions,
    configuration,
    host_and_port,
    permissions,
    provision_permissions,
)
from shared.topology import COUNSELLING, LOGS, REINTEGRATION, RETURNS, Service


def _covers(pattern: str, subject: str) -> bool:
    wanted, found = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted, found = wanted[:-1], found[: len(wanted) - 1] if len(found) >= len(wanted) else []
    return len(wanted) == len(found) and all(
        one in ("*", other) for one, other in zip(wanted, found, strict=True)
    )


def _may_publish(allowed: Permissions, subject: str) -> bool:
    return any(_covers(pattern, subject) for pattern in allowed.publish)


def test_a_service_gets_exactly_what_relay_and_consumers_need() -> None:
    assert permissions(REINTEGRATION) == Permissions(
        publish=(
            "avrr.reintegration.>",
            "avrr_head.reintegration",
            "$JS.API.STREAM.INFO.REINTEGRATION",
            "$JS.API.STREAM.MSG.GET.REINTEGRATION",
            "$JS.API.CONSUMER.INFO.RETURNS.reintegration_follows_returns",
            "$JS.API.CONSUMER.MSG.NEXT.RETURNS.reintegration_follows_returns",
            "$JS.ACK.RETURNS.reintegration_follows_returns.>",
            "$JS.ACK.*.*.RETURNS.reintegration_follows_returns.>",
            "$JS.API.CONSUMER.INFO.COUNSELLING.reintegration_follows_counselling",
            "$JS.API.CONSUMER.MSG.NEXT.COUNSELLING.reintegration_follows_counselling",
            "$JS.ACK.COUNSELLING.reintegration_follows_counselling.>",
            "$JS.ACK.*.*.COUNSELLING.reintegration_follows_counselling.>",
        ),
        subscribe=("_INBOX_reintegration.>", "avrr_head.returns", "avrr_head.counselling"),
    )


@pytest.mark.parametrize("service", LOGS, ids=lambda service: service.name)
def test_no_service_may_publish_in_anothers_name(service: Service) -> None:
    for other in LOGS:
        assert _may_publish(permissions(service), f"avrr.{other.name}.case.opened") == (other is service)
        assert _may_publish(permissions(service), f"avrr_head.{other.name}") == (other is service)


@pytest.mark.parametrize("service", LOGS, ids=lambda service: service.name)
def test_no_service_may_change_a_stream_or_a_consumer(service: Service) -> None:
    allowed = permissions(service)
    for act in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE"):
        assert not _may_publish(allowed, f"$JS.API.STREAM.{act}.{service.stream}")
    for act in ("CREATE", "DURABLE.CREATE", "DELETE"):
        assert not _may_publish(allowed, f"$JS.API.CONSUMER.{act}.RETURNS.x")


def test_a_service_may_not_acknowledge_for_another() -> None:
    assert not _may_publish(
        permissions(COUNSELLING), "$JS.ACK.RETURNS.reintegration_follows_returns.1.2.3.4.5"
    )
    assert not _may_publish(permissions(RETURNS), "$JS.ACK.RETURNS.reintegration_follows_returns.1.2.3.4.5")


def test_the_keeper_of_streams_may_publish_no_event_and_read_none() -> None:
    allowed = provision_permissions()
    assert not _may_publish(allowed, "avrr.returns.case.opened")
    assert not _may_publish(allowed, "$JS.API.STREAM.MSG.GET.RETURNS")
    assert not _may_publish(allowed, "$JS.API.CONSUMER.MSG.NEXT.RETURNS.counselling_follows_returns")
    assert not _may_publish(allowed, "$JS.API.STREAM.PURGE.RETURNS")


def test_nobody_hears_anything_but_the_own_answers_and_how_long_the_followed_logs_are() -> None:
    heads = {service.name: tuple(f"avrr_head.{name}" for name in service.follows) for service in LOGS}
    for user, allowed in all_permissions().items():
        assert allowed.subscribe == (f"_INBOX_{user}.>", *heads.get(user, ()))



def test_no_right_is_a_bare_wildcard() -> None:
    for allowed in all_permissions().values():
        for subject in allowed.publish:
            assert not fnmatch.fnmatch(subject.split(".")[0], "[*>]")
            assert not re.fullmatch(r"(\$JS(\.API|\.ACK)?|avrr)\.[>*]", subject)


def test_the_server_acknowledges_only_what_is_on_disk_and_listens_on_loopback() -> None:
    table = all_permissions()
    written = configuration(
        port=14222,
        monitor_port=18222,
        store=Path("/data/nats/store"),
        pid_file=Path("/data/nats/nats.pid"),
        passwords={user: f"password of {user}" for user in table},
        table=table,
    )
    assert written["jetstream"] == {"store_dir": "/data/nats/store", "sync_interval": "always"}
    assert (written["listen"], written["http"]) == ("127.0.0.1:14222", "127.0.0.1:18222")
    assert written["max_payload"] == 65536
    accounts = written["accounts"]
    assert isinstance(accounts, dict)
    assert [user["user"] for user in accounts["AVRR"]["users"]] == [*(s.name for s in LOGS), PROVISION, OPERATOR]
    assert accounts["SYS"] == {}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("nats://user:word@broker:4333", "broker:4333"),
        ("tls://broker", "broker:4222"),
        ("nats://one:4222,nats://two:4222", "one:4222"),
    ],
)
def test_the_address_shown_holds_no_password(url: str, place: str) -> None:
    assert host_and_port(url) == place
