"""What is known of a request's budget before somebody types, and what is shown of its certificate before they decide."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.portal.fields import Option
from services.portal.pages.naming import short
from services.portal.translation import _, translated
from services.portal.wording import word
from services.portal.words import money

State = Mapping[str, Any]
# In which papers a price can stand.
_PRICED: Final = frozenset({"quotation", "estimate", "other"})


def start_of(state: State) -> dict[str, Any]:
    """What the request says now, to be changed; one line for all of it where it says nothing yet."""
    currency, budget = state["currency"], state.get("budget")
    if budget is None:
        return {"budget_lines": [{"money": {"amount": state["amount"], "currency": currency}}]}
    return {
        "budget_lines": [
            {"what": line["what"], "money": {"amount": line["amount"], "currency": currency}} for line in budget["lines"]
        ],
        "own_contribution": {"amount": budget["own_contribution"], "currency": currency},
        "quotations": [
            {
                "vendor": one["vendor"], "money": {"amount": one["amount"], "currency": currency},
                "evidence_id": one["evidence_id"], "chosen": "yes" if one["chosen"] else "no",
            }
            for one in budget["quotations"]
        ],
    }  # fmt: skip


def papers_of(state: State) -> Sequence[Option]:
    """The papers that a quotation can stand in."""
    return tuple(
        Option(paper["evidence_id"], f"{word(paper['kind'])} {short(paper['evidence_id'])}")
        for paper in state.get("evidence", ())
        if paper["kind"] in _PRICED
    )


def certificate_shown(state: State) -> tuple[tuple[str, str], ...]:
    """What medical staff said, for whoever decides; nothing where there is nothing to be said."""
    certificate = state.get("certificate")
    if certificate is None:
        return ()
    if certificate["outcome"] == "refused":
        return ((_("Medical certificate"), translated(_("refused: %(reason)s"), reason=word(certificate["reason"]))),)
    said = translated(
        _("needed, from %(low)s to %(high)s; by %(who)s"), low=money(certificate["price_from"], state["currency"]),
        high=money(certificate["price_to"], state["currency"]), who=certificate["attested_by"],
    )
    return ((_("Medical certificate"), said),)
