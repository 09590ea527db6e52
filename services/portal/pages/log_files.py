"""How files of the services go through the portal: piece by piece, whole or broken off, never part as whole."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, Literal

from fastapi import Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.portal.client import Answer, Fetched, Service, ServiceAway
from services.portal.pages.frame import Page
from services.portal.pages.key import key_needed, to_the_key
from services.portal.translation import _

Format = Literal["ndjson", "csv"]
Download = Format | Literal["xlsx", "xml"]

_MEDIA: Final[Mapping[Download, str]] = {
    "ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xml": "application/xml",
}  # fmt: skip


async def sent(
    page: Page, asked: Sequence[tuple[Service, str, Mapping[str, str]]], name: str, format: Download, back: str
) -> Response:
    """The files that several services answer as one, once all of them have begun; or a page that says why there is none.

    Who has to touch the key first comes back to the page ``back``, from where the download begins.
    """
    downloads: list[Fetched] = []
    # Whatever comes between, being given up included, what is open already is closed: the services are asked over few
    # connections.
    async with AsyncExitStack() as opened:
        for service, path, query in asked:
            answer = await _opened(page, service, path, query)
            if answer is None:
                return page.fault(503, "away", _("A part of the system does not answer now. Try again in a minute."))
            if not isinstance(answer, Fetched):
                needed = key_needed(answer)
                return await to_the_key(page, answer, back, goes_on=True) if needed else page.fault(answer.status, answer.code, answer.sentence)
            opened.push_async_callback(answer.close)
            downloads.append(answer)
        return Joined(downloads, opened.pop_all(), name, format)


class Joined(StreamingResponse):
    """One file after the other on its way to a browser, all of them closed whatever became of it."""

    def __init__(self, downloads: Sequence[Fetched], opened: AsyncExitStack, name: str, format: Download) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{name}.{format}"'}
        super().__init__(_joined(downloads, headed=format == "csv"), headers=headers, media_type=_MEDIA[format])
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        async with self._opened:
            await super().__call__(scope, receive, send)


def begun(answer: Response, taking: str | None) -> Response:
    """A page from which a download begins by itself, for whoever came back from touching the key."""
    if taking is not None:
        answer.headers["Refresh"] = f"0; url={taking}"
    return answer


async def _opened(page: Page, service: Service, path: str, query: Mapping[str, str]) -> Fetched | Answer | None:
    try:
        return await page.services.fetch(page.session, service, path, **query)
    except ServiceAway:
        return None


async def _joined(downloads: Sequence[Fetched], *, headed: bool) -> AsyncIterator[bytes]:
    """One file after the other; of tables that have a head the head once."""
    for number, download in enumerate(downloads):
        chunks = download.pieces()
        async for chunk in without_head(chunks) if headed and number else chunks:
            yield chunk


async def without_head(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A table without its first line."""
    head = b""
    headless = False
    async for chunk in chunks:
        if headless:
            yield chunk
            continue
        head += chunk
        __, ended, rest = head.partition(b"\r\n")
        if ended:
            headless = True
            if rest:
                yield rest
