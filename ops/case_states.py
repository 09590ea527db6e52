"""The ways that a return case may take, as a picture, drawn from the table by which the service moves it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, get_args

from services.returns.domain.case_guards import STATUS_IN_WORDS
from services.returns.domain.case_state import BEGINNINGS, TERMINAL, TRANSITIONS, Status

PAGE: Final = "docs/case-states.svg"

_ROW, _HEIGHT, _WIDTH, _LANE, _MARGIN = 46, 28, 210, 20, 24
# What a case returns from stands with the endings on the left, where few lines cross.
_ASIDE: Final[tuple[Status, ...]] = ("on_hold", *(ending for ending in TERMINAL if ending != "closed"))
# Of a pair of ways to and from this status both ends have an arrow.
_BOTH_WAYS: Final = "on_hold"
# Colours that also people tell apart who see few of them (Okabe and Ito), dark enough on white.
_COLOURS: Final = ("#0072b2", "#b35900", "#00745a", "#8a3a74", "#4d4d4d", "#a31919")
_HEAD: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc" width="{width}" height="{height}" '
    'viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13">\n'
    '<title id="title">The states of a return case</title>\n'
    '<desc id="desc">{described}</desc>\n'
    '<rect width="100%" height="100%" fill="#ffffff"/>\n'
)


@dataclass(frozen=True, slots=True)
class Lane:
    """A line beside the column that leads to one status from all of these, and back to some."""

    to: str
    sources: tuple[str, ...]
    back: frozenset[str]


def lanes(transitions: Mapping[str, frozenset[str]] = TRANSITIONS) -> tuple[Lane, ...]:
    """Every declared way that is not a step straight down, gathered by where it leads; none is left out."""
    rows = _rows()
    found = []
    for to in rows:
        sources = tuple(one for one in rows if to in transitions[one] and not _straight_down(one, to) and not _goes_back(one, to))
        if sources:
            back = frozenset(one for one in sources if to == _BOTH_WAYS and one in transitions[to])
            found.append(Lane(to, sources, back))
    return tuple(found)


def steps(transitions: Mapping[str, frozenset[str]] = TRANSITIONS) -> tuple[tuple[str, str], ...]:
    """The declared ways that lead straight down."""
    rows = _rows()
    return tuple((one, to) for one, to in pairwise(rows) if to in transitions[one] and _straight_down(one, to))


def picture() -> str:
    """The picture, the same bytes for the same table."""
    rows = _rows()
    left = [lane for lane in lanes() if lane.to in _ASIDE]
    right = [lane for lane in lanes() if lane.to not in _ASIDE]
    x = _MARGIN + _LANE * (len(left) + 1)
    width = x + _WIDTH + _LANE * (len(right) + 1) + _MARGIN
    height = 2 * _MARGIN + _ROW * len(rows)
    parts = [_HEAD.format(width=width, height=height, described=_described())]
    for edge, outwards, side in ((x, -1, left), (x + _WIDTH, 1, right)):
        for number, lane in enumerate(side):
            # Each lane meets the boxes at a height of its own, so that no two lines lie upon each other.
            height = round((number + 1) * _HEIGHT / (len(side) + 1)) - _HEIGHT // 2
            parts += _drawn(lane, edge, edge + outwards * _LANE * (number + 1), height, _COLOURS[number % len(_COLOURS)])
    for one, to in steps():
        parts.append(_line((x + _WIDTH // 2, _middle(one) + _HEIGHT // 2), (x + _WIDTH // 2, _middle(to) - _HEIGHT // 2), "#000000"))
        parts.append(_arrow(x + _WIDTH // 2, _middle(to) - _HEIGHT // 2, 0, 1, "#000000"))
    for status in rows:
        parts.append(_box(status, x))
    return "".join((*parts, "</svg>\n"))


def _rows() -> Sequence[str]:
    return get_args(Status)


def _straight_down(one: str, to: str) -> bool:
    rows = _rows()
    return to not in _ASIDE and one not in _ASIDE and rows.index(to) == rows.index(one) + 1


def _goes_back(one: str, to: str) -> bool:
    return one == _BOTH_WAYS and _BOTH_WAYS in TRANSITIONS[to]


def _middle(status: str) -> int:
    return _MARGIN + _ROW * _rows().index(status) + _ROW // 2


def _drawn(lane: Lane, edge: int, at: int, above: int, colour: str) -> Iterator[str]:
    """One lane: its line, a stub with a dot to each source, an arrow where it leads."""
    towards = 1 if at < edge else -1
    end = _middle(lane.to) + above
    starts = {source: _middle(source) + above for source in lane.sources}
    heights = [*starts.values(), end]
    yield _line((at, min(heights)), (at, max(heights)), colour)
    for source, height in starts.items():
        yield _line((at, height), (edge, height), colour)
        yield f'<circle cx="{at}" cy="{height}" r="3" fill="{colour}"/>\n'
        if source in lane.back:
            yield _arrow(edge, height, towards, 0, colour)
    yield _line((at, end), (edge, end), colour)
    yield _arrow(edge, end, towards, 0, colour)


def _line(begin: tuple[int, int], end: tuple[int, int], colour: str) -> str:
    return f'<path d="M{begin[0]} {begin[1]}L{end[0]} {end[1]}" stroke="{colour}" stroke-width="1.5" fill="none"/>\n'


def _arrow(x: int, y: int, dx: int, dy: int, colour: str) -> str:
    return f'<path d="M{x} {y}l{-7 * dx - 4 * dy} {-7 * dy - 4 * dx}l{8 * dy} {8 * dx}z" fill="{colour}"/>\n'


def _box(status: str, x: int) -> str:
    fill = "#dddddd" if status in TERMINAL else "#ffe8b3" if status == _BOTH_WAYS else "#e3f0fa"
    top, weight = _middle(status) - _HEIGHT // 2, "bold" if status in BEGINNINGS else "normal"
    return (
        f'<rect x="{x}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="5" fill="{fill}" stroke="#333333"/>\n'
        f'<text x="{x + _WIDTH // 2}" y="{top + 19}" text-anchor="middle" font-weight="{weight}">{_words(status)}</text>\n'
    )


def _words(status: str) -> str:
    return {str(known): words for known, words in STATUS_IN_WORDS.items()}[status]


def _described() -> str:
    """The same in words, for whoever does not see the picture."""
    rows = _rows()
    told = (f"from {_words(one)} to {', '.join(_words(to) for to in rows if to in TRANSITIONS[one])}" for one in rows if TRANSITIONS[one])
    return "; ".join(told)
