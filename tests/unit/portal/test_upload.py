"""A form with a file, read as it comes: what is kept of it, what is dropped, what is no form of ours."""

from collections.abc import AsyncIterator
from contextlib import ExitStack

import httpx
import pytest
from fastapi import FastAPI, Request

from services.portal.upload import UPLOADS_AT_A_TIME, NoSuchForm, Places, SentForm, read_form
from tests.unit.shared.files.examples import jpeg, pdf, png

EVIDENCE_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
FIELDS = {"evidence_id": EVIDENCE_ID, "kind": "receipt", "tranche": ""}
BOUND = 4096


def form(
    content: bytes = b"", said: str = "image/jpeg", name: str = "IMG-1.jpg", field: str = "file", fields: dict[str, str] = FIELDS
) -> httpx.Request:
    return httpx.Request("POST", "http://portal/form", data=fields, files={field: (name, content, said)})


async def read(sent: httpx.Request, content: bytes | None = None, step: int = 1 << 20) -> SentForm:
    """What is read of a form that comes in pieces of this length."""
    found: list[SentForm] = []
    app = FastAPI()

    @app.post("/form")
    async def take(request: Request) -> None:
        found.append(await read_form(request, "file", BOUND))

    body = sent.read() if content is None else content

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), step):
            yield body[start : start + step]

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://portal") as client:
        await client.post("/form", content=pieces(), headers={"content-type": sent.headers["content-type"]})
    return found[0]


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
async def test_fields_and_file_come_as_they_were_sent_in_whatever_pieces(step: int) -> None:
    found = await read(form(jpeg()), step=step)
    assert found.fields == {"evidence_id": [EVIDENCE_ID], "kind": ["receipt"], "tranche": [""]}
    assert found.file is not None
    assert (bytes(found.file.content), found.file.media_type, found.file.too_long) == (jpeg(), "image/jpeg", False)
    assert b"".join([piece async for piece in found.file.pieces()]) == jpeg()


async def test_a_file_as_long_as_the_bound_is_kept_and_of_a_longer_one_nothing() -> None:
    whole = (await read(form(bytes(BOUND)), step=1000)).file
    assert whole is not None and len(whole.content) == BOUND and not whole.too_long
    found = await read(form(bytes(BOUND + 1)), step=1000)
    assert found.file is not None and found.file.too_long and found.file.content == b""
    assert found.fields["kind"] == ["receipt"]


async def test_nothing_chosen_is_no_file_and_an_empty_file_is_one() -> None:
    # What a browser sends of a field in which nothing was chosen.
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename='
    rest = b"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    sent = httpx.Request("POST", "http://portal/form", headers={"content-type": "multipart/form-data; boundary=x"})
    assert (await read(sent, head + b'""' + rest)).file is None
    empty = (await read(sent, head + b'"a.pdf"' + rest)).file
    assert empty is not None and empty.content == b""


@pytest.mark.parametrize(
    ("said", "content", "passed_on"),
    [
        ("application/octet-stream", jpeg(), "image/jpeg"),
        ("application/octet-stream", pdf(), "application/pdf"),
        ("application/octet-stream", b"MZ\x90\x00", "application/octet-stream"),
        ("image/jpg", jpeg(), "image/jpeg"),
        ("IMAGE/PNG; name=x", png(), "image/png"),
        ("application/pdf", jpeg(), "application/pdf"),
        ("text/html", jpeg(), "application/octet-stream"),
        ("image/žlica", jpeg(), "application/octet-stream"),
    ],
)
async def test_what_a_browser_says_is_passed_on_and_where_it_does_not_know_what_the_file_begins_with(
    said: str, content: bytes, passed_on: str
) -> None:
    found = (await read(form(content, said))).file
    assert found is not None and found.media_type == passed_on


async def test_of_a_second_file_and_of_one_in_another_field_nothing_is_kept() -> None:
    assert (await read(form(jpeg(), field="photo"))).file is None
    both = httpx.Request(
        "POST", "http://portal/form", files=[("file", ("a.jpg", jpeg(), "image/jpeg")), ("file", ("b.png", png(), "image/png"))]
    )
    found = (await read(both)).file
    assert found is not None and found.content == jpeg()


@pytest.mark.parametrize(
    "fields", [{"kind": "x" * 5000}, {f"field{number}": "x" for number in range(110)}], ids=["long", "many"]
)
async def test_more_than_a_form_of_ours_holds_is_none(fields: dict[str, str]) -> None:
    with pytest.raises(NoSuchForm):
        await read(form(jpeg(), fields=fields))


@pytest.mark.parametrize("head", ['name="kind"', 'name="photo"; filename="a.jpg"'], ids=["field", "file"])
async def test_more_parts_than_a_form_of_ours_has_are_none_though_all_be_of_one_name_and_empty(head: str) -> None:
    part = f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n\r\n".encode()
    sent = httpx.Request("POST", "http://portal/form", headers={"content-type": "multipart/form-data; boundary=x"})
    assert (await read(sent, part * 100 + b"--x--\r\n")).file is None
    with pytest.raises(NoSuchForm):
        await read(sent, part * 101 + b"--x--\r\n")


def test_of_each_person_one_file_is_held_at_a_time_and_few_of_all() -> None:
    places = Places()
    with places.taken_by("staff:anna") as first, places.taken_by("staff:anna") as second:
        assert (first, second) == (None, "upload_under_way")
        # What had no place gives none back.
        with places.taken_by("staff:anna") as third:
            assert third == "upload_under_way"
    with ExitStack() as held:
        people = [f"staff:{number}" for number in range(UPLOADS_AT_A_TIME)]
        assert [held.enter_context(places.taken_by(person)) for person in people] == [None] * UPLOADS_AT_A_TIME
        assert held.enter_context(places.taken_by("staff:anna")) == "too_many_uploads"
        assert held.enter_context(places.taken_by(people[0])) == "upload_under_way"
    with pytest.raises(NoSuchForm), places.taken_by("staff:anna"):
        raise NoSuchForm
    with places.taken_by("staff:anna") as again:
        assert again is None


async def test_what_is_broken_off_or_no_form_with_a_file_is_none() -> None:
    sent = form(jpeg())
    body = sent.read()
    for broken in (body[:-8], body[: len(body) // 2], b"", b"kind=receipt"):
        with pytest.raises(NoSuchForm):
            await read(sent, broken)
    for stated in ("application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary="):
        other = httpx.Request("POST", "http://portal/form", headers={"content-type": stated})
        with pytest.raises(NoSuchForm):
            await read(other, body)
