"""The page of a command: questions from the service's own form, answers to check, then sent once under one key."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response

from services.portal import sign_in
from services.portal.client import Answer, Form, Service, ServiceAway
from services.portal.fields import Fault, Field, Given, Posted, body_of, fields_of
from services.portal.pages.frame import Page, Reading, Turned
from services.portal.pages.given import given_for
from shared.ids import uuid7

router = APIRouter()

_UNKNOWN_OUTCOME = (
    "No answer came, so it is not known whether this was recorded. Send it again: it is recorded once, however often "
    "it is sent."
)


@router.get("/do/{service}/{operation}/{id}")
async def ask_for(service: Service, operation: str, id: UUID, page: Reading) -> Response:
    """The questions of a command; what was typed before a sign-in came between is there again."""
    form, given, back = await _form(page, service, operation, id)
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    fields = fields_of(form.schema, given)
    return await _questions(page, form, fields, kept or _started(fields, given), (), back)


@router.post("/do/{service}/{operation}/{id}")
async def answer_for(service: Service, operation: str, id: UUID, page: Reading) -> Response:
    """Checks what was typed, shows it once more, and sends it when it was confirmed."""
    sent = await page.request.form()
    posted = {name: [str(value) for value in sent.getlist(name)] for name in sent}
    form, given, back = await _form(page, service, operation, id, posted)
    fields = fields_of(form.schema, given)
    zone = ZoneInfo(sign_in.sessions_of(page.request).settings.mission_time_zone)
    body, faults = body_of(fields, given, posted, zone)
    step = posted.get("step", ["check"])[0]
    if faults or step in ("change", "more"):
        return await _questions(page, form, fields, posted, faults if step == "check" else (), back)
    if step == "check" and fields:
        return await _check(page, form, fields, posted, back)
    key = posted.get("key", [str(uuid7())])[0]
    version = posted.get("version", [""])[0]
    path = form.path.replace(f"{{{form.path.partition('{')[2].partition('}')[0]}}}", str(id))
    try:
        answer = await page.services.order(page.session, service, path, body, key, version or None)
    except ServiceAway as away:
        if not away.sent:
            return page.fault(503, "away", "A part of the system does not answer just now. Nothing was sent.")
        return await _check(page, form, fields, posted, back, _UNKNOWN_OUTCOME, 503)
    return await _after(page, form, fields, posted, answer, back)


async def _after(
    page: Page, form: Form, fields: tuple[Field, ...], posted: Posted, answer: Answer, back: str
) -> Response:
    if answer.ok:
        return await page.done(f"{form.label}: recorded.", back)
    if answer.code == "insufficient_user_authentication":
        return await sign_in.step_up(page.request, page.session, page.path, posted, "phr")
    if answer.status == 422:
        faults = tuple(
            Fault(str(fault.get("field", "")).removeprefix("body."), "unreadable")
            for fault in answer.body.get("fields") or ()
        )
        return await _questions(page, form, fields, posted, faults, back, answer.sentence, 422)
    return await _questions(page, form, fields, posted, (), back, answer.sentence, answer.status)


async def _form(
    page: Page, service: Service, operation: str, id: UUID, posted: Posted | None = None
) -> tuple[Form, Given, str]:
    form = await page.services.form(page.session, service, operation)
    if form is None:
        raise Turned(page.fault(404, "not_found", "There is no such page."))
    given, back = await given_for(page, form, id, posted or {})
    return form, given, back


async def _questions(
    page: Page, form: Form, fields: tuple[Field, ...], posted: Posted, faults: tuple[Fault, ...], back: str,
    refusal: str | None = None, status: int = 200,
) -> Response:  # fmt: skip
    return await page.show(
        "questions.html", 422 if faults and status == 200 else status, form=form, fields=fields, posted=posted,
        faults={fault.name: fault.code for fault in faults}, refusal=refusal, back=back,
        key=posted.get("key", [str(uuid7())])[0], version=posted.get("version", [""])[0],
    )  # fmt: skip


async def _check(
    page: Page, form: Form, fields: tuple[Field, ...], posted: Posted, back: str, refusal: str | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    return await page.show(
        "check.html", status, form=form, fields=fields, posted=posted, refusal=refusal, back=back,
        key=posted.get("key", [str(uuid7())])[0], version=posted.get("version", [""])[0],
    )  # fmt: skip


def _started(fields: tuple[Field, ...], given: Given) -> Mapping[str, list[str]]:
    """First suggestions as if somebody had typed them."""
    found: dict[str, list[str]] = {}
    for one in fields:
        if one.key in given.start:
            _suggest(one, given.start[one.key], found)
    return found


def _suggest(one: Field, value: Any, found: dict[str, list[str]]) -> None:
    if one.kind == "money":
        found[f"{one.name}.amount"], found[f"{one.name}.currency"] = [value["amount"]], [value["currency"]]
    elif one.kind == "moment":
        found[f"{one.name}.day"], found[f"{one.name}.time"] = [value[:10]], [value[11:16]]
    elif one.kind == "choices":
        found[one.name] = [str(item) for item in value]
    elif one.kind == "rows":
        for questions, row in zip(one.rows, value, strict=False):
            for question in questions:
                if question.key in row:
                    _suggest(question, row[question.key], found)
    else:
        found[one.name] = [str(value)]
