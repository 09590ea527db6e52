"""Every event as it is published: its type, its class, who records it, who follows it, and an invented example."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from inspect import getdoc
from pathlib import Path
from typing import Final

from ops.settings import PROJECT, CannotStart
from shared.contracts import BY_SERVICE, OF_EVERY_SERVICE
from shared.messages import Event
from shared.topology import LOGS, Service

# Written by hand with each new event, and read by the tests of what is recorded too.
EXAMPLES: Final = Path("tests/contracts/golden")
# Such a fact means the same wherever it happens, and is described once.
ANY: Final = "any"


@dataclass(frozen=True, slots=True)
class Described:
    """One event; ``recorded_by`` are services, ``followed_by`` what each follower says that it does about it."""

    kind: str
    event: type[Event]
    recorded_by: tuple[Service, ...]
    followed_by: Mapping[str, str]
    example: Mapping[str, object]

    @property
    def says(self) -> str:
        """What it states, in the contract's own words."""
        return _plain(getdoc(self.event))

    def kind_in(self, service: Service) -> str:
        """The type under which this service records it."""
        return self.event.kind_in(service.name)


def described_events(root: Path = PROJECT) -> tuple[Described, ...]:
    """All events in the order of their types; CannotStart ``no_example`` where one has none."""
    reactions = {service.name: _reactions(service.name) for service in LOGS}
    return tuple(sorted(_all(reactions, root / EXAMPLES), key=lambda one: one.kind))


def _all(reactions: Mapping[str, Mapping[type[Event], Callable[..., object]]], examples: Path) -> Iterator[Described]:
    for service in LOGS:
        for event in BY_SERVICE.get(service.name, ()):
            followed = {name: _plain(getdoc(known[event])) for name, known in reactions.items() if event in known}
            yield Described(event.kind, event, (service,), followed, _example(event.kind, examples))
    for event in OF_EVERY_SERVICE:
        kind = event.kind_in(ANY)
        yield Described(kind, event, LOGS, {}, _example(kind, examples))


def _example(kind: str, examples: Path) -> Mapping[str, object]:
    path = examples / f"{kind}.json"
    if not path.is_file():
        raise CannotStart("no_example", f"{kind} has no example yet: write {EXAMPLES / path.name}, with invented values.")
    found: Mapping[str, object] = json.loads(path.read_bytes())
    return found


def _plain(told: str | None) -> str:
    return (told or "").replace("``", "`")


def _reactions(service: str) -> Mapping[type[Event], Callable[..., object]]:
    module = f"services.{service}.reactions"
    if find_spec(module) is None:
        return {}
    found: Mapping[type[Event], Callable[..., object]] = import_module(module).REACTIONS
    return found
