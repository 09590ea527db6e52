"""What each field of an event means: one sentence for each name, or for how a name ends."""

import tomllib
from pathlib import Path
from typing import Final

_TOLD: Final = tomllib.loads((Path(__file__).parent / "meanings.toml").read_text(encoding="utf-8"))
_OF_ONE: Final[dict[str, dict[str, str]]] = _TOLD["of_one"]
_NAMED: Final[dict[str, str]] = _TOLD["named"]
_ENDING: Final[dict[str, str]] = _TOLD["ending"]


def meaning_of(owner: str, field: str) -> str | None:
    """What a field means in an event or a part (``owner`` is the name of its class); None where nobody said so.

    What is said of one class goes before what is said of the name, and that before what is said of names that end so.
    """
    named = _OF_ONE.get(owner, {}).get(field) or _NAMED.get(field)
    if named is not None:
        return named
    ending = next((ending for ending in _ENDING if field.endswith(ending)), None)
    return None if ending is None else _ENDING[ending].format(thing=field.removesuffix(ending).replace("_", " "))


def unused_meanings(fields: frozenset[tuple[str, str]]) -> list[str]:
    """The names of which something is said though no event has them (any more); ``fields`` are owners and names."""
    names = {field for _, field in fields}
    of_one = {(owner, field) for owner, told in _OF_ONE.items() for field in told}
    return sorted((_NAMED.keys() - names) | {f"{owner}.{field}" for owner, field in of_one - fields})
