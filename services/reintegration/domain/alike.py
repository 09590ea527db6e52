"""Whether a name is one of a list's, or nearly: whatever its letters, case, marks, signs and the order of its parts.

What is near is a threshold, kept as data: too near a miss is worse than a look too many, for two persons look at each.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from services.reintegration.bank.latin import LONGEST_NAME, latin
from shared.contracts.sanctions import HowAlike
from shared.errors import RuleViolation

# From so many letters on so many may differ in one part of a name; in a shorter part none.
EDITS: Final = ((8, 2), (4, 1))
# A name with fewer parts than this is like one alone that has as few.
LEAST_PARTS: Final = 2


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a name in Latin letters and digits, sorted; what has no Latin letter is left as it is."""
    try:
        written = latin(name[:LONGEST_NAME])
    except RuleViolation:
        written = name
    plain = "".join(one for one in unicodedata.normalize("NFKD", written) if not unicodedata.combining(one)).casefold()
    return tuple(sorted("".join(one if one.isalnum() else " " for one in plain.replace("'", "")).split()))


def _edits(part: str) -> int:
    return next((edits for length, edits in EDITS if len(part) >= length), 0)


class Names:
    """The names of one list, made ready so that a name is held against all of them at once."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._names: list[tuple[str, tuple[str, ...]]] = []
        found: dict[str, list[int]] = defaultdict(list)
        for entry_id, name in names:
            parts = parts_of(name)
            if parts:
                for part in set(parts):
                    found[part].append(len(self._names))
                self._names.append((entry_id, parts))
        self._having: Mapping[str, Sequence[int]] = found
        self._parts = list(found)

    def like(self, name: str) -> dict[str, HowAlike]:
        """The entries whose name this is, or nearly, by their ids."""
        sought = parts_of(name)
        near = {part: self._near(part) for part in set(sought)}
        counted: dict[int, int] = defaultdict(int)
        for part in near.values():
            for place in {place for one in part for place in self._having[one]}:
                counted[place] += 1
        hits: dict[str, HowAlike] = {}
        for place, met in counted.items():
            entry_id, parts = self._names[place]
            if parts == sought:
                hits[entry_id] = "exact"
            elif met >= min(len(set(sought)), len(set(parts)), LEAST_PARTS) and _meet(sought, parts, near):
                hits.setdefault(entry_id, "near")
        return hits

    def _near(self, part: str) -> frozenset[str]:
        edits = _edits(part)
        if not edits:
            return frozenset({part} & self._having.keys())
        found = process.extract(part, self._parts, scorer=Levenshtein.distance, score_cutoff=edits, limit=None)
        # The shorter of two parts says how much may differ.
        return frozenset(other for other, distance, _ in found if distance <= _edits(other))


def _meet(one: Sequence[str], other: Sequence[str], near: Mapping[str, frozenset[str]]) -> bool:
    """Whether each part of the name with fewer parts meets a part of the other that no further one meets."""
    if (len(one) < LEAST_PARTS) != (len(other) < LEAST_PARTS):
        return False
    left = list(other)
    met = 0
    for part in one:
        found = next((candidate for candidate in left if candidate in near[part]), None)
        if found is not None:
            left.remove(found)
            met += 1
    return met == min(len(one), len(other))
