"""What is known of an approval policy before somebody types: the version that is there now, or the example."""

from uuid import UUID

from services.portal.client import Form
from services.portal.fields import Given, Posted
from services.portal.pages.frame import Page

_AMOUNTS = ("cap_per_person", "cap_per_family", "one_approver_up_to", "two_approvers_up_to", "quotations_above")


async def of_policy(page: Page, form: Form, id: UUID, posted: Posted) -> tuple[Given, str]:
    """For the next version of a programme's policy, which starts from the present one; a first one starts from the example."""
    del form, posted
    there = await page.answer("reintegration", f"/v1/approval-policies/{id}")
    if not there.ok:
        example = (await page.ask("reintegration", "/v1/example-policy")).body
        return Given(start={**example, "programme": ""}), "/approval-policies"
    state = there.body["state"]
    start = {**state, **{name: {"amount": state[name], "currency": state["currency"]} for name in _AMOUNTS}}
    return (
        Given(fixed={"programme": state["programme"]}, start=start, version=there.etag or "", shown=(("programme", state["programme"]),)),
        f"/approval-policies/{id}",
    )
