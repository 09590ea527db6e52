"""Returns' API: the commands on a case, and what is told of cases to whom."""

from fastapi import APIRouter

from services.returns.routes import (
    arrivals,
    commands,
    corrections,
    evidence,
    families,
    inquiries,
    retention,
    screening,
    support,
    tickets,
    timers,
    window,
)

# One list of plain routes, which is what the policy, the forms and the tests walk; an included router hides its own.
_MODULES = (window, arrivals, commands, corrections, families, inquiries, screening, evidence, support, tickets, retention, timers)
router = APIRouter(routes=[route for module in _MODULES for route in module.router.routes])
