"""How files of the services go through the portal to an auditor: piece by piece, whole or broken off, never part as whole."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, Literal

from fastapi import Response
from fastapi.responses import StreamingResponse

from services.portal.client import Answer, Fetched, Service, ServiceAway
from services.portal.pages.frame import Page
from services.portal.pages.key import key_needed, to_the_key
from services.portal.translation import _

Format = Literal["ndjson", "csv"]

_MEDIA: Final[Mapping[Format, str]] = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


async def sent(
    page: Page, asked: Sequence[tuple[Service, str, Mapping[str, str]]], name: str, format: Format, back: str
) -> Response:
    """The files that several services answer as one, once all of them have begun; or a page that says why there is none.

    Who has to touch the key first comes back to the page ``back``, from where the download begins.
    """
    opened: list[Fetched] = []
    for service, path, query in asked:
        answer = await _opened(page, service, path, query)
        if isinstance(answer, Fetched):
            opened.append(answer)
            continue
        for download in opened:
            await download.close()
        if answer is None:
            return page.fault(503, "away", _("A part of the system does not answer now. Try again in a minute."))
        return await to_the_key(page, answer, back) if key_needed(answer) else page.fault(answer.status, answer.code, answer.sentence)
    return StreamingResponse(
        _joined(opened, headed=format == "csv"), media_type=_MEDIA[format],
        headers={"Content-Disposition": f'attachment; filename="{name}.{format}"'},
    )  # fmt: skip


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
    try:
        for number, download in enumerate(downloads):
            chunks = download.pieces()
            async for chunk in without_head(chunks) if headed and number else chunks:
                yield chunk
    finally:
        for download in downloads:
            await download.close()


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
