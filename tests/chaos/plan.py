"""What is to go wrong, when, and how much is asked for meanwhile: all of it follows from the seed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from shared.topology import AUDIT, SERVICES

FaultKind = Literal["kill", "wipe", "cut", "full", "jump"]

CLIENTS: Final = 12
# Who dies in turn. Who answers is `-api`; relay and followers of a service are its `-worker`.
VICTIMS: Final = (
    *(f"{service.name}-worker" for service in SERVICES), "postgres", "nats", *(f"{service.name}-api" for service in SERVICES),
    "checkpointer", AUDIT.name, "postgres", "witness", "nats", "returns-worker", "reintegration-worker",
)  # fmt: skip
# Each of these faults comes once, and once more with so many kills.
_KILLS_PER_FAULT: Final = 30


@dataclass(frozen=True, slots=True)
class Trial:
    """How much is asked for and how often what goes wrong: so many ``kills``, and of each other fault so many ``times``."""

    seed: int
    commands: int
    kills: int

    @property
    def times(self) -> int:
        """How often the broker loses its store, the network is cut, the disk is full, and the clock jumps."""
        return 1 + self.kills // _KILLS_PER_FAULT

    @property
    def intended(self) -> Counter[FaultKind]:
        """How often each fault is to come."""
        return Counter({"kill": self.kills, **dict.fromkeys(("wipe", "cut", "full", "jump"), self.times)})

    def carried_out(self, done: "Sequence[Fault]") -> Counter[FaultKind]:
        """How often each fault came."""
        return Counter(fault.kind for fault in done)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong once so many commands have been answered; ``part`` is what dies."""

    after: int
    kind: FaultKind
    part: str = ""

    @property
    def what(self) -> str:
        """In words."""
        return f"{self.kind} {self.part}".rstrip()


def planned(trial: Trial, commands: int, first: int) -> list[Fault]:
    """The faults of a trial, in order, spread over the commands that are to come after the ``first``."""
    dice = Random(trial.seed)
    kills: list[tuple[FaultKind, str]] = [("kill", VICTIMS[number % len(VICTIMS)]) for number in range(trial.kills)]
    others: list[tuple[FaultKind, str]] = [(kind, "") for kind in ("wipe", "cut", "full", "jump") for _ in range(trial.times)]
    both = kills + others
    dice.shuffle(both)
    apart = min(CLIENTS, commands // (2 * len(both)))
    moments = sorted(dice.sample(range(commands - CLIENTS - apart * len(both)), len(both)))
    return [Fault(first + after + apart * number, *both[number]) for number, after in enumerate(moments)]
