"""Leaves word in databases that they were set back, so that their services take nothing until two persons accept it."""

from collections.abc import Awaitable, Callable, Mapping

from shared.db import Database
from shared.set_back import Mark, Word
from shared.set_back import mark as leave_word
from shared.topology import BY_NAME, Service

OfStream = Callable[[Database, Service], Awaitable[Word]]


async def mark(worker_urls: Mapping[str, str], known: Mapping[str, int] | None = None, stream: OfStream | None = None) -> Mapping[str, Mark]:
    """Marks these services' databases, each by its worker's login; for whoever restores, while no service runs on them or while some do.

    ``known`` is how many entries a log is known to have had, where somebody knows. Where ``stream`` says of a service's log how much
    of its stream it kept, no more is taken for kept. Done again it changes nothing before two persons accepted it; what they accepted
    and was not opened yet is accepted anew (decision 134).
    """
    found: dict[str, Mark] = {}
    for service, url in worker_urls.items():
        database = Database(url, "avrr-restored", 1)
        await database.open()
        try:
            said = await stream(database, BY_NAME[service]) if stream is not None else Word(said=False)
            least = max((known or {}).get(service, 0), said.known or 0)
            waits = await leave_word(database, service, least, "operator", said.kept, anew=True)
        finally:
            await database.close()
        if waits is not None:
            found[service] = waits
    return found
