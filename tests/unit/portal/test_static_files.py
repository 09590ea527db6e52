"""Pages' files are kept for a year under the name of their content, packed where it pays, and refused when damaged."""

import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from services.portal.static_files import PREFIX, AssetsUnusable, StaticFiles

FONT = b"font" * 50
SCRIPT = b"const answer = 42;\n" * 40


def brought(built: Path, **files: bytes) -> Path:
    built.mkdir()
    entries = {}
    for name, content in files.items():
        (built / name).write_bytes(content)
        entries[name.replace("_", ".")] = {"file": name, "sha256": hashlib.sha256(content).hexdigest()}
    (built / "manifest.json").write_text(json.dumps({"made_from": {}, "files": entries}))
    return built


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return brought(tmp_path / "built", htmx_js=SCRIPT, vazirmatn_woff2=FONT)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "portal.css").write_text("@font-face { src: url(vazirmatn.woff2) }\nbody { margin: 0 }\n" * 20)
    return folder


@pytest.fixture
def files(own: Path, built: Path) -> StaticFiles:
    return StaticFiles.load(own, built)


@pytest.fixture
async def client(files: StaticFiles) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Mount(PREFIX, files)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal") as found:
        yield found


async def test_a_file_is_kept_for_a_year_and_its_name_is_that_of_its_content(
    files: StaticFiles, client: httpx.AsyncClient
) -> None:
    assert files.url("htmx.js") == f"/static/htmx.{hashlib.sha256(SCRIPT).hexdigest()[:8]}.js"
    answer = await client.get(files.url("htmx.js"))
    assert (answer.status_code, answer.content) == (200, SCRIPT)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_text_travels_packed_to_whoever_unpacks_it_and_a_font_never(
    files: StaticFiles, client: httpx.AsyncClient
) -> None:
    async with client.stream("GET", files.url("portal.css"), headers={"Accept-Encoding": "br, gzip;q=0.5"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert (len(raw), int(answer.headers["content-length"])) == (files.size("portal.css"), files.size("portal.css"))
    plain = await client.get(files.url("portal.css"), headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != answer.headers["etag"]
    assert (plain.headers["vary"], plain.content) == ("Accept-Encoding", gzip.decompress(raw))
    font = await client.get(files.url("vazirmatn.woff2"))
    assert ("content-encoding" in font.headers, font.content) == (False, FONT)


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_what_the_browser_already_has_is_not_sent_again(
    files: StaticFiles, client: httpx.AsyncClient, coding: str
) -> None:
    takes = {"Accept-Encoding": coding}
    tag = (await client.get(files.url("portal.css"), headers=takes)).headers["etag"]
    again = await client.get(files.url("portal.css"), headers={**takes, "If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await client.get(files.url("portal.css"), headers={**takes, "If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_a_style_sheet_points_at_the_font_where_it_is(files: StaticFiles, client: httpx.AsyncClient) -> None:
    sheet = (await client.get(files.url("portal.css"))).text
    name = files.url("vazirmatn.woff2").removeprefix(f"{PREFIX}/")
    assert f'url("{name}")' in sheet
    assert "vazirmatn.woff2" not in sheet


async def test_an_edited_style_sheet_gets_another_name(files: StaticFiles, own: Path, built: Path) -> None:
    with (own / "portal.css").open("a") as sheet:
        sheet.write("main { margin: 1rem }\n")
    assert StaticFiles.load(own, built).url("portal.css") != files.url("portal.css")


async def test_a_page_of_another_release_is_led_to_the_present_file_and_keeps_nothing_under_the_old_name(
    files: StaticFiles, client: httpx.AsyncClient
) -> None:
    answer = await client.get("/static/htmx.00000000.js")
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (302, b"", "no-store")
    assert answer.headers["location"] == files.url("htmx.js")


@pytest.mark.parametrize(
    "path", ["/static/htmx.js", "/static/none.00000000.js", "/static/../own/portal.css", "/static/", "/static/%2e%2e%2fmanifest.json"]
)  # fmt: skip
async def test_nothing_else_is_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


async def test_files_are_only_read(files: StaticFiles, client: httpx.AsyncClient) -> None:
    head = await client.head(files.url("htmx.js"), headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))
    refused = await client.post(files.url("htmx.js"))
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_a_missing_or_damaged_file_stops_the_start(own: Path, built: Path, tmp_path: Path) -> None:
    with pytest.raises(AssetsUnusable, match=r"missing: any \./avrr command brings them"):
        StaticFiles.load(own, tmp_path / "nowhere")
    (built / "htmx_js").write_bytes(b"half")
    with pytest.raises(AssetsUnusable, match=r"htmx\.js is not the file that set-up brought"):
        StaticFiles.load(own, built)


def test_a_style_sheet_that_asks_for_what_is_not_there_stops_the_start(own: Path, built: Path) -> None:
    (own / "portal.css").write_text('body { background: url("none.svg") }')
    with pytest.raises(AssetsUnusable, match=r"asks for none\.svg"):
        StaticFiles.load(own, built)


def test_what_set_up_brought_here_is_whole(own: Path) -> None:
    found = StaticFiles.load(own)
    assert found.size("htmx.js") < 20_000
    assert found.size("vazirmatn.woff2") < 50_000
