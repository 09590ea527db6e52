"""`avrr recount-surveys`: what every survey scores, counted again out of the answers, which `verify` does not open."""

from functools import partial

from ops.keys import epochs_of
from ops.settings import CannotStart, OpsSettings
from ops.system import api_url
from services.reintegration.survey_recount import Recounted, recount
from shared.countries import ALPHA_2
from shared.db import Database, Scope
from shared.policy import ALL_SITES
from shared.private import PersonKeys
from shared.sealing import Unsealed
from shared.topology import BY_NAME

_SCOPE = Scope("operator", ALPHA_2, ALL_SITES)
_SHOWN = 20


async def recount_surveys(settings: OpsSettings) -> tuple[list[str], int]:
    """Lines for people, and 1 if scores that are kept are not those that the answers give; ids alone."""
    service = BY_NAME["reintegration"]
    database = Database(api_url(settings, service), "avrr-recount", 1)
    await database.open()
    try:
        async with epochs_of(settings, service) as (epochs, _):
            keys = database.keys = PersonKeys(service.name, epochs)
            return _told(await database.attempt(_SCOPE, partial(recount, keys=keys)))
    except Unsealed:
        raise CannotStart("does_not_open", "Something does not stand where it was sealed.") from None
    finally:
        await database.close()


def _told(found: Recounted) -> tuple[list[str], int]:
    lines = [f"reintegration: {found.sets} sets of answers counted again, {len(found.differ)} score otherwise"]
    lines += [f"reintegration: survey {id} scores otherwise than is kept" for id in found.differ[:_SHOWN]]
    return lines, 1 if found.differ else 0
