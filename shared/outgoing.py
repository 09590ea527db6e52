"""Requests to other processes: what goes wrong on the way is one family of errors, also while the other side dies."""

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from httpx._client import UseClientDefault
    from httpx._types import AuthTypes

_OF_THE_CONNECTION = "anyio."


class Outgoing(httpx.AsyncClient):
    """httpx's client, with one promise more: a connection that is gone before it was used raises `httpx.ConnectError`.

    Under uvloop a socket that was reset while it was being connected is None, and anyio, asked about it, raises an
    AttributeError, which httpcore passes on. To whoever asks it is what a refused connection is: nothing was sent.
    """

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: "AuthTypes | UseClientDefault | None" = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: "bool | UseClientDefault" = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """As `httpx.AsyncClient.send`; `httpx.HTTPError` for everything that the connection did."""
        try:
            return await super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
        except AttributeError as error:
            if not _raised_in_the_connection(error):
                raise
            raise httpx.ConnectError("the connection was gone before it was used", request=request) from error


def _raised_in_the_connection(error: AttributeError) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith(_OF_THE_CONNECTION)
