"""Who of a family travels by which case, what each of them still lacks, and how they part and come together again."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response

from services.portal.client import Form
from services.portal.fields import Given, Option
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import named, names_of, short
from services.portal.translation import _

router = APIRouter()

ORDERS: Final = ("split_family", "join_family")
# What is recorded of one child, and offered beside what is missing of it.
OF_CHILDREN: Final = ("settle_other_parent", "ask_for_other_parent")
_ALONE: Final = frozenset({"uasc", "unaccompanied", "separated"})


@router.get("/cases/{case_id}/family")
async def case_family(case_id: UUID, page: Reading) -> Response:
    """The persons of a case with what is missing of each and who can provide it, and the cases that they parted from."""
    found = (await page.ask("returns", f"/v1/cases/{case_id}")).body
    state = found["state"]
    if "split_into" not in state:
        return page.fault(404, "not_found", _("There is no such page."))
    prepares = page.has("counsellor", "coordinator", "operations", "protection")
    gate, related, names = await asyncio.gather(
        page.if_for(prepares, "returns", f"/v1/cases/{case_id}/departure-gate"),
        related_to(page, state),
        names_of(page, (person["person_id"] for person in state["persons"])),
    )
    missing = [line for line in (gate["conditions"] if gate else ()) if not line["met"]]
    return await page.show(
        "case_family.html", found=found, state=state, related=related, names=names, short=short,
        missing={person["person_id"]: _about(missing, person["person_id"]) for person in state["persons"]},
        of_all=_about(missing, None), asked=gate is not None and bool(gate["conditions"]),
        actions=[action for action in found["actions"] if action["name"] in ORDERS],
        children={person["person_id"] for person in state["persons"] if counts_as_child(person, state)},
        of_children=[action for action in found["actions"] if action["name"] in OF_CHILDREN],
    )  # fmt: skip


def counts_as_child(person: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
    """Whether somebody counts as a child of the case, as far as the reader is shown that screening is in doubt of it."""
    noted = (one["vulnerability"] for one in state["screening"] if one["person_id"] == person["person_id"])
    return person["age_group"] != "adult" or any(found and not _ALONE.isdisjoint(found["indicators"]) for found in noted)


async def related_to(page: Page, state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The cases from which this one was split off, that were split off from it, and with which it was joined."""
    ids = dict.fromkeys(id for id in (state["split_from"], *state["split_into"], state["joined_into"]) if id)
    answers = await asyncio.gather(*(page.answer("returns", f"/v1/cases/{id}") for id in ids))
    return [answer.body for answer in answers if answer.ok]


async def given_family(
    page: Page, form: Form, state: Mapping[str, Any], people: Sequence[Option], version: str
) -> Given:
    """What is known before a family parts, or comes together: who still travels, and with which cases it can be.

    And of which child it is recorded by what that travels without one of its parents.
    """
    if form.name in OF_CHILDREN:
        children = {one["person_id"] for one in state["persons"] if one["travel"] == "expected" and counts_as_child(one, state)}
        named_first = named(page, "person") or (next(iter(children)) if len(children) == 1 else "")
        options = {"person_id": [one for one in people if one.value in children]}
        return Given(options=options, start={"person_id": str(named_first)}, version=version)
    if form.name == "split_family":
        travelling = {one["person_id"] for one in state["persons"] if one["travel"] == "expected"}
        going = [one for one in people if one.value in travelling]
        return Given(
            options={"person_ids": going, "principal_id": going}, fresh=frozenset({"new_case_id"}), version=version
        )
    others = [Option(one["id"], one["state"]["case_ref"]) for one in await related_to(page, state)]
    start = {"into_case_id": others[0].value} if len(others) == 1 else {}
    return Given(options={"into_case_id": others}, start=start, version=version)


def _about(missing: Sequence[Mapping[str, Any]], person_id: str | None) -> list[Mapping[str, Any]]:
    return [line for line in missing if line["person_id"] == person_id]
