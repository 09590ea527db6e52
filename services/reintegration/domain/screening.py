"""The screening of a payee: its names are held against each list, and a hit stops it until two persons clear it.

Decision 54: a list that is newer, or another name, is another screening; what two persons cleared stays cleared. What is found
and said is concealed and goes with the person (decision 90).
"""

from services.reintegration.domain.alike import MATCHER
from services.reintegration.domain.payee_facts import PayeeFacts
from services.reintegration.domain.payee_state import ENDED, MOST_HITS, Payee
from shared.actors import PROGRAMS
from shared.contracts.payees import PayeeEnded, closed_for
from shared.contracts.sanctions import ClearingReason, Finding, PayeeScreened
from shared.decider import Events, ReadsFacts, Rule, changing
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context


class ScreenPayee(Command):
    """Hold the names of the payee against the lists of sanctions as they are now."""


class AskToClearHits(Command):
    """Ask that the hits are cleared, since the lists mean somebody else. A second person decides."""

    reason: ClearingReason


class ClearHits(Command):
    """Clear the hits, as a colleague asked: after you looked at the entries yourself."""


class ConfirmHits(Command):
    """Confirm that a list means this payee. Nothing is ever paid to it."""


def not_screened() -> RuleViolation:
    """Refuses a payee that was not held against the newest lists with the names that it has now."""
    return RuleViolation("not_screened", "This payee waits for its screening against the newest lists. That takes a minute.")


def screening_hit() -> RuleViolation:
    """Refuses a payee that a list may mean, until two persons cleared that."""
    return RuleViolation("screening_hit", "A list of sanctions may mean this payee. Two persons look at it first.")


def refuse_unless_screened(state: Payee, facts: PayeeFacts) -> None:
    """Refused as ``screening_hit`` or ``not_screened``; as long as there is no list nobody is screened."""
    if state.hits:
        raise screening_hit()
    unseen = set(facts.newest_lists) - set(state.screened_lists)
    if unseen or (facts.newest_lists and state.screened_no != state.newest_live_no):
        raise not_screened()


@ReadsFacts
def screened(state: Payee, facts: PayeeFacts, _: Context) -> None:
    """A guard for whatever makes an account one that is paid to."""
    refuse_unless_screened(state, facts)


def _there_are_hits(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.status in ENDED:
        raise RuleViolation("payee_closed", "This payee is closed or blocked.")
    if not state.hits:
        raise RuleViolation("no_hits", "No list of sanctions means this payee, as far as is known.")


def _nobody_asked(state: Payee, _: PayeeFacts, __: Context) -> None:
    if state.clearing_asked_by is not None:
        raise RuleViolation("clearing_asked", "A colleague asked for this already. It waits for a second person.")


def _somebody_asked(state: Payee, _: PayeeFacts, context: Context) -> None:
    if state.clearing_asked_by is None:
        raise RuleViolation("nothing_waits", "Nobody asked that these hits are cleared.")
    if state.clearing_asked_by == context.actor.person_id:
        raise not_by_whoever_asked()


def not_by_whoever_asked() -> FourEyes:
    """Refuses to clear alone; the database's CHECK refuses it in the same words."""
    return FourEyes("You asked that these hits are cleared, so somebody else has to look.")


def _screen(state: Payee, _: ScreenPayee, facts: PayeeFacts, context: Context) -> Events:
    if state.status in ENDED or not facts.newest_lists:
        return ()
    same = (state.screened_lists, state.screened_no, state.screened_with) == (facts.newest_lists, state.newest_live_no, MATCHER)
    cleared = {(hit.list_name, hit.entry_id) for hit in state.cleared}
    found = tuple(hit for hit in facts.found if (hit.list_name, hit.entry_id) not in cleared)
    if same and {*found} <= {*state.hits}:
        # By the clock nothing happened. What a person ordered is a fact all the same, so that a screening which is repeated by
        # somebody says no more than that they looked: as each step of a clearing does.
        return (_looked_again(state, context),) if context.actor.roles - PROGRAMS else ()
    if state.screened_no == state.newest_live_no:
        # Whoever brings another version of a list takes no hit away with it: two persons clear each.
        again = {(hit.list_name, hit.entry_id) for hit in found}
        found = (*(hit for hit in state.hits if (hit.list_name, hit.entry_id) not in again), *found)
    found = found[:MOST_HITS]
    if same and found == state.hits:
        return (_looked_again(state, context),) if context.actor.roles - PROGRAMS else ()
    return (
        PayeeScreened(
            account_no=state.newest_live_no, list_ids=facts.newest_lists, hits=(), screened_at=context.now,
            found=Finding(step="screened", hits=found).concealed(), matcher=MATCHER,
        ),
    )  # fmt: skip


def _looked_again(state: Payee, context: Context) -> PayeeScreened:
    """That the lists say what is known; what was asked of it goes on waiting."""
    known = Finding(step="screened", hits=state.hits, reason=state.clearing_reason, asked_by=state.clearing_asked_by)
    return _said(state, known, context)


def _ask(state: Payee, order: AskToClearHits, _: PayeeFacts, context: Context) -> Events:
    asked = Finding(step="clearing_asked", reason=order.reason, asked_by=context.actor.person_id)
    return (_said(state, asked, context),)


def _clear(state: Payee, _: ClearHits, __: PayeeFacts, context: Context) -> Events:
    cleared = Finding(
        step="cleared", hits=state.hits, reason=state.clearing_reason, asked_by=state.clearing_asked_by,
        cleared_by=context.actor.person_id, more=len(state.hits) >= MOST_HITS,
    )  # fmt: skip
    return (_said(state, cleared, context),)


def _said(state: Payee, finding: Finding, context: Context) -> PayeeScreened:
    """What is said of the hits looks like one more screening against the same lists."""
    assert state.screened_no is not None
    return PayeeScreened(
        account_no=state.screened_no, list_ids=state.screened_lists, hits=(), screened_at=context.now, found=finding.concealed(),
        matcher=state.screened_with,
    )  # fmt: skip


def _confirm(_: Payee, __: ConfirmHits, ___: PayeeFacts, context: Context) -> Events:
    return (
        PayeeEnded(closed_for=closed_for("meant_by_a_list"), closed_by=context.actor.person_id, closed_at=context.now),
    )


SCREENING_RULES: tuple[Rule[Payee, PayeeFacts], ...] = (
    changing(ScreenPayee, "Screen against the lists now", _screen),
    changing(AskToClearHits, "Ask to clear the hits", _ask, _there_are_hits, _nobody_asked),
    changing(ClearHits, "Clear the hits", _clear, _there_are_hits, _somebody_asked),
    changing(ConfirmHits, "Confirm that the payee is meant", _confirm, _there_are_hits),
)
