"""The archive's API, for auditors."""

from fastapi import APIRouter

router = APIRouter()
