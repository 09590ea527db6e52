"""What a page must hold for everybody: no fault that axe finds, no sideways scroll, a keyboard's way through it."""

import json
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Any

from playwright.async_api import Page, Route

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
NARROWEST = 320
MOST_STOPS = 300

_AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

_TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll("body *")].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && (box.right > width + 1 || box.left < -1);
  });
  return { scroll: document.documentElement.scrollWidth - width, wide: wide.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)) };
}"""

_FOCUS = """() => {
  const element = document.activeElement;
  if (element === null || element === document.body || element === document.documentElement) return null;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const label = element.labels && element.labels.length ? element.labels[0].innerText : "";
  return {
    place: [...document.querySelectorAll("*")].indexOf(element),
    name: (element.getAttribute("aria-label") || label || element.innerText || element.value || element.name || element.tagName).trim(),
    shown: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none",
    seen: box.width > 0 && box.height > 0,
  };
}"""


@dataclass(frozen=True)
class Stop:
    """Where a keyboard's focus rests: the element's place in the document, its name, and whether one sees that."""

    place: int
    name: str
    shown: bool
    seen: bool


async def axe_faults(page: Page) -> list[str]:
    """Each violation of WCAG 2.0 to 2.2, A and AA, and of axe's best practice: its rule, why, and where."""
    await page.evaluate(_AXE)
    asked = json.dumps({"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}})
    # Of what holds only whether there is any: it is most of what axe tells, and would be carried here through three processes.
    found: dict[str, Any] = await page.evaluate(
        f"axe.run(document, {asked}).then(({{ passes, violations }}) => ({{ passes: passes.length, violations }}))"
    )
    assert found["passes"], "axe looked at nothing"
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:160]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def sideways(page: Page, width: int = NARROWEST) -> list[str]:
    """What is wider than a screen this narrow, if the page scrolls sideways there; the size is put back."""
    before = page.viewport_size
    await page.set_viewport_size({"width": width, "height": 800})
    found: dict[str, Any] = await page.evaluate(_TOO_WIDE)
    if before is not None:
        await page.set_viewport_size(before)
    if found["scroll"] <= 0:
        return []
    return [f"{found['scroll']} px too wide", *found["wide"]]


async def stops(page: Page) -> list[Stop]:
    """Where Tab leads from the page's beginning until it leaves the page."""
    await page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0); }")
    found: list[Stop] = []
    for _ in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        focus = await page.evaluate(_FOCUS)
        if focus is None or (found and focus["place"] == found[0].place):
            return found
        found.append(Stop(**focus))
    raise AssertionError(f"Tab does not leave the page after {MOST_STOPS} stops")


async def keyboard_faults(page: Page) -> list[str]:
    """Stops that are out of the document's order, or whose focus nobody would see."""
    found = await stops(page)
    disordered = [
        f"{after.name!r} comes after {before.name!r}" for before, after in pairwise(found) if after.place < before.place
    ]
    return disordered + [f"the focus on {stop.name!r} can't be seen" for stop in found if not (stop.shown and stop.seen)]


async def assert_for_everybody(page: Page) -> None:
    """The page as it stands now: nothing for axe, no sideways scroll at 320 px, the keyboard's way clear."""
    faults = [*await axe_faults(page), *await sideways(page), *await keyboard_faults(page)]
    assert not faults, faults


async def assert_reachable(page: Page) -> None:
    """No sideways scroll at 320 px and the keyboard's way clear, of a page whose other direction axe has looked at.

    What axe judges, from names and roles to contrast, is the same from right to left.
    """
    faults = [*await sideways(page), *await keyboard_faults(page)]
    assert not faults, faults


async def assert_fits_as_it_stands(page: Page, twin: Page) -> None:
    """Nothing for axe and no sideways scroll at 320 px in a page without scripts, which axe needs.

    What stands in the page is looked at in the page of another context, which must be at liberty for that.
    """
    content = await page.content()

    async def answered(route: Route) -> None:
        if route.request.is_navigation_request():
            await route.fulfill(body=content, content_type="text/html; charset=utf-8")
        else:
            await route.continue_()

    await twin.route("**/*", answered)
    await twin.goto(page.url)
    faults = [*await axe_faults(twin), *await sideways(twin)]
    await twin.unroute("**/*")
    assert not faults, faults
