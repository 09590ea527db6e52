"""Pictures of every page of the portal, narrow and wide and from right to left, for people to look at."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from ops.browser import ensure_browser, open_browser, sign_in
from ops.settings import CannotStart
from shared.outgoing import Outgoing

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

WIDTHS: Final = (360, 1280)
HEIGHT: Final = 800
# The demo and the tests answer this pseudo-language with the same words from right to left.
RIGHT_TO_LEFT: Final = "ar-XB"


@dataclass(frozen=True, slots=True)
class Shot:
    """One page: who sees it (nobody before signing in), where it is, its picture's name.

    `follow` leads on by the first link or button that each of these selectors finds, for pages whose address holds an id.
    """

    persona: str | None
    path: str
    name: str
    follow: tuple[str, ...] = ()
    tour: bool = False


_A_CASE: Final = "main a[href^='/cases/']"
_A_PLAN: Final = "main a[href^='/plans/']"

# Pages of one person stand together: each signs in once.
PAGES: Final = (
    Shot(None, "/signed-out", "signed-out"),
    Shot("counsellor-1", "/", "counsellor-home", tour=True),
    Shot("counsellor-1", "/do/counselling/hold_session/01900000-0000-7000-8000-000000000001", "counsellor-session-form"),
    Shot("counsellor-1", "/sessions", "counsellor-sessions"),
    Shot("counsellor-1", "/sessions", "counsellor-session", follow=("main a[href^='/sessions/']",)),
    Shot("counsellor-1", "/persons", "counsellor-persons"),
    Shot("counsellor-1", "/cases", "counsellor-cases"),
    Shot("counsellor-1", "/cases", "counsellor-case", follow=("main tbody tr:last-child a[href^='/cases/']",), tour=True),
    Shot("counsellor-1", "/cases", "counsellor-person", follow=(_A_CASE, "main a[href^='/persons/']")),
    Shot("counsellor-1", "/cases", "counsellor-consent", follow=(_A_CASE, "main a[href^='/persons/']", "main a[href*='/consents/']")),
    Shot("counsellor-1", "/cases?status=preparing", "counsellor-plan", follow=(_A_CASE, _A_PLAN)),
    Shot("counsellor-1", "/cases?status=preparing", "counsellor-support-form", follow=(_A_CASE, "main a[href*='/do/returns/plan_support/']")),
    Shot("coordinator", "/", "coordinator-home", tour=True),
    Shot("coordinator", "/cases", "coordinator-cases"),
    Shot("coordinator", "/cases?status=applied", "coordinator-case", follow=(_A_CASE,)),
    Shot("coordinator", "/cases?status=preparing", "coordinator-family", follow=(_A_CASE, "main a[href$='/family']")),
    Shot(
        "coordinator", "/cases?status=reintegrating", "coordinator-final-report-form",
        follow=(_A_CASE, "main a[href*='/do/returns/write_final_report/']"),
    ),
    Shot("operations", "/", "operations-home", tour=True),
    Shot("operations", "/cases?status=ready_to_travel", "operations-case", follow=(_A_CASE,)),
    Shot("operations", "/arrivals", "operations-arrivals"),
    Shot("operations", "/corrections", "operations-corrections"),
    Shot("protection", "/", "protection-home"),
    Shot("protection", "/protection", "protection-board"),
    Shot("protection", "/cases?status=screening", "protection-screening", follow=(_A_CASE, "main a[href*='/screening/']")),
    Shot("receiving-office-tr", "/", "receiving-office-home", tour=True),
    Shot("receiving-office-tr", "/arrivals", "receiving-office-arrivals"),
    Shot("receiving-office-tr", "/family-assessments", "receiving-office-assessments"),
    Shot("receiving-office-tr", "/cases", "receiving-office-cases"),
    Shot("receiving-office-tr", "/cases?status=arrived", "receiving-office-case", follow=(_A_CASE,)),
    Shot("receiving-office-tr", "/cases?status=reintegration_ongoing", "receiving-office-plan", follow=(_A_CASE, _A_PLAN)),
    Shot(
        "receiving-office-tr", "/grants?status=disbursed", "receiving-office-evidence",
        follow=("main a[href^='/grants/']", "main a[href$='/evidence']"),
    ),
    Shot("receiving-office-tr", "/status", "receiving-office-status"),
    Shot("receiving-office-tr", "/surveys", "receiving-office-surveys"),
    Shot("receiving-office-tr", "/queue", "receiving-office-queue"),
    Shot("finance-approver", "/", "finance-approver-home"),
    Shot("finance-approver", "/queue", "finance-approver-queue", tour=True),
    Shot("finance-approver", "/grants", "finance-approver-grants"),
    Shot("finance-approver", "/grants", "finance-approver-grant", follow=("main a[href^='/grants/']",)),
    Shot("finance-approver", "/funds", "finance-approver-funds"),
    Shot("finance-payer", "/", "finance-payer-home"),
    Shot("finance-payer", "/queue", "finance-payer-queue"),
    Shot("finance-reconciler", "/", "finance-reconciler-home"),
    Shot("finance-reconciler", "/queue", "finance-reconciler-queue"),
    Shot("finance-reconciler", "/rates", "finance-reconciler-rates"),
    Shot("finance-reconciler", "/payees", "finance-reconciler-payees"),
    Shot("finance-reconciler", "/own-accounts", "finance-reconciler-own-accounts"),
    Shot("finance-payer", "/payment-batches", "finance-payer-batches"),
    Shot("finance-payer", "/payment-batches", "finance-payer-batch", follow=("main a[href^='/payment-batches/']",)),
    Shot("finance-payer", "/unclaimed-cash", "finance-payer-unclaimed-cash"),
    Shot("finance-reconciler", "/bank-files", "finance-reconciler-bank-files"),
    Shot("finance-reconciler", "/bank-files", "finance-reconciler-bank-file", follow=("main tbody a[href^='/bank-files/']",)),
    Shot("finance-reconciler", "/bank-lines", "finance-reconciler-bank-lines"),
    Shot("finance-reconciler", "/bank-lines?state=matched", "finance-reconciler-bank-line", follow=("main tbody a[href^='/bank-lines/']",)),
    Shot("finance-reconciler", "/payees", "finance-reconciler-payee", follow=("main tbody a[href^='/payees/']",)),
    Shot("finance-reconciler", "/payee-findings", "finance-reconciler-payee-findings"),
    Shot("finance-reconciler", "/sanctions-lists", "finance-reconciler-sanctions-lists"),
    Shot("finance-reconciler", "/staff-accounts", "finance-reconciler-staff-accounts"),
    Shot("finance-reconciler", "/periods", "finance-reconciler-periods"),
    Shot("finance-reconciler", "/recoveries", "finance-reconciler-recoveries"),
    Shot("finance-reconciler", "/differences", "finance-reconciler-differences"),
    Shot("finance-reconciler", "/paid-although", "finance-reconciler-paid-although"),
    Shot("finance-reconciler", "/open-items", "finance-reconciler-open-items"),
    Shot("finance-reconciler", "/lost-payments", "finance-reconciler-lost-payments"),
    Shot("finance-reconciler", "/my-decisions", "finance-reconciler-decisions"),
    Shot("finance-reconciler", "/exports/grants?status=approved", "finance-reconciler-spreadsheet"),
    Shot("finance-payer", "/tickets", "finance-payer-tickets"),
    Shot("chief-of-mission", "/undecidable", "chief-of-mission-undecidable"),
    Shot("chief-of-mission", "/authorities", "chief-of-mission-authorities"),
    Shot("manager", "/approval-policies", "manager-approval-policies"),
    Shot("manager", "/survey-rounds", "manager-survey-rounds"),
    Shot("manager", "/surveys/averages?instrument=satisfaction_demo", "manager-survey-averages"),
    Shot("manager", "/exceptions?from=2023-01-01&to=2023-12-31", "manager-exceptions"),
    Shot("manager", "/findings", "manager-findings"),
    Shot("auditor", "/", "auditor-home"),
    Shot("auditor", "/log", "auditor-log"),
    Shot("auditor", "/archive", "auditor-archive"),
    Shot("auditor", "/archive?reason=not_permitted", "auditor-archive-by-reason"),
    Shot("auditor", "/spot-checks", "auditor-spot-checks"),
    Shot("auditor", "/archive/readings", "auditor-readings"),
    Shot("auditor", "/archive/refusals", "auditor-refusals"),
    Shot("auditor", "/archive/exceptions", "auditor-exceptions"),
    Shot("auditor", "/archive/exceptions", "auditor-case-chain", follow=("main td a[href^='/archive/cases/']",)),
    Shot("auditor", "/voucher-samples", "auditor-voucher-samples"),
    Shot("auditor", "/log?kind=avrr.returns.case.approved.v1", "auditor-log-of-a-kind", tour=True),
    Shot("auditor", "/log?kind=avrr.returns.case.departed.v1", "auditor-chain", follow=("main td a[href^='/log?id=']", "main a[href^='/log/chain/']")),
    Shot("auditor", "/integrity", "auditor-integrity"),
    Shot("auditor", "/findings", "auditor-findings"),
    Shot("data-protection", "/", "data-protection-home"),
    Shot("data-protection", "/erasures", "data-protection-erasures"),
    Shot("data-protection", "/access-requests", "data-protection-access-requests"),
    Shot("manager", "/", "manager-home"),
    Shot("manager", "/funds", "manager-funds"),
    Shot("manager", "/funds", "manager-fund", follow=("main a[href^='/funds/']",)),
    Shot("manager", "/report?year=2023", "manager-report", tour=True),
)


@dataclass(frozen=True, slots=True)
class Look:
    """How pages are looked at: the pictures' suffix for each language, the widths, and whether below the fold too."""

    languages: tuple[tuple[str, str], ...] = (("en", ""), (RIGHT_TO_LEFT, "-rtl"))
    widths: tuple[int, ...] = WIDTHS
    whole: bool = True
    height: int = HEIGHT


# What docs/tour.md shows: where each person's work begins, as it stands on a screen.
TOUR: Final = tuple(shot for shot in PAGES if shot.tour)
ON_TOUR: Final = Look((("en", ""),), (WIDTHS[-1],), whole=False, height=1200)


async def take_screenshots(
    portal: str, folder: Path, pages: Sequence[Shot] = PAGES, say: Callable[[str], None] = print, look: Look = Look()
) -> list[str]:
    """Writes `name-width.png` and `name-rtl-width.png` of each page; answers what could not be taken and why.

    `CannotStart` if the portal does not answer or there is no browser.
    """
    await expect_portal(portal)
    folder.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    async with open_browser(ensure_browser()) as browser:
        for persona, shots in _by_person(pages):
            for language, suffix in look.languages:
                faults += await _of_person(browser, portal, persona, shots, folder, language, suffix, look)
            say(f"{persona or 'nobody'}: {', '.join(shot.name for shot in shots)}")
    return faults


def _by_person(pages: Sequence[Shot]) -> Iterator[tuple[str | None, list[Shot]]]:
    for persona, shots in groupby(pages, key=lambda shot: shot.persona):
        yield persona, list(shots)


async def expect_portal(portal: str) -> None:
    """Nothing if the portal answers, otherwise `CannotStart`."""
    try:
        # A proxy from the environment would not find this machine's own addresses.
        async with Outgoing(trust_env=False, timeout=5) as client:
            answer = await client.get(f"{portal}/healthz")
    except (httpx.HTTPError, httpx.InvalidURL):
        answer = None
    if answer is None or not answer.is_success:
        raise CannotStart("not_running", "The portal does not answer: run ./avrr up or ./avrr demo first.")


async def _of_person(
    browser: "Browser", portal: str, persona: str | None, shots: Sequence[Shot], folder: Path, language: str,
    suffix: str, look: Look,
) -> list[str]:
    faults: list[str] = []
    context = await browser.new_context(
        viewport={"width": WIDTHS[-1], "height": HEIGHT}, extra_http_headers={"Accept-Language": language},
        reduced_motion="reduce",
    )  # fmt: skip
    try:
        page = await context.new_page()
        if persona is not None:
            await sign_in(page, portal, persona)
        for shot in shots:
            fault = await arrive(page, portal, shot) or await _written(page, language)
            if fault is not None:
                faults.append(f"{shot.name}{suffix}: {fault}")
                continue
            for width in look.widths:
                await page.set_viewport_size({"width": width, "height": look.height})
                await page.screenshot(path=folder / f"{shot.name}{suffix}-{width}.png", full_page=look.whole)
    finally:
        await context.close()
    return faults


async def arrive(page: "Page", portal: str, shot: Shot) -> str | None:
    """Goes to a page; what is wrong with it, if it is not there."""
    answer = await page.goto(f"{portal}{shot.path}")
    for selector in shot.follow:
        found = page.locator(selector).first
        if not await found.count():
            return f"nothing there is {selector}"
        async with page.expect_navigation() as leading:
            await found.click()
        answer = await leading.value
    if answer is None or not answer.ok:
        return f"answered {answer.status if answer is not None else 'nothing'}"
    return None


async def _written(page: "Page", language: str) -> str | None:
    """What is wrong with the direction in which a page is written."""
    direction = await page.evaluate("() => getComputedStyle(document.documentElement).direction")
    return None if direction == ("rtl" if language == RIGHT_TO_LEFT else "ltr") else f"is written {direction}"
