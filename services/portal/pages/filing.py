"""A form with a file on its way through a page: taken one at a time of each person, and a kept file on its way back."""

import re
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.portal import sign_in
from services.portal.client import Fetched
from services.portal.fields import Posted
from services.portal.file_forms import file_form
from services.portal.guard import may_come_slowly
from services.portal.pages.frame import BROUGHT, NotSignedIn, Page, Turned
from services.portal.pages.frame import page as page_of
from services.portal.translation import _
from services.portal.upload import NoSuchForm, Places, SentForm, read_form
from shared.files.media import EXTENSIONS, MEDIA_TYPES

# The field in which the file is chosen, as `papers.html` asks for it.
FILE: Final = "file"
UNKNOWN_OUTCOME: Final = _(
    "No answer came, so it is not known whether this was filed. Choose the same file and send it again: it is kept "
    "once, however often it is sent."
)
AWAY: Final = _("A part of the system does not answer now. Nothing was sent. Try again in a minute.")
# As the services name a file: by its kind and its id, never as its sender did.
_NAMED: Final = re.compile(rf'attachment; filename="[a-z_]{{1,40}}-[0-9a-f]{{6}}\.({"|".join(EXTENSIONS.values())})"')

Filed = Callable[[SentForm], Awaitable[Response]]
# With what was answered, the code of the refusal and the status.
Refused = Callable[[Posted, str, int], Awaitable[Response]]


async def taken(request: Request, filed: Filed, refused: Refused) -> Response:
    """What becomes of a form with a file: it is filed, or refused before its file was looked at.

    LookupError for a page that `file_forms` does not know.
    """
    form = file_form(request.method, request.scope["path"])
    if form is None:
        raise LookupError("no form with a file is taken here")
    places: Places = request.app.state.places
    session = await sign_in.sessions_of(request).of(request)
    try:
        if session is None:
            return await _not_taken(request, "too_many_uploads", refused)
        with places.taken_by(session.person_id) as refusal:
            if refusal != "upload_under_way":
                may_come_slowly(request)
            if refusal is not None:
                return await _not_taken(request, refusal, refused)
            return await filed(await read_form(request, FILE, form.most_bytes))
    except NoSuchForm:
        return await refused({}, "form_unreadable", 400)
    except ClientDisconnect:
        # Nobody is there any more to read it.
        return Response(status_code=400)


async def _not_taken(request: Request, refusal: str, refused: Refused) -> Response:
    # Read to its end all the same: only then does a browser show an answer, and what was typed is not lost.
    sent = await read_form(request, FILE, 0)
    return await refused(sent.fields, refusal, 503)


async def still_signed_in(request: Request, path: str, fields: Posted) -> Page:
    """The page for who is signed in once the form is there: a file may take minutes to come, in which a session ends.

    Then to the sign-in, and from there back to the form, which says that the file has to be chosen again.
    """
    back = f"{path}?again=file"
    setattr(request.state, BROUGHT, (back, fields))
    try:
        return await page_of(request)
    except NotSignedIn:
        raise Turned(await sign_in.keep_form(request, back, fields)) from None


class Handed(StreamingResponse):
    """A file on its way from its service to a browser, closed whatever became of it; ``kind`` is what it is called by."""

    def __init__(self, found: Fetched, kind: str, id: UUID) -> None:
        stated = found.headers.get("content-type", "")
        media_type = stated if stated in MEDIA_TYPES else "application/octet-stream"
        named = found.headers.get("content-disposition", "")
        headers = {
            "Content-Disposition": named if _NAMED.fullmatch(named) else f'attachment; filename="{kind}-{str(id)[-6:]}"',
            # Whoever opens it in a browser all the same opens no page of ours.
            "Content-Security-Policy": "sandbox",
        }
        # With its length a file that ends too early is known for what it is.
        if "content-length" in found.headers:
            headers["Content-Length"] = found.headers["content-length"]
        super().__init__(found.pieces(), headers=headers, media_type=media_type)
        self._found = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._found.close()
