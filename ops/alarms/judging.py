"""Which alarms begin, go on and end: a pure step from what was known and what is told now to what is to be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ops.alarms.rules import Rule, Sample

REMIND_AFTER: Final = timedelta(hours=4)
_UP: Final = "up"
# By rule and place.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """An alarm at one place: since when its rule holds there, and when somebody was last told; None if nobody was yet."""

    since: datetime
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said of one alarm: that it began, still stands, or has ended."""

    what: str
    rule: Rule
    place: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """What stands once ``said`` has been sent, and what stands if it could not be."""

    said: tuple[Said, ...]
    if_sent: Mapping[Key, Standing]
    if_not: Mapping[Key, Standing]


def judge(known: Mapping[Key, Standing], rules: Sequence[Rule], samples: Sequence[Sample], now: datetime) -> Judged:
    """One step: an alarm is told once when its rule has held for its time, again every four hours, and once when it ends.

    Of a process that does not answer nobody knows whether its alarms have ended: they stand as they did.
    """
    by_name = {rule.name: rule for rule in rules}
    met = {(rule.name, place_of(sample)) for rule in rules for sample in rule.met(samples)}
    away = {sample.labels["job"] for sample in samples if sample.name == _UP and not sample.value}
    unsure = {key for key in known if key not in met and key[1].split(" ")[0] in away and by_name.get(key[0]) is not None}
    said: list[Said] = []
    if_sent: dict[Key, Standing] = {}
    if_not: dict[Key, Standing] = {}
    for key in sorted(met | unsure):
        standing = known.get(key, Standing(now))
        rule = by_name[key[0]]
        if_sent[key] = if_not[key] = standing
        due = now - standing.since >= timedelta(seconds=rule.seconds)
        if key in met and due and (standing.told_at is None or now - standing.told_at >= REMIND_AFTER):
            said.append(Said("began" if standing.told_at is None else "still stands", rule, key[1], standing.since))
            if_sent[key] = replace(standing, told_at=now)
    for key, standing in sorted(known.items()):
        # Of one that nobody was told of nothing is said, nor of a rule that is no more.
        if key not in if_not and standing.told_at is not None and key[0] in by_name:
            said.append(Said("has ended", by_name[key[0]], key[1], standing.since))
            if_not[key] = standing
    return Judged(tuple(said), if_sent, if_not)


def place_of(sample: Sample) -> str:
    """Where a figure is told: the process, and what its other labels say."""
    others = [value for name, value in sorted(sample.labels.items()) if name != "job"]
    return " ".join([sample.labels["job"], *others])
