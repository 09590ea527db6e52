"""Returns' API: the commands on a case, and what is told of cases to whom."""

from fastapi import APIRouter

from services.returns.routes import arrivals, commands, window

# One list of plain routes, which is what the policy, the forms and the tests walk; an included router hides its own.
router = APIRouter(routes=[*window.router.routes, *arrivals.router.routes, *commands.router.routes])
