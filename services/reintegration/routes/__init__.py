"""Reintegration's API: each route gives one command or answers one question."""

from fastapi import APIRouter

from services.reintegration.routes import evidence, money, retention

# One list of plain routes, which is what the policy, the forms and the tests walk; an included router hides its own.
router = APIRouter(routes=[*money.router.routes, *evidence.router.routes, *retention.router.routes])
