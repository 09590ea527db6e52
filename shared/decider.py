"""The shape of every aggregate's core: rules decide which facts follow from an order, evolve applies a fact."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, cast

from shared.errors import NotFound, RuleViolation
from shared.messages import Command, Context, Event

State = TypeVar("State")
Facts = TypeVar("Facts")
Order = TypeVar("Order", bound=Command)



@dataclass(frozen=True, slots=True)
class NoFacts:
    """For an aggregate that decides from its own state alone."""


Guard = Callable[[State, Facts, Context], None]


@dataclass(frozen=True, slots=True)
class ReadsFacts(Generic[State, Facts]):
    """A guard that reads more than the aggregate's own state; used as a decorator, so that lists can leave it out."""

    guard: Guard[State, Facts]

    def __call__(self, state: State, facts: Facts, context: Context) -> None:
        """Refuses as the guard does."""
        self.guard(state, facts, context)


Events = tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Rule(Generic[State, Facts]):
    """What one command needs (guards, each raising `RuleViolation`) and what it makes true."""

    command: type[Command]
    label: str
    on: Literal["new", "existing", "any"]
    guards: tuple[Guard[State, Facts], ...]
    then: Callable[[State | None, Command, Facts, Context], Events]


def already_exists() -> RuleViolation:
    """Refuses to begin something under an id that is taken, whether or not the caller may know by what."""
    return RuleViolation("already_exists", "Something was already recorded under this id.")


def opening(
    command: type[Order], label: str, then: Callable[[Order, Facts, Context], Events]
) -> Rule[State, Facts]:
    """A rule that begins a new aggregate; on one that exists already it is refused as ``already_exists``."""

    def decide(_: State | None, order: Command, facts: Facts, context: Context) -> Events:
        return then(cast("Order", order), facts, context)

    return Rule(command, label, "new", (), decide)


def changing(
    command: type[Order],
    label: str,
    then: Callable[[State, Order, Facts, Context], Events],
    *guards: Guard[State, Facts],
) -> Rule[State, Facts]:
    """A rule for an aggregate that exists; without one it is `NotFound`."""

    def decide(state: State | None, order: Command, facts: Facts, context: Context) -> Events:
        if state is None:
            raise NotFound
        return then(state, cast("Order", order), facts, context)

    return Rule(command, label, "existing", guards, decide)


def either(
    command: type[Order],
    label: str,
    then: Callable[[State | None, Order, Facts, Context], Events],
    *guards: Guard[State, Facts],
) -> Rule[State, Facts]:
    """A rule that begins an aggregate or changes one and may refuse; guards are asked only where one exists."""

    def decide(state: State | None, order: Command, facts: Facts, context: Context) -> Events:
        return then(state, cast("Order", order), facts, context)

    return Rule(command, label, "any", guards, decide)


def recording(
    command: type[Order], label: str, then: Callable[[State | None, Order, Facts, Context], Events]
) -> Rule[State, Facts]:
    """A rule by which a reaction takes note of a true fact: never refused, in any state or none."""

    def decide(state: State | None, order: Command, facts: Facts, context: Context) -> Events:
        return then(state, cast("Order", order), facts, context)

    return Rule(command, label, "any", (), decide)


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Facts]):
    """An aggregate's whole behaviour, pure: what it may decide and how facts change it."""

    rules: Sequence[Rule[State, Facts]]
    evolve: Callable[[State | None, Event], State]
    events: tuple[type[Event], ...]
    _by_command: Mapping[type[Command], Rule[State, Facts]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_command", {rule.command: rule for rule in self.rules})

    def rule(self, command: type[Command]) -> Rule[State, Facts]:
        """The rule for a command; KeyError if the aggregate has none."""
        return self._by_command[command]

    def decide(self, state: State | None, command: Command, facts: Facts, context: Context) -> Events:
        """The facts that follow from a command, perhaps none; raises `RuleViolation` or `NotFound`."""
        rule = self._by_command[type(command)]
        self._check(rule, state, facts, context)
        return rule.then(state, command, facts, context)

    def refusal(
        self, state: State | None, command: type[Command], facts: Facts | None, context: Context
    ) -> RuleViolation | NotFound | None:
        """Why this command would be refused now whatever its content, or None if nothing stands against it.

        Without facts it is judged on the state and on who asks alone: what `ReadsFacts` is not asked.
        """
        try:
            self._check(self._by_command[command], state, facts, context)
        except (RuleViolation, NotFound) as refusal:
            return refusal
        return None

    def fold(self, events: Iterable[Event], state: State | None = None) -> State | None:
        """The state after these facts."""
        for event in events:
            state = self.evolve(state, event)
        return state

    def _check(
        self, rule: Rule[State, Facts], state: State | None, facts: Facts | None, context: Context
    ) -> None:
        if rule.on == "new" and state is not None:
            raise already_exists()
        if rule.on == "existing" and state is None:
            raise NotFound
        if state is not None:
            for guard in rule.guards:
                if facts is not None or not isinstance(guard, ReadsFacts):
                    guard(state, cast("Facts", facts), context)
