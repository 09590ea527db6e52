"""The page of a command: questions from the service's own form, answers to check, then sent once under one key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from fastapi import APIRouter, Response

from services.portal import sign_in
from services.portal.client import Answer, Form, Service, ServiceAway
from services.portal.fields import Fault, Field, Given, Posted, as_sent, body_of, fields_of
from services.portal.pages.frame import Page, Reading, Turned
from services.portal.pages.given import given_for
from services.portal.pages.key import acr_values_of, key_needed
from services.portal.translation import _, translated
from shared.ids import uuid7

router = APIRouter()

# Whatever else has changed meanwhile: nobody's withdrawal waits for a second look, and what has happened has happened.
_WHATEVER_CHANGED: Final = frozenset(
    {
        "withdraw_case", "withdraw_person", "withdraw_consent", "record_departure", "confirm_arrival",
        "record_contact_tried", "record_missed_flight", "put_on_hold", "record_transit_interrupted",
    }
)  # fmt: skip

_UNKNOWN_OUTCOME: Final = _(
    "No answer came. Nobody can say whether this was recorded. Send it again: it is recorded only once, also if you "
    "send it twice."
)


@router.get("/do/{service}/{operation}/{id}")
async def ask_for(service: Service, operation: str, id: UUID, page: Reading) -> Response:
    """The questions of a command; what was typed before a sign-in came between is there again."""
    form, given, back = await _form(page, service, operation, id)
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    if kept is not None:
        form, given, back = await _form(page, service, operation, id, kept)
    view = _View(page, form, fields_of(form.schema, given), given, back)
    if kept is None:
        return await view.questions(_started(view.fields, given))
    faults = view.body(kept)[1]
    # Whoever had checked everything and was sent to sign in once more checks it here, and sends it.
    checked = kept.get("step", [""])[0] == "send" and not faults
    return await view.check(kept) if checked and view.fields else await view.questions(kept)


@router.post("/do/{service}/{operation}/{id}")
async def answer_for(service: Service, operation: str, id: UUID, page: Reading) -> Response:
    """Checks what was typed, shows it once more, and sends it when it was confirmed."""
    sent = await page.request.form()
    posted = {name: [str(value) for value in sent.getlist(name)] for name in sent}
    form, given, back = await _form(page, service, operation, id, posted)
    view = _View(page, form, fields_of(form.schema, given), given, back)
    body, faults = view.body(posted)
    step = posted.get("step", ["check"])[0]
    if faults or step in ("change", "more"):
        return await view.questions(posted, () if step in ("change", "more") else faults)
    if step != "send" and view.fields:
        return await view.check(posted)
    key = posted.get("key", [str(uuid7())])[0]
    version = None if operation in _WHATEVER_CHANGED else posted.get("version", [""])[0] or None
    path = form.path.replace(f"{{{form.path.partition('{')[2].partition('}')[0]}}}", str(id))
    try:
        answer = await page.services.order(page.session, service, path, body, key, version)
    except ServiceAway as away:
        if away.sent:
            return await view.check(posted, _UNKNOWN_OUTCOME, 503)
        return await view.check(posted, _("A part of the system does not answer now. Nothing was sent. Try again in a minute."), 503)
    return await _after(view, posted, answer)


async def _after(view: "_View", posted: Posted, answer: Answer) -> Response:
    page = view.page
    if answer.ok:
        return await page.done(translated(_("%(what)s: recorded."), what=view.form.label), view.back)
    if key_needed(answer):
        return await sign_in.step_up(page.request, page.session, page.path, posted, acr_values_of(answer))
    if answer.status == httpx.codes.UNPROCESSABLE_ENTITY:
        faults = tuple(
            Fault(str(fault.get("field", "")).removeprefix("body."), "unreadable")
            for fault in answer.body.get("fields") or ()
        )
        return await view.questions(posted, faults, answer.sentence, 422)
    if answer.status == httpx.codes.PRECONDITION_FAILED:
        # What stands on this page was read anew, so that sending it once more is a decision on what is there now.
        present = {**posted, "version": [view.given.version]}
        return await (view.check if view.fields else view.refused)(present, answer.sentence, 412)
    return await view.refused(posted, answer.sentence, answer.status)


@dataclass(frozen=True, slots=True)
class _View:
    """The two faces of one command's page: its questions, and what was answered, to be checked."""

    page: Page
    form: Form
    fields: tuple[Field, ...]
    given: Given
    back: str

    def body(self, posted: Posted) -> tuple[dict[str, Any], tuple[Fault, ...]]:
        """The command's body, and what is missing or cannot be read in it."""
        return body_of(self.fields, self.given, posted, self._zone)

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(sign_in.sessions_of(self.page.request).settings.mission_time_zone)

    async def questions(
        self, posted: Posted, faults: tuple[Fault, ...] = (), refusal: str | None = None, status: int = 200
    ) -> Response:
        """What is asked, with what was typed and what is wrong with it."""
        return await self._show("questions.html", 422 if faults and status == 200 else status, posted, faults, refusal)

    async def refused(self, posted: Posted, refusal: str, status: int) -> Response:
        """What is asked once more, after the service said no."""
        return await self.questions(posted, (), refusal, status)

    async def check(self, posted: Posted, refusal: str | None = None, status: int = 200) -> Response:
        """What will be sent, before it is."""
        return await self._show("check.html", status, posted, (), refusal)

    async def _show(
        self, template: str, status: int, posted: Posted, faults: tuple[Fault, ...], refusal: str | None
    ) -> Response:
        return await self.page.show(
            template, status, form=self.form, fields=self.fields, posted=posted, given=self.given, back=self.back,
            sent=as_sent(self.fields, posted, self._zone),
            faults={fault.name: fault.code for fault in faults}, refusal=refusal,
            key=posted.get("key", [str(uuid7())])[0], version=posted.get("version", [self.given.version])[0],
        )


async def _form(
    page: Page, service: Service, operation: str, id: UUID, posted: Posted | None = None
) -> tuple[Form, Given, str]:
    form = await page.form(service, operation)
    if form is None:
        raise Turned(page.fault(404, "not_found", _("There is no such page.")))
    given, back = await given_for(page, form, id, posted or {})
    return form, given, back


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
