"""Pages are packed for slow lines, except where somebody else's page asked for one and could learn from its length."""

from starlette.datastructures import Headers
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

# A page from which we were opened chooses words of the address and sees how long the answer is: were those words packed
# together with what a reader may see, the length would tell of it (BREACH, CVE-2013-3587).
_ASKED_BY_US = ("same-origin", "none")
_LEAST_BYTES = 1024
# Somebody's file goes out with its length, by which one that breaks off is known; it would hardly be shorter.
_AS_IT_IS = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf", "application/octet-stream")


class Packing:
    """Pure ASGI. Packs with gzip what a reader asked for from our own pages or from the address bar."""

    def __init__(self, app: ASGIApp) -> None:
        self._as_it_is = app
        self._packed = GZipMiddleware(app, minimum_size=_LEAST_BYTES, compresslevel=6, exclude_content_types=_AS_IT_IS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        ours = scope["type"] == "http" and Headers(scope=scope).getlist("sec-fetch-site") in ([one] for one in _ASKED_BY_US)
        await (self._packed if ours else self._as_it_is)(scope, receive, send)
