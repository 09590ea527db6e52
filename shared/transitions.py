"""How a status may move: only along a declared table."""

from collections.abc import Mapping
from typing import TypeVar

Status = TypeVar("Status", bound=str)


class IllegalTransition(AssertionError):
    """An event would move a status where the table has no way: a fault in a rule, never a refusal."""


def moved(table: Mapping[str, frozenset[str]], now: str, to: Status) -> Status:
    """The status after a declared move; raises `IllegalTransition` for any other."""
    if to not in table[now]:
        raise IllegalTransition(f"{now} -> {to} is not a declared transition")
    return to
