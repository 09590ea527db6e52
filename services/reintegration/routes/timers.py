"""Says that it is time to look for what time alone brings about."""

from fastapi import APIRouter

from services.reintegration import wiring
from shared.callers import AuthenticatedRoute
from shared.http import Calling
from shared.timers import Looked, look

router = APIRouter(prefix="/v1", route_class=AuthenticatedRoute)


@router.post("/looks-at-the-clock")
async def look_at_the_clock(call: Calling) -> Looked:
    """Does what is due, as each process does by itself each minute: payees are held against lists that were brought.

    Asked again it finds nothing, so it takes no key.
    """
    return await look(
        call.runtime.database, wiring.WIRING.service.name, wiring.WIRING.by_name, wiring.WIRING.timers, call.context.now
    )
