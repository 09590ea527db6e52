"""Whether a name is one of a list's, or nearly: whatever its letters, case, marks, signs, the order of its parts and where they are parted.

What is near is a threshold, kept as data: too near a miss is worse than a look too many, for two persons look at each. Whoever
changes what is found counts `MATCHER` up, by which everybody is screened anew.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from services.reintegration.bank.latin import LONGEST_NAME, latin
from shared.contracts.sanctions import HowAlike
from shared.errors import RuleViolation

# Counts what names are compared by; 1 were the parts of names alone.
MATCHER: Final = 2
# From so many letters on so many may differ in one part of a name; in a shorter part none.
EDITS: Final = ((8, 2), (4, 1))
# From so many consonants on one may differ; doubled letters are one.
EDITS_OF_CONSONANTS: Final = ((6, 1),)
# A name with fewer parts than this is like one alone that has as few.
LEAST_PARTS: Final = 2
# In so many ways a name is read with neighbouring parts as one. Of one that can be read in more somebody looks: a name of many short
# parts that are all alike can be read in more ways than anybody could compare.
MOST_READINGS: Final = 32
# So many consonants has a name of one part at least of which the consonants alone are compared.
LEAST_ALONE: Final = 4

_ARABIC: Final = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc]")
_DOUBLED: Final = re.compile(r"(.)\1+")
# The glides are vowels but at the beginning, and of these two letters one stands for the other.
_VOWELS: Final = re.compile(r"[aeiou]|(?<=.)[yw]")
# But where God is named.
_LENGTHENED: Final = re.compile("(?<!ll)ah$")
_SAME_SOUND: Final = str.maketrans({"q": "k"})


def in_order(name: str) -> tuple[str, ...]:
    """The parts of a name in Latin letters and digits, as they stand; what has no Latin letter is left as it is."""
    try:
        written = latin(name[:LONGEST_NAME])
    except RuleViolation:
        written = name
    plain = "".join(one for one in unicodedata.normalize("NFKD", written) if not unicodedata.combining(one)).casefold()
    return tuple("".join(one if one.isalnum() else " " for one in plain.replace("'", "")).split())


def parts_of(name: str) -> tuple[str, ...]:
    """The same, sorted."""
    return tuple(sorted(in_order(name)))


def consonants(part: str) -> str:
    """What of a part is written in Arabic as well, where vowels are not: its consonants, doubled ones once.

    An ``h`` that only lengthens the vowel at the end is none. Of a part of vowels alone it is the same sign for all.
    """
    spoken = _LENGTHENED.sub("a", part).translate(_SAME_SOUND)
    return _squeezed(_VOWELS.sub("", spoken)) or "-"


def _squeezed(part: str) -> str:
    return _DOUBLED.sub(r"\1", part)


def _allowed(length: int, edits: Sequence[tuple[int, int]]) -> int:
    return next((most for least, most in edits if length >= least), 0)


def _pairs(parts: Sequence[str]) -> Iterator[str]:
    return (one + other for one, other in pairwise(parts))


def _readings(parts: tuple[str, ...], pairs: Collection[str]) -> Iterator[tuple[str, ...]]:
    """The name as it stands, and with neighbouring parts as one where these ``pairs`` are: ``Abdul Rahman`` is ``Abdulrahman``."""
    if len(parts) < 2:
        yield parts
        return
    yield from ((parts[0], *rest) for rest in _readings(parts[1:], pairs))
    if parts[0] + parts[1] in pairs:
        yield from ((parts[0] + parts[1], *rest) for rest in _readings(parts[2:], pairs))


class _Forms:
    """What parts of names look like, by which of them they are near each other, and in which names each stands."""

    def __init__(self, looks: Callable[[str], str], edits: Sequence[tuple[int, int]], *, weighed_as_looked_at: bool) -> None:
        self._looks, self._edits, self._bare = looks, edits, weighed_as_looked_at
        self._names: dict[str, set[int]] = defaultdict(set)
        self._of_look: dict[str, list[str]] = defaultdict(list)
        self._by_length: dict[int, list[str]] = defaultdict(list)

    def add(self, part: str, name: int) -> None:
        if part not in self._names:
            look = self._looks(part)
            if look not in self._of_look:
                self._by_length[len(look)].append(look)
            self._of_look[look].append(part)
        self._names[part].add(name)

    def names(self, part: str) -> set[int]:
        return self._names.get(part, set())

    def same(self, part: str) -> set[str]:
        """The parts that look like this one."""
        return set(self._of_look.get(self._looks(part), ()))

    def near(self, part: str) -> set[str]:
        """The parts that differ from this one by no more than the shorter of the two allows."""
        look = self._looks(part)
        weight = self._weight(part, look)
        edits = _allowed(weight, self._edits)
        if not edits:
            return self.same(part)
        found: set[str] = set()
        for length in range(len(look) - edits, len(look) + edits + 1):
            alike = process.extract(look, self._by_length.get(length, ()), scorer=Levenshtein.distance, score_cutoff=edits, limit=None)
            for other, distance, _ in alike:
                found.update(one for one in self._of_look[other] if distance <= _allowed(self._weight(one, other), self._edits))
        return found

    def _weight(self, part: str, look: str) -> int:
        return len(look if self._bare else part)


class _Index:
    """The names of one script by their parts, and by each two neighbouring parts as one."""

    def __init__(self, looks: Callable[[str], str], edits: Sequence[tuple[int, int]], *, spoken: bool = False) -> None:
        self._spoken = spoken
        self._single, self._double = (_Forms(looks, edits, weighed_as_looked_at=spoken) for _ in range(2))

    def add(self, parts: Sequence[str], name: int) -> None:
        for part in set(parts):
            self._single.add(part, name)
        for pair in set(_pairs(parts)):
            self._double.add(pair, name)

    def near(self, parts: Sequence[str]) -> dict[str, set[str]]:
        """What each part, and each two neighbouring ones as one, is near.

        Two as one are other two as one only where they are spoken alike: `Abd Alrahman` is `Abdul Rahman` by its consonants.
        """
        single = {part: self._single.near(part) | self._double.near(part) for part in set(parts)}
        double = {pair: self._single.near(pair) | (self._double.same(pair) if self._spoken else set()) for pair in set(_pairs(parts))}
        return double | single

    def met(self, parts: Sequence[str], near: Mapping[str, set[str]]) -> Mapping[int, int]:
        """How many parts a name may have something near to, by the names that have; two as one are two."""
        counted: dict[int, int] = defaultdict(int)
        for part, forms in near.items():
            for name in {name for one in forms for name in self._single.names(one) | self._double.names(one)}:
                counted[name] += 1 if part in parts else 2
        return counted


class Names:
    """The names of one list, made ready so that a name is held against all of them at once."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._names: list[tuple[str, tuple[str, ...]]] = []
        self._written = _Index(_squeezed, EDITS)
        # By whether they are in Arabic script; each is made ready once a name of the other kind is looked for.
        self._of_script: dict[bool, list[int]] = {False: [], True: []}
        self._spoken: dict[bool, _Index] = {}
        for entry_id, name in names:
            parts = in_order(name)
            if parts:
                self._written.add(parts, len(self._names))
                self._of_script[_in_arabic(name)].append(len(self._names))
                self._names.append((entry_id, parts))

    def like(self, name: str) -> dict[str, HowAlike]:
        """The entries whose name this is, or nearly, by their ids.

        Of a name in Arabic script and one in another the consonants are compared: nobody knows which vowels were meant.
        """
        sought = in_order(name)
        hits: dict[str, HowAlike] = {}
        for entry_id, parts in self._near(self._written, sought):
            if sorted(parts) == sorted(sought):
                hits[entry_id] = "exact"
            else:
                hits.setdefault(entry_id, "near")
        for entry_id, parts in self._near(self._spoken_in(arabic=not _in_arabic(name)), sought):
            if min(len(sought), len(parts)) >= LEAST_PARTS or len(consonants("".join(sought))) >= LEAST_ALONE:
                hits.setdefault(entry_id, "near")
        return hits

    def _spoken_in(self, *, arabic: bool) -> _Index:
        if arabic not in self._spoken:
            index = _Index(consonants, EDITS_OF_CONSONANTS, spoken=True)
            for place in self._of_script[arabic]:
                index.add(self._names[place][1], place)
            self._spoken[arabic] = index
        return self._spoken[arabic]

    def _near(self, index: _Index, sought: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        near = index.near(sought)
        for place, met in index.met(sought, near).items():
            entry_id, parts = self._names[place]
            least = min(len(set(sought)), len(set(parts)), LEAST_PARTS)
            if met >= least and _is_like(sought, parts, near):
                yield entry_id, parts


def _in_arabic(name: str) -> bool:
    return _ARABIC.search(name) is not None


def _is_like(sought: tuple[str, ...], parts: tuple[str, ...], near: Mapping[str, set[str]]) -> bool:
    their_pairs = set(_pairs(parts))
    ours = {pair for pair in _pairs(sought) if not near[pair].isdisjoint((*parts, *their_pairs))}
    theirs = {pair for pair in their_pairs if any(pair in forms for forms in near.values())}
    readings, others = (list(islice(_readings(*read), MOST_READINGS + 1)) for read in ((sought, ours), (parts, theirs)))
    if max(len(readings), len(others)) > MOST_READINGS:
        return True
    return any(_meet(one, other, near) for one in readings for other in others)


def _meet(one: Sequence[str], other: Sequence[str], near: Mapping[str, set[str]]) -> bool:
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
