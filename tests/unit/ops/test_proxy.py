"""What stands between people and the portal: by a real nginx where the machine has one, and by its text everywhere."""

import contextlib
import http.client
import http.server
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.bus_keys import AUTHORITY, CA_FILE, CERTIFICATE_FILE, KEY_FILE, SERVER, make_bus_keys
from ops.settings import PROJECT
from services.portal.file_forms import MAX_UPLOAD_BYTES
from shared.surroundings import MAX_BODY_BYTES

PROXY = PROJECT / "deploy" / "proxy"
CONF = (PROXY / "nginx.conf").read_text()
IDENTITY: dict[str, Any] = yaml.safe_load((PROJECT / "deploy" / "compose.identity.yaml").read_text())
KEYCLOAK = (PROJECT / "deploy" / "keycloak" / "Dockerfile").read_text()
NGINX = shutil.which("nginx")
NAMES = ("portal.example", "identity.example", "api.example")
PASSED = {"portal": "http://portal:8000", "identity": "http://keycloak:8080", "returns": "http://returns:8000"}

with_nginx = pytest.mark.skipif(NGINX is None, reason="NO NGINX ON THIS MACHINE: the proxy's behaviour is not tested (apt-get install nginx-light)")


@dataclass
class Behind:
    """A server behind the proxy, and what reached it."""

    port: int
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextlib.contextmanager
def _behind() -> Iterator[Behind]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behind.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Strict-Transport-Security", "max-age=1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 -- the library's way to name methods

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        behind = Behind(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield behind
        finally:
            server.shutdown()


@dataclass
class Running:
    """A running proxy and those behind it."""

    tls: int
    plain: int
    ca: Path
    behind: dict[str, Behind]
    logs: Path

    def ask(self, name: str, path: str, method: str = "GET", body: bytes | None = None, said: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=10, context=context)
        connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", self.tls), timeout=10), server_hostname=name)
        connection.request(method, path, body, {"Host": name, **(said or {})})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


def _rendered(folder: Path, api: str, ports: dict[str, int], behind: dict[str, Behind]) -> Path:
    text = CONF.replace("/tmp/", f"{folder}/").replace("/etc/nginx/tls/", f"{folder}/tls/").replace("/dev/stdout", f"{folder}/access")  # noqa: S108
    text = text.replace("error_log stderr", f"error_log {folder}/errors")
    text = text.replace("include /etc/nginx/api.conf;", (PROXY / f"api.{api}.conf").read_text())
    # There are no names of Docker's here; each is the address of a server of ours.
    text = re.sub(r"(?m)^ *resolver .*$", "", text)
    # However slow this machine is, nobody gets more by waiting.
    assert "rate=30r/s" in text
    text = text.replace("rate=30r/s", "rate=1r/m")
    for name, address in PASSED.items():
        text = text.replace(address, f"http://127.0.0.1:{behind[name].port}")
    for port, found in ports.items():
        text = text.replace(f"listen {port}", f"listen 127.0.0.1:{found}").replace(f"listen 127.0.0.1:{port}", f"listen 127.0.0.1:{found}")
    file = folder / "nginx.conf"
    file.write_text(text)
    return file


@pytest.fixture
def proxy(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    make_bus_keys(tmp_path / "keys", NAMES, datetime.now(UTC))
    (tmp_path / "tls").mkdir()
    shutil.copy(tmp_path / "keys" / SERVER / CERTIFICATE_FILE, tmp_path / "tls" / "fullchain.pem")
    shutil.copy(tmp_path / "keys" / SERVER / KEY_FILE, tmp_path / "tls" / "privkey.pem")
    with contextlib.ExitStack() as open_:
        behind = {name: open_.enter_context(_behind()) for name in PASSED}
        with contextlib.ExitStack() as free:
            sockets = [free.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
            ports = dict(zip(("8443", "8080", "8081"), (one.getsockname()[1] for one in sockets), strict=True))
        file = _rendered(tmp_path, getattr(request, "param", "closed"), ports, behind)
        assert NGINX is not None
        process = open_.enter_context(subprocess.Popen([NGINX, "-c", file, "-e", tmp_path / "errors", "-g", "daemon off;"]))
        open_.callback(process.terminate)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports["8443"]), timeout=5):
                break
            assert process.poll() is None, (tmp_path / "errors").read_text()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        yield Running(ports["8443"], ports["8080"], tmp_path / "keys" / AUTHORITY / CA_FILE, behind, tmp_path)


@with_nginx
def test_what_a_client_says_of_where_it_comes_from_does_not_arrive(proxy: Running) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert proxy.ask("portal.example", "/cases", said=forged).status == 200
    ((path, headers),) = proxy.behind["portal"].heard
    assert (path, headers["host"]) == ("/cases", "portal.example")
    assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert "203.0.113.9" not in " ".join(headers.values())


@with_nginx
@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz"])
def test_figures_and_health_are_not_published(proxy: Running, path: str) -> None:
    assert proxy.ask("portal.example", path).status == 404
    assert proxy.behind["portal"].heard == []


@with_nginx
def test_every_answer_says_once_that_this_name_is_spoken_to_by_tls(proxy: Running) -> None:
    for name, path in (("portal.example", "/"), ("portal.example", "/metrics"), ("identity.example", "/admin/")):
        assert proxy.ask(name, path).headers.get_all("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]


@with_nginx
def test_of_the_identity_provider_only_its_realm_is_published(proxy: Running) -> None:
    for path, status in (("/realms/avrr/protocol/openid-connect/auth", 200), ("/resources/x.css", 200), ("/admin/", 404), ("/realms/master/", 404), ("/metrics", 404)):
        assert proxy.ask("identity.example", path).status == status
    assert len(proxy.behind["identity"].heard) == 2


@with_nginx
def test_nothing_of_the_api_is_published_unless_the_mission_says_so(proxy: Running) -> None:
    proxy.ask("api.example", "/v1/status/abc")
    assert proxy.behind["returns"].heard == []


@with_nginx
@pytest.mark.parametrize("proxy", ["open"], indirect=True)
def test_a_published_api_is_one_path_for_reading(proxy: Running) -> None:
    asked = (("GET", "/v1/status/abc", 200), ("POST", "/v1/status/abc", 403), ("GET", "/v1/cases", 404), ("GET", "/v1/status/../cases", 404))
    assert [proxy.ask("api.example", path, method).status for method, path, _ in asked] == [status for _, _, status in asked]
    ((path, headers),) = proxy.behind["returns"].heard
    assert (path, headers["host"]) == ("/v1/status/abc", "returns")


@with_nginx
def test_a_body_that_nobody_behind_would_take_is_refused_in_front(proxy: Running) -> None:
    assert proxy.ask("portal.example", "/", "POST", b"x" * MAX_UPLOAD_BYTES).status == 200
    assert proxy.ask("portal.example", "/", "POST", said={"Content-Length": str(MAX_UPLOAD_BYTES + 1)}).status == 413


@with_nginx
def test_a_flood_from_one_address_is_told_to_wait(proxy: Running) -> None:
    statuses = [proxy.ask("portal.example", "/cases/invented-case").status for _ in range(152)]
    assert (set(statuses[:151]), statuses[151]) == ({200}, 429)


@with_nginx
def test_neither_log_names_a_page_whatever_goes_wrong(proxy: Running) -> None:
    assert proxy.ask("portal.example", "/cases/invented-case", "POST", said={"Content-Length": str(MAX_UPLOAD_BYTES + 1)}).status == 413
    for _ in range(152):
        proxy.ask("portal.example", "/cases/invented-case", said={"Referer": "https://portal.example/persons/invented-person"})
    # It answers first, and notes it then.
    for _ in range(200):
        if (proxy.logs / "access").read_text().count("\n") >= 153:
            break
        time.sleep(0.05)
    told = [(proxy.logs / name).read_text() for name in ("errors", "access")]
    assert [line.split(" ")[3] for line in told[1].splitlines()].count("429") >= 1
    assert "invented" not in "".join(told)


@with_nginx
def test_without_tls_people_are_led_to_it_and_programs_are_not(proxy: Running) -> None:
    for name, status in (("portal.example", 308), ("api.example", 404)):
        connection = http.client.HTTPConnection("127.0.0.1", proxy.plain, timeout=10)
        connection.request("GET", "/cases", headers={"Host": name})
        answer = connection.getresponse()
        assert answer.status == status
        if status == 308:
            assert answer.headers["Location"] == "https://portal.example/cases"
        connection.close()


@with_nginx
def test_tls_of_before_1_2_is_refused(proxy: Running) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(proxy.ca)
    with pytest.warns(DeprecationWarning, match=r"TLSv1"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", proxy.tls), timeout=10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="portal.example")


def test_the_proxy_takes_what_those_behind_it_take() -> None:
    assert f"client_max_body_size {MAX_BODY_BYTES // 1024}k;" in CONF
    assert f"client_max_body_size {MAX_UPLOAD_BYTES // 1024 // 1024}m;" in CONF


def test_no_line_of_the_log_holds_an_address_of_a_page() -> None:
    (kept,) = re.findall(r"log_format kept '([^']*)'", CONF)
    assert not re.search(r"\$(request\b|request_uri|uri|args|query_string|http_)", kept)
    assert set(re.findall(r"access_log ([^;]+);", CONF)) == {"/dev/stdout kept", "off"}
    # Whatever a request can cause names it, and nothing of that is as grave.
    assert re.findall(r"error_log ([^;]+);", CONF) == ["stderr alert"]
    assert dict(re.findall(r"(limit_\w+_log_level) (\w+);", CONF)) == {"limit_req_log_level": "info", "limit_conn_log_level": "info"}
    for api in ("open", "closed"):
        assert "_log" not in (PROXY / f"api.{api}.conf").read_text()


@pytest.mark.parametrize("part", ["keycloak", "keycloak_postgres"])
def test_the_identity_provider_can_neither_change_its_root_nor_gain_rights(part: str) -> None:
    found = IDENTITY["services"][part]
    assert (found["read_only"], found["cap_drop"], found["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    assert {"mem_limit", "cpus", "healthcheck"} <= found.keys()
    for name, value in found["environment"].items():
        if "PASSWORD" in name:
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value)


def test_the_identity_provider_is_reached_by_the_proxy_and_administered_from_this_machine_alone() -> None:
    keycloak, database = IDENTITY["services"]["keycloak"], IDENTITY["services"]["keycloak_postgres"]
    assert IDENTITY["services"]["proxy"] == {"networks": ["identity"]}
    assert keycloak["ports"] == ["127.0.0.1:8180:8080"]
    assert "ports" not in database
    assert database["networks"] == ["identity_database"]
    assert [name for name, part in IDENTITY["services"].items() if "identity_database" in part["networks"]] == ["keycloak_postgres", "keycloak"]
    assert {name for name, network in IDENTITY["networks"].items() if network.get("internal")} == {"identity", "identity_database"}


def test_the_identity_providers_image_has_the_realm_with_the_portals_own_address() -> None:
    bases = re.findall(r"(?m)^FROM (\S+)", KEYCLOAK)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"quay\.io/keycloak/keycloak:26\.\d+", bases[0])
    assert "https:\\/\\/portal.example.org/$AVRR_PORTAL_ORIGIN" in KEYCLOAK
    assert "https://portal.example.org" in (PROJECT / "deploy" / "keycloak" / "realm-avrr.json").read_text()
    assert re.findall(r"(?m)^USER (\S+)$", KEYCLOAK) == ["1000:0"]
