"""The auditor's pages: the log of all services searched, one event, what is known of one case, and all of it to take home."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.portal.client import Service
from services.portal.pages.frame import Page, Reading, Turned
from services.portal.pages.key import goes_on, key_needed, to_the_key
from services.portal.pages.log_files import Format, begun, sent
from services.portal.pages.log_selection import KINDS, SERVICES, Selection, merged, places_of
from services.portal.pages.naming import short
from services.portal.translation import _

router = APIRouter()

FEW = 30
_Text = Annotated[str, Query(max_length=130)]
_Places = Annotated[str | None, Query(max_length=200)]


@router.get("/log")
async def log(
    page: Reading, service: _Text = "", kind: _Text = "", id: _Text = "", actor: _Text = "",
    first: Annotated[str, Query(max_length=10, alias="from")] = "", last: Annotated[str, Query(max_length=10, alias="to")] = "",
    after: _Places = None, take: Annotated[Format | None, Query()] = None, of: Annotated[Service | None, Query()] = None,
) -> Response:  # fmt: skip
    """Events of all services or one, the newest first, narrowed by kind, id, actor and day; without what they say."""
    chosen = Selection(service, kind, id.strip(), actor.strip(), first.strip(), last.strip())
    fault = chosen.fault()
    found, unread = None, False
    if fault is None:
        found, unread = await _found(page, chosen, after)
    begins = take and of and found is not None and await goes_on(page)
    taking = f"/log/export/{of}?{chosen.address()}format={take}" if begins else None
    answer = await page.show(
        "log.html", 422 if found is None else 200, found=found, chosen=chosen, fault=fault or ("actor" if unread else None),
        kinds=KINDS, services=SERVICES, asked=chosen.address(), archived=chosen.of_the_archive(), short=short, taking=taking,
    )  # fmt: skip
    return begun(answer, taking)


@router.get("/log/export/{service}")
async def export(
    service: Service, page: Reading, format: Format, kind: _Text = "", id: _Text = "", actor: _Text = "",
    first: Annotated[str, Query(max_length=10, alias="from")] = "", last: Annotated[str, Query(max_length=10, alias="to")] = "",
) -> Response:  # fmt: skip
    """A selection of one service's log as a file."""
    chosen = Selection("", kind, id, actor, first, last)
    if chosen.fault() is not None:
        return page.fault(422, "unreadable", _("What was asked for cannot be read."))
    query = {**chosen.query(page), "format": format}
    back = f"/log?{chosen.address()}take={format}&of={service}"
    return await sent(page, [(service, "/v1/log/export", query)], f"{service}-log", format, back)


@router.get("/log/chain/{about}")
async def chain(
    about: UUID, page: Reading, after: _Places = None, take: Annotated[Format | None, Query()] = None
) -> Response:
    """What each service has about one case, or about anything else that has an id, merged by time."""
    found, __ = await _found(page, Selection(id=str(about)), after)
    leaves = f"/log/chain/{about}/leaves?format="
    taking = leaves + take if take and await goes_on(page) else None
    return begun(await page.show("log_chain.html", found=found, about=about, leaves=leaves, short=short, taking=taking), taking)


@router.get("/log/chain/{about}/leaves")
async def chain_leaves(about: UUID, page: Reading, format: Format) -> Response:
    """The same as a file: the leaves of each service in its log's order, or a table."""
    of_each: Sequence[tuple[Service, str, Mapping[str, str]]] = [
        (service, f"/v1/log/chain/{about}", {}) if format == "ndjson"
        else (service, "/v1/log/export", {"about": str(about), "format": "csv"})
        for service in SERVICES
    ]  # fmt: skip
    return await sent(page, of_each, f"chain-{about}", format, f"/log/chain/{about}?take={format}")


@router.get("/log/{service}/{event_id}")
async def event(service: Service, event_id: UUID, page: Reading) -> Response:
    """One event: its envelope, what it says, and the hash under which it stands in the log; out of the archive, or where that does not have it yet out of the service."""
    answer = await page.try_answer("audit", f"/v1/archive/events/{event_id}", log=service)
    if answer is None or not (answer.ok or key_needed(answer)):
        answer = await page.answer(service, f"/v1/log/{event_id}")
    if key_needed(answer):
        return await to_the_key(page, answer, page.path)
    if not answer.ok:
        return page.fault(answer.status, answer.code, answer.sentence)
    told = told_in(answer.body["leaf"])
    data = json.dumps(told.pop("data", {}), ensure_ascii=False, indent=2)
    return await page.show(
        "log_event.html", found=answer.body, told=told, data=data, service=service, event_id=event_id, short=short
    )


def told_in(leaf: str) -> dict[str, Any]:
    """The envelope and what it says, nothing where it cannot be read."""
    # Whoever looks for what is wrong with a log is shown a leaf that cannot be read, too.
    try:
        told = json.loads(leaf)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


async def _found(page: Page, chosen: Selection, after: str | None) -> tuple[dict[str, Any] | None, bool]:
    """A page of what the services have, merged; None and true where one of them cannot read what is asked."""
    places = places_of(after)
    asked: list[Service] = [service for service in chosen.services() if places[service] is not None]
    answers = await asyncio.gather(
        *(
            page.answer(service, "/v1/log", **{**chosen.query(page), "after": places[service], "limit": FEW})
            for service in asked
        )
    )
    if any(answer.status == 422 for answer in answers):
        return None, True
    for answer in answers:
        if not answer.ok:
            raise Turned(page.fault(answer.status, answer.code, answer.sentence))
    bodies = {service: answer.body for service, answer in zip(asked, answers, strict=True)}
    return merged(bodies, places, FEW), False
