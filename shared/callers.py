"""Who calls, known before anything else of a request is read: without a valid token nobody learns what is malformed."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared.actors import Actor
from shared.auth import BadToken, Tokens


class AuthenticatedRoute(APIRoute):
    """A route whose caller is verified before its body is looked at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind the check."""
        handler = super().get_route_handler()

        async def known_first(request: Request) -> Response:
            request.state.actor = await _verified(request)
            return await handler(request)

        return known_first


async def actor_of(request: Request) -> Actor:
    """The verified caller of a request; raises `BadToken`."""
    known: Actor | None = getattr(request.state, "actor", None)
    return known if known is not None else await _verified(request)


async def _verified(request: Request) -> Actor:
    tokens: Tokens = request.app.state.runtime.tokens
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BadToken("missing")
    return await tokens.verify(token)
