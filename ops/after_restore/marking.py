"""Leaves word in databases that they were set back, so that their services take nothing until two persons accept it."""

from collections.abc import Mapping

from shared.db import Database
from shared.set_back import Mark
from shared.set_back import mark as leave_word


async def mark(worker_urls: Mapping[str, str], known: Mapping[str, int] | None = None) -> Mapping[str, Mark]:
    """Marks these services' databases, each by its worker's login; for whoever restores, while no service runs on them or while some do.

    ``known`` is how many entries a log is known to have had, where somebody knows. Done again it changes nothing.
    """
    found: dict[str, Mark] = {}
    for service, url in worker_urls.items():
        database = Database(url, "avrr-restored", 1)
        await database.open()
        try:
            waits = await leave_word(database, service, (known or {}).get(service, 0), "operator")
        finally:
            await database.close()
        if waits is not None:
            found[service] = waits
    return found
