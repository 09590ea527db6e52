"""A file on its way through the portal: how it is handed out, what it may say of itself, what becomes of a broken one."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Response

from services.portal.client import Fetched
from services.portal.file_forms import FILE_FORMS
from services.portal.guard import Guard, GuardBounds
from services.portal.packing import Packing
from services.portal.pages.filing import Handed
from services.portal.wording import REFUSALS
from services.portal.words import size
from shared.files.refusing import SENTENCES
from shared.ids import uuid7
from shared.surroundings import AnswerCutShort

ORIGIN = "https://portal.example"
ID = uuid7()
NAMED = 'attachment; filename="receipt-0a1b2c.pdf"'
SAID = {"content-type": "application/pdf", "content-length": "8", "content-disposition": NAMED}


class Pieces(httpx.AsyncByteStream):
    """What a service sends, which may break off, and whether it was closed."""

    def __init__(self, breaks: bool) -> None:
        self.breaks = breaks
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"%PDF"
        if self.breaks:
            raise httpx.RemoteProtocolError("what-somebody-filed")
        yield b"-1.7"

    async def aclose(self) -> None:
        self.closed = True


async def handed(pieces: Pieces, said: dict[str, str] = SAID) -> httpx.Response:
    """What a browser gets when a service answers so."""
    app = FastAPI()

    @app.get("/file")
    async def file() -> Response:
        return Handed(Fetched("reintegration", httpx.Response(200, headers=said, stream=pieces)), "evidence", ID)

    app.add_middleware(Packing)
    app.add_middleware(Guard, bounds=GuardBounds(ORIGIN, "https://identity.example", frozenset({"portal.example"})))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        return await client.get("/file", headers={"sec-fetch-site": "same-origin"})


async def test_a_file_is_saved_never_shown_in_place_and_kept_nowhere_on_the_way() -> None:
    pieces = Pieces(breaks=False)
    answer = await handed(pieces)
    assert (answer.content, answer.headers["content-type"], answer.headers["content-length"]) == (b"%PDF-1.7", "application/pdf", "8")
    assert answer.headers["content-disposition"] == NAMED
    policies = answer.headers.get_list("content-security-policy")
    assert "sandbox" in policies and any(policy.startswith("default-src 'none'") for policy in policies)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert pieces.closed


async def test_a_file_that_breaks_off_ends_the_connection_and_is_closed() -> None:
    pieces = Pieces(breaks=True)
    with pytest.raises(AnswerCutShort):
        await handed(pieces)
    assert pieces.closed


@pytest.mark.parametrize(
    "said",
    [
        {"content-type": "text/html", "content-disposition": "inline"},
        {"content-type": "text/html; charset=utf-8", "content-disposition": 'attachment; filename="Fatima.pdf"'},
        {"content-disposition": 'attachment; filename="receipt-0a1b2c.html"'},
        {},
    ],
)
async def test_whatever_a_service_said_a_browser_is_told_a_type_and_a_name_of_ours(said: dict[str, str]) -> None:
    answer = await handed(Pieces(breaks=False), said)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="evidence-{str(ID)[-6:]}"'


def test_whatever_is_said_in_place_of_a_services_sentence_stands_for_a_code_of_its_own_or_the_portals() -> None:
    of_the_portal = {"something_missing", *(form.too_large for form in FILE_FORMS.values()), "too_many_uploads", "upload_under_way", "form_unreadable"}
    assert set(REFUSALS) - of_the_portal <= set(SENTENCES)


@pytest.mark.parametrize(
    ("count", "shown"), [(340, "340 B"), (1024, "1 KB"), (12_800, "12 KB"), (1_300_000, "1.2 MB"), (10_485_760, "10.0 MB")]
)
def test_a_length_is_written_for_people(count: int, shown: str) -> None:
    assert size(count).replace("\N{NO-BREAK SPACE}", " ") == shown
