"""Who calls, known before anything else of a request is read: without a valid token nobody learns what is malformed."""

from collections.abc import Callable, Coroutine
from typing import Any, get_origin

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute

from shared.actors import Actor
from shared.auth import BadToken, Tokens

# What anybody may ask: how the process itself is.
PUBLIC = frozenset({"healthz", "readyz", "metrics"})


class AuthenticatedRoute(APIRoute):
    """A route whose caller is verified before its body is looked at, and which takes no parameter that it has not.

    A misspelt filter would otherwise filter nothing, and of one that is given twice another may be meant.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind the checks."""
        handler = super().get_route_handler()
        if self.name in PUBLIC:
            return handler
        taken = [param for param in get_flat_params(self.dependant) if isinstance(param.field_info, Query)]
        names = frozenset(param.alias for param in taken)
        lists = frozenset(param.alias for param in taken if get_origin(param.field_info.annotation) is list)

        async def known_first(request: Request) -> Response:
            request.state.actor = await _verified(request)
            _refuse_others(request, names, names - lists)
            return await handler(request)

        return known_first


async def actor_of(request: Request) -> Actor:
    """The verified caller of a request; raises `BadToken`."""
    known: Actor | None = getattr(request.state, "actor", None)
    return known if known is not None else await _verified(request)


def _refuse_others(request: Request, names: frozenset[str], once: frozenset[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    faults = [{"type": "extra_forbidden", "loc": ("query", name)} for name in given if name not in names]
    faults += [{"type": "repeated", "loc": ("query", name)} for name in once if given.count(name) > 1]
    if faults:
        raise RequestValidationError(faults)


async def _verified(request: Request) -> Actor:
    tokens: Tokens = request.app.state.runtime.tokens
    stated = request.headers.getlist("authorization")
    # Of two, a proxy in front of us may have looked at the other one.
    scheme, _, token = stated[0].partition(" ") if len(stated) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise BadToken("missing")
    return await tokens.verify(token)
