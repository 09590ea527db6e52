"""Who calls and whether they may, before anything else of a request is read: nobody else learns what is malformed."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, get_origin

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute

from shared.actors import Actor
from shared.auth import BadToken, Tokens

# What anybody may ask: how the process itself is.
PUBLIC = frozenset({"healthz", "readyz", "metrics"})


class Admits(Protocol):
    """What lets a known caller in to an operation, or refuses; `shared.http.Runtime` in every service."""

    tokens: Tokens

    async def admit(self, request: Request, actor: Actor, operation: str) -> object:
        """What the request may go on with; raises a `Refusal` or `TooManyRequests`."""


class Stands(Protocol):
    """What refuses everybody while something has to be accepted first; `shared.set_back.Standing` in every service."""

    def admit(self, actor: Actor, method: str, operation: str) -> None:
        """Raises what becomes a problem document, if this waits."""


class AuthenticatedRoute(APIRoute):
    """A route whose caller is verified and admitted before its body is looked at, whatever its function asks for.

    It takes no parameter that it has not: a misspelt filter would filter nothing, and of one that is given twice
    another may be meant.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, behind the checks."""
        handler = super().get_route_handler()
        if self.name in PUBLIC:
            return handler
        taken = [param for param in get_flat_params(self.dependant) if isinstance(param.field_info, Query)]
        names = frozenset(param.alias for param in taken)
        lists = frozenset(param.alias for param in taken if get_origin(param.field_info.annotation) is list)

        async def admitted_first(request: Request) -> Response:
            runtime: Admits = request.app.state.runtime
            actor = await _verified(request, runtime.tokens)
            standing: Stands | None = getattr(request.app.state, "standing", None)
            if standing is not None:
                standing.admit(actor, request.method, self.name)
            request.state.admitted = await runtime.admit(request, actor, self.name)
            _refuse_others(request, names, names - lists)
            return await handler(request)

        return admitted_first


def _refuse_others(request: Request, names: frozenset[str], once: frozenset[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    faults = [{"type": "extra_forbidden", "loc": ("query", name)} for name in given if name not in names]
    faults += [{"type": "repeated", "loc": ("query", name)} for name in once if given.count(name) > 1]
    if faults:
        raise RequestValidationError(faults)


async def _verified(request: Request, tokens: Tokens) -> Actor:
    stated = request.headers.getlist("authorization")
    # Of two, a proxy in front of us may have looked at the other one.
    scheme, _, token = stated[0].partition(" ") if len(stated) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        raise BadToken("missing")
    return await tokens.verify(token)
