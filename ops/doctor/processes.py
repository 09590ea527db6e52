"""What the processes say: whether each answers, and which of the alert rules holds for what it tells of itself."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from ops.alarms.child import NAME as ALARMS
from ops.alarms.rules import Rule, Sample
from ops.alarms.targets import Told, asked
from ops.doctor.findings import Finding, warning, well, wrong

_UP: Final = "up"
# On the replayed clock of a demo everything has waited for years.
_BY_THE_CLOCK: Final = "avrr_queue_age_seconds"


async def processes(targets: Mapping[str, str], rules: Sequence[Rule], *, replayed: bool = False) -> list[Finding]:
    """A sentence for each process that does not answer, and for each rule that holds somewhere."""
    told = await asked(targets)
    found = [await _away(name, targets[name], why) for name, why in told.away.items()]
    if len(found) < len(targets):
        found.append(well("processes", f"{len(targets) - len(found)} of {len(targets)} processes answer."))
    return found + figures(told, rules, replayed=replayed)


def figures(told: Told, rules: Sequence[Rule], *, replayed: bool = False) -> list[Finding]:
    """A sentence for each rule that holds, with where; one that all is well if none does."""
    found = []
    for rule in rules:
        places = [
            sample for sample in rule.met(told.samples)
            if sample.name != _UP and not (replayed and sample.name == _BY_THE_CLOCK)
        ]  # fmt: skip
        if places:
            of = wrong if rule.severity == "page" else warning
            found.append(of(rule.name, f"{rule.what} ({'; '.join(sorted({_place(one) for one in places}))})", f"{rule.do} {rule.runbook}"))
    answered = len(told.samples) > len(told.away)
    return found if found or not answered else [well("figures", f"None of {len(rules)} alert rules holds.")]


def told_of_alarms(targets: Mapping[str, str]) -> list[Finding]:
    """A sentence where no process sends mails about alarms; one that does not answer is told like any other."""
    if ALARMS in targets:
        return []
    return [
        warning(
            "alarms", "Nobody is told of what goes wrong: no process that sends mails about alarms is known here.",
            "Name a mail server in AVRR_ALERT_SMTP_URL; in containers, compose.watching.yaml beside compose.yaml (docs/observability.md).",
        )
    ]  # fmt: skip


def _place(sample: Sample) -> str:
    others = [value for name, value in sorted(sample.labels.items()) if name != "job"]
    return " ".join([sample.labels["job"], *others, f"{sample.value:g}"])


async def _away(name: str, url: str, why: str) -> Finding:
    told = f"{name} does not answer at {url} ({why})."
    if await _somebody_listens(url):
        return wrong("processes", told, f"Something holds its port: look which process that is, and what the log of {name} says last.")
    return wrong("processes", told, f"Start it (./avrr up starts all), and look at the last lines of its log: {name} says there what it lacks.")


async def _somebody_listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(2):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
