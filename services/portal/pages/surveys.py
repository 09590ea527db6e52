"""Surveys: who is due, the form of an instrument in the language of whoever is asked, what came of it, and averages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

from babel import Locale
from fastapi import APIRouter, Query, Response

from services.portal import sign_in
from services.portal.client import ServiceAway
from services.portal.fields import Posted, day_of, typed
from services.portal.pages.frame import Page, Reading
from services.portal.pages.naming import here, names_of, short
from services.portal.translation import _
from shared.clock import real_time
from shared.ids import uuid7

router = APIRouter()

MODES: Final = ("in_person", "phone", "video")
REASONS: Final = ("mistyped", "misunderstood", "wrong_question")
_RTL: Final = frozenset({"ara", "fas", "pus", "urd", "prs", "pes", "ckb"})
# The languages of instruments (ISO 639-3) as Babel names them; each is called as those call it who speak it.
_SPOKEN: Final[Mapping[str, str]] = {
    "eng": "en", "bos": "bs", "fra": "fr", "ara": "ar", "fas": "fa", "pus": "ps", "urd": "ur", "deu": "de", "tur": "tr",
    "rus": "ru", "spa": "es", "ben": "bn", "som": "so", "hrv": "hr", "srp": "sr",
}  # fmt: skip
_ANSWER: Final = "answer."
_UNKNOWN_OUTCOME: Final = _(
    "No answer came. Nobody can say whether this was recorded. Send it again: it is recorded only once, also if you "
    "send it twice."
)
Code = Annotated[str, Query(max_length=63, pattern=r"^[a-z][a-z0-9_]*$")]
Version = Annotated[int, Query(ge=1, le=10_000)]


def native(language: str) -> str:
    """A language's name as its speakers write it; the code of one that is not known here."""
    spoken = _SPOKEN.get(language)
    name = Locale.parse(spoken).get_language_name(spoken) if spoken else None
    return (name[:1].upper() + name[1:]) if name else language


def tag(language: str) -> str:
    """A language as documents name it (BCP 47)."""
    return _SPOKEN.get(language, language)


def direction(language: str) -> str:
    """In which direction a language is written."""
    return "rtl" if language in _RTL else "ltr"


@router.get("/surveys")
async def due(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Who is to be asked now, and by which survey in which round."""
    found = (await page.ask("reintegration", "/v1/due-surveys", after=None if after is None else str(after))).body
    names = await names_of(page, (one["person_id"] for row in found["items"] for one in row["due"]))
    return await page.show(
        "surveys.html", found=found, names=names, titles=await _titles(page), short=short, case_id=None
    )


@router.get("/surveys/averages")
async def averages(page: Reading, instrument: Annotated[str, Query(max_length=63)] = "") -> Response:
    """How people are doing on average, by one survey."""
    titles = await _titles(page)
    found = (await page.ask("reintegration", f"/v1/survey-averages/{instrument}")).body if instrument in titles else None
    return await page.show("survey_averages.html", found=found, titles=titles, instrument=instrument)


@router.get("/survey-rounds")
async def rounds(page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """Which surveys there are, and in which rounds they are asked."""
    found = (await page.ask("reintegration", "/v1/survey-rounds", after=None if after is None else str(after))).body
    known = (await page.ask("reintegration", "/v1/instruments")).body["items"]
    return await page.show("survey_rounds.html", found=found, known=known, titles=_named(known), native=native, tag=tag)


@router.get("/surveys/of/{case_id}")
async def of_a_case(case_id: UUID, page: Reading, after: Annotated[UUID | None, Query()] = None) -> Response:
    """The surveys of one case, oldest first."""
    found = (
        await page.ask("reintegration", f"/v1/cases/{case_id}/surveys", after=None if after is None else str(after))
    ).body
    names = await names_of(page, (one["person_id"] for one in found["items"]))
    return await page.show("surveys_of_case.html", found=found, names=names, titles=await _titles(page), short=short, case_id=case_id)


@router.get("/surveys/{survey_id}/interview")
async def interview(
    survey_id: UUID, page: Reading, case: UUID, person: UUID, round: UUID, instrument: Code, version: Version,
    language: Annotated[str, Query(max_length=3)] = "eng",
) -> Response:  # fmt: skip
    """The questions of a survey for one person; what was typed before a sign-in came between is there again."""
    asks = await _asks(page, survey_id, instrument, version, case=case, person=person, round=round)
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    today = f"{here(page, real_time()):%Y-%m-%d}"
    return await asks.show(kept or {"interviewed_on": [today]}, language)


@router.post("/surveys/{survey_id}/interview")
async def record(
    survey_id: UUID, page: Reading, case: UUID, person: UUID, round: UUID, instrument: Code, version: Version
) -> Response:
    """Checks what was answered and records it, once under its key; or shows it in another language."""
    asks = await _asks(page, survey_id, instrument, version, case=case, person=person, round=round)
    return await _sent(asks, f"/v1/surveys/{survey_id}")


@router.get("/surveys/{survey_id}/correct")
async def correct(survey_id: UUID, page: Reading) -> Response:
    """The questions of a survey with what was recorded last, to be recorded anew for a reason."""
    found = (await page.ask("reintegration", f"/v1/surveys/{survey_id}")).body
    asks = await _asks_anew(page, survey_id, found)
    kept = await sign_in.kept_form(page.request, page.session, page.path)
    last = found["recorded"][-1]["answers"] if found["recorded"] else {}
    return await asks.show(kept or {_ANSWER + item: [option] for item, option in last.items()}, "eng")


@router.post("/surveys/{survey_id}/correct")
async def corrected(survey_id: UUID, page: Reading) -> Response:
    """Checks the answers and records them anew."""
    asks = await _asks_anew(page, survey_id, (await page.ask("reintegration", f"/v1/surveys/{survey_id}")).body)
    return await _sent(asks, f"/v1/surveys/{survey_id}/correct")


@router.get("/surveys/{survey_id}")
async def survey(survey_id: UUID, page: Reading) -> Response:
    """What somebody answered and what it scores, with the banner of the survey; that it was read is on record."""
    found = (await page.ask("reintegration", f"/v1/surveys/{survey_id}")).body
    state = found["state"]
    asked = (await page.ask("reintegration", _path(state["instrument"], state["instrument_version"]))).body
    names = await names_of(page, (state["person_id"],))
    actions = {action["name"]: action for action in found["actions"]}
    return await page.show(
        "survey.html", found=found, state=state, asked=asked, recorded=found["recorded"][::-1], labels=_labels(asked),
        bands={band["code"]: band["label"]["eng"] for band in asked["bands"]}, names=names, short=short,
        correcting=actions.get("correct_survey"),
    )  # fmt: skip


def _path(instrument: str, version: int) -> str:
    return f"/v1/instruments/{instrument}/{version}"


def _labels(asked: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """What staff read of each option, by its question and its code."""
    return {
        (item["code"], option["code"]): option["label"]["eng"]
        for item in asked["items"]
        for option in asked["scales"][item["scale"]]
    }


async def _titles(page: Page) -> dict[str, str]:
    return _named((await page.ask("reintegration", "/v1/instruments")).body["items"])


def _named(known: Any) -> dict[str, str]:
    return {one["instrument"]: one["title"]["eng"] for one in known}


async def _asks(
    page: Page, survey_id: UUID, instrument: str, version: int, *, state: Mapping[str, Any] | None = None, **ids: UUID
) -> "_Asks":
    asked = (await page.ask("reintegration", _path(instrument, version))).body
    return _Asks(page, survey_id, asked, {name: str(id) for name, id in ids.items()}, state)


async def _asks_anew(page: Page, survey_id: UUID, found: Mapping[str, Any]) -> "_Asks":
    """The form for another record of a survey, without the questions of which its reader is told nothing: they stand."""
    state = found["state"]
    asks = await _asks(page, survey_id, state["instrument"], state["instrument_version"], state=state)
    items = [item for item in asks.asked["items"] if item["dimension"] not in found["untold"]]
    return replace(asks, asked={**asks.asked, "items": items})


async def _sent(asks: "_Asks", path: str) -> Response:
    form = await asks.page.request.form()
    posted = {name: [str(value) for value in form.getlist(name)] for name in form}
    language = typed("language", posted) or "eng"
    if typed("to", posted):
        # Another language of the same questions, with what was answered so far.
        return await asks.show({**posted, "language": [typed("to", posted)]}, typed("to", posted))
    body, faults = asks.body(posted)
    if faults:
        return await asks.show(posted, language, faults, status=422)
    key = typed("key", posted) or str(uuid7())
    try:
        answer = await asks.page.services.order(asks.page.session, "reintegration", path, body, key, None)
    except ServiceAway as away:
        return await asks.show(posted, language, refusal=_UNKNOWN_OUTCOME if away.sent else AWAY, status=503)
    if answer.ok:
        return await asks.page.done(_("The survey was recorded."), f"/surveys/{asks.survey_id}")
    return await asks.show(posted, language, refusal=answer.sentence, status=answer.status)


AWAY: Final = _("A part of the system does not answer now. Nothing was sent. Try again in a minute.")


@dataclass(frozen=True, slots=True)
class _Asks:
    """The form of one instrument: for an interview of the person whom ``ids`` name, or to correct the one of this ``state``."""

    page: Page
    survey_id: UUID
    asked: Mapping[str, Any]
    ids: Mapping[str, str]
    state: Mapping[str, Any] | None

    def body(self, posted: Posted) -> tuple[dict[str, Any], dict[str, str]]:
        """What is sent, and what is missing or cannot be read, by the name of its field."""
        faults: dict[str, str] = {}
        answers = {item["code"]: typed(_ANSWER + item["code"], posted) for item in self.asked["items"]}
        for item in self.asked["items"]:
            if not answers[item["code"]] and item["required"] and not is_skipped(item, answers):
                faults[_ANSWER + item["code"]] = "missing"
        given = [{"item": item, "option": option} for item, option in answers.items() if option]
        if self.state is not None:
            if typed("reason", posted) not in REASONS:
                faults = {"reason": "missing", **faults}
            return {"reason": typed("reason", posted), "answers": given}, faults
        day, agreed = day_of(typed("interviewed_on", posted)), typed("consented", posted)
        first = {
            "consented": "missing" if agreed not in ("yes", "no") else "", "mode": "missing" if typed("mode", posted) not in MODES else "",
            "interviewed_on": "unreadable" if day is None else "",
        }  # fmt: skip
        # Whoever does not agree is asked nothing.
        found = {name: code for name, code in first.items() if code} | ({} if agreed == "no" else faults)
        return {
            "case_id": self.ids["case"], "person_id": self.ids["person"], "round_id": self.ids["round"],
            "mode": typed("mode", posted), "interviewed_on": str(day), "consented": agreed == "yes",
            "out_of_window": typed("out_of_window", posted) == "yes", "answers": given,
        }, found  # fmt: skip

    async def show(
        self, posted: Posted, language: str, faults: Mapping[str, str] | None = None, *, refusal: str = "", status: int = 200
    ) -> Response:
        """The questions in one language, with what was answered and what is wrong with it."""
        texts = self.asked["title"]
        language = language if language in texts else "eng"
        return await self.page.show(
            "survey_form.html", status, asked=self.asked, state=self.state, ids=self.ids, survey_id=self.survey_id, posted=posted,
            language=language, languages=[(code, native(code), direction(code)) for code in texts], way=direction(language), tag=tag,
            faults=dict(faults or {}), refusal=refusal, modes=MODES, reasons=REASONS, key=typed("key", posted) or str(uuid7()),
            typed=typed, short=short, skipping=_skipping(self.asked, language), names=await self._names(),
        )  # fmt: skip

    async def _names(self) -> Mapping[str, str]:
        return await names_of(self.page, (self._person_id,))

    @property
    def _person_id(self) -> str:
        return self.ids["person"] if self.state is None else str(self.state["person_id"])


def is_skipped(item: Mapping[str, Any], answers: Mapping[str, str]) -> bool:
    """Whether a question is not asked after these answers, as its survey says."""
    skip = item["skip_if"]
    return skip is not None and answers.get(skip["item"]) in skip["answered"]


def _skipping(asked: Mapping[str, Any], language: str) -> dict[str, tuple[str, str]]:
    """Of each question that may be left out: after which one, and after which answers to it, as they are read."""
    items = {item["code"]: item for item in asked["items"]}
    found: dict[str, tuple[str, str]] = {}
    for item in asked["items"]:
        skip = item["skip_if"]
        if skip is not None:
            before = items[skip["item"]]
            options = {option["code"]: option["label"] for option in asked["scales"][before["scale"]]}
            labels = [options[code].get(language, options[code]["eng"]) for code in skip["answered"]]
            found[item["code"]] = (before["text"].get(language, before["text"]["eng"]), " / ".join(labels))
    return found
