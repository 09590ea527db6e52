"""The archive's API, for auditors: searched over all logs, and handed out as C2SP's formats have it."""

from fastapi import APIRouter

from services.audit.routes import (
    accesses,
    chains,
    events,
    exceptions,
    exports,
    findings,
    integrity,
    links,
    static,
)

# One list of plain routes, which is what the policy, the forms and the tests walk; an included router hides its own.
router = APIRouter(routes=[route for module in (accesses, chains, events, exceptions, exports, findings, integrity, links, static) for route in module.router.routes])
