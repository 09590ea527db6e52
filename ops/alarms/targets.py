"""Whom to ask for figures: every process by its name and address, and what each tells of itself."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ops.alarms.child import NAME
from ops.alarms.rules import Sample
from ops.settings import CannotStart, OpsSettings
from ops.system import read_addresses
from shared.certificates import trusted
from shared.outgoing import Outgoing

# What a process may take to answer, in seconds.
PATIENCE: Final = 5.0
_NAME: Final = re.compile(r"[a-z]+(-[a-z]+)*")


@dataclass(frozen=True, slots=True)
class Told:
    """What all processes told at one moment; ``away`` are those that did not answer, with the kind of error."""

    samples: tuple[Sample, ...]
    away: Mapping[str, str]


def named(written: str) -> dict[str, str]:
    """The processes of ``AVRR_WATCHED``: ``name=http://host:port``, with commas between; `CannotStart` for anything else."""
    found = {}
    for one in written.split(","):
        name, _, url = one.strip().partition("=")
        if not _NAME.fullmatch(name) or not url.startswith(("http://", "https://")):
            raise CannotStart("watched", "AVRR_WATCHED must be name=http://host:port, with commas between")
        found[name] = url.rstrip("/")
    return found


def of_this_machine(settings: OpsSettings) -> dict[str, str]:
    """The processes of the system that was started last in this data folder, the alarms among them where there are any.

    Raises `CannotStart` if none was.
    """
    addresses = read_addresses(settings)
    found = {**addresses.services, "portal": addresses.portal, "checkpointer": addresses.checkpointer, "witness": addresses.witness}
    found[NAME] = addresses.alarms
    return {name: url for name, url in found.items() if url}


async def asked(targets: Mapping[str, str], patience: float = PATIENCE) -> Told:
    """Asks every process at once for its figures; whoever does not answer in time is away, and ``up`` says so."""
    async with Outgoing(verify=trusted(), timeout=patience, trust_env=False, follow_redirects=False) as client:
        answers = await asyncio.gather(*(_of(client, name, url, patience) for name, url in targets.items()))
    samples: list[Sample] = []
    away: dict[str, str] = {}
    for name, answer in zip(targets, answers, strict=True):
        if isinstance(answer, str):
            away[name] = answer
        else:
            samples += answer
        samples.append(Sample("up", {"job": name}, float(name not in away)))
    return Told(tuple(samples), away)


async def _of(client: httpx.AsyncClient, name: str, url: str, patience: float) -> list[Sample] | str:
    try:
        # The client's own patience is with each piece of an answer.
        async with asyncio.timeout(patience):
            answer = await client.get(f"{url}/metrics")
        if not answer.is_success:
            return f"status {answer.status_code}"
        families = list(text_string_to_metric_families(answer.text))
    except (httpx.HTTPError, ValueError, TimeoutError) as error:
        return type(error).__name__
    return [Sample(one.name, {**one.labels, "job": name}, one.value) for family in families for one in family.samples]
