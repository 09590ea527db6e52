"""Counselling's API: each route gives one command or answers one question."""

from fastapi import APIRouter

from services.counselling.routes import consents, erasures, persons, retention, sessions

# One list of plain routes, which is what the policy, the forms and the tests walk; an included router hides its own.
router = APIRouter(
    routes=[
        *persons.router.routes, *consents.router.routes, *erasures.router.routes, *sessions.router.routes,
        *retention.router.routes,
    ]
)  # fmt: skip
