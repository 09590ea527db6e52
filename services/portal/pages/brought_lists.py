"""Lists that somebody brought, of accounts of staff and of sanctions: what waits for a second person, and in what it differs."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import Form
from services.portal.fields import Given, Posted
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import short
from services.portal.translation import _, translated

router = APIRouter()


@router.get("/staff-accounts")
async def staff_lists(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every list of accounts of staff, oldest first."""
    found = (await page.ask("reintegration", "/v1/staff-accounts", after=None if after is None else str(after))).body
    return await page.show(
        "brought_lists.html", found=found, name=translated(_("Accounts of staff")), holds=translated(_("Accounts")), path="/staff-accounts"
    )


@router.get("/sanctions-lists")
async def sanctions_lists(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Every version of a list of sanctions, oldest first."""
    found = (await page.ask("reintegration", "/v1/sanctions-lists", after=None if after is None else str(after))).body
    return await page.show(
        "brought_lists.html", found=found, name=translated(_("Lists of sanctions")), holds=translated(_("Entries")), path="/sanctions-lists"
    )


@router.get("/staff-accounts/{list_id}")
async def staff_list(list_id: UUID, page: Reading) -> Response:
    """One list of accounts of staff, of which no account is shown."""
    found = (await page.ask("reintegration", f"/v1/staff-accounts/{list_id}")).body
    return await page.show(
        "brought_list.html", found=found, state=found["state"], name=translated(_("Accounts of staff")),
        holds=found["state"]["accounts"], path="/staff-accounts", short=short,
    )


@router.get("/sanctions-lists/{list_id}")
async def sanctions_list(list_id: UUID, page: Reading) -> Response:
    """One version of a list of sanctions."""
    found = (await page.ask("reintegration", f"/v1/sanctions-lists/{list_id}")).body
    return await page.show(
        "brought_list.html", found=found, state=found["state"], name=found["state"]["list_name"],
        holds=found["state"]["entries"], path="/sanctions-lists", short=short,
    )


async def of_staff_list(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For what is asked of a list of accounts of staff, with in what it differs."""
    del form, posted
    return await _given(page, f"staff-accounts/{id}", _("Accounts"), "accounts")


async def of_sanctions_list(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For what is asked of a version of a list of sanctions, with in what it differs."""
    del form, posted
    return await _given(page, f"sanctions-lists/{id}", _("Entries"), "entries")


async def _given(page: Page, path: str, counted: str, name: str) -> tuple[Given, str]:
    found = await page.ask("reintegration", f"/v1/{path}")
    state, differences = found.body["state"], found.body["differences"] or {}
    shown = [(_("Version"), state["list_version"]), (counted, str(state[name])), (_("Brought by"), state["uploaded_by"])]
    shown += [(said, str(differences[key])) for key, said in _DIFFERENCES if key in differences]
    return Given(version=found.etag or "", shown=tuple(shown)), f"/{path}"


_DIFFERENCES: Final = (
    ("added", _("New in it")), ("gone", _("Not in it any more")), ("changed", _("Said otherwise"))
)
