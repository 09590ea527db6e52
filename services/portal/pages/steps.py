"""A return case as a list of tasks: how far each is, from what the service says of the case and of what can be done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.portal.translation import _

How = Literal["completed", "in progress", "not started", "cannot start yet", "not needed"]
State = Mapping[str, Any]
Action = Mapping[str, Any]

_ORDER: Final = (
    "intention", "screening", "applied", "approved", "preparing", "ready_to_travel", "cleared_to_board", "departed",
    "arrived", "reintegrating", "grant_approved", "grant_disbursed", "monitoring", "closing", "closed",
)  # fmt: skip
_ENDED_EARLY: Final = frozenset({"withdrawn", "ineligible", "not_departed", "lapsed", "joined"})

# What belongs to no step: what is done when something changes.
APART: Final = (
    "withdraw_case", "withdraw_person", "record_contact_tried", "lapse_case", "record_missed_flight",
    "confirm_departure", "record_not_departed", "record_ticket_cost", "declare_ineligible", "flag_for_medical", "record_fit_to_travel", "record_transit_visa",
    "put_on_hold", "record_transit_interrupted", "reopen_case", "assess_trafficking_risk", "record_best_interests",
    "record_guardian", "record_supervision", "settle_other_parent", "ask_for_other_parent",
    "ask_for_correction", "correct_departure", "correct_arrival", "reject_correction",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a case: how far it is, what moves it on for this reader, whose part it is, and what stands against it."""

    name: str
    how: How
    actions: tuple[Action, ...] = ()
    whose: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    whose: str
    operations: tuple[str, ...]
    done: Callable[[State], bool | None]


def _reached(status: str) -> Callable[[State], bool]:
    place = _ORDER.index(status)
    # A case that is on hold has come as far as where it was held.
    return lambda state: (state["status_before_hold"] or state["status"]) in _ORDER[place:]


def _everybody(field: str, *, deciding: bool = False) -> Callable[[State], bool | None]:
    """Whether it is there for everybody who goes: true, false, or None for some of them; ``deciding``, for those who decide."""

    def found(state: State) -> bool | None:
        who = [one for one in state["persons"] if one["travel"] != "withdrawn"]
        if deciding:
            who = [one for one in who if one["age_group"] == "adult"] or who
        have = [one for one in who if one[field] is not None]
        return True if who and len(have) == len(who) else None if have else False

    return found


def _screened(state: State) -> bool | None:
    # How far each person is, their own page says to those who may know; whoever applied had passed it.
    if state["submitted_by"] is not None:
        return True
    return False if (state["status_before_hold"] or state["status"]) == "intention" else None


def _may_leave(state: State) -> bool | None:
    who = [one for one in state["persons"] if one["travel"] != "withdrawn"]
    may = [one for one in who if any(evidence["kind"] == "exit_formalities" for evidence in one["evidence"])]
    return True if who and len(may) == len(who) else None if may else False


def _cleared(state: State) -> bool:
    return state["cleared_at"] is not None and state["clearance_lapsed_at"] is None


def _left(state: State) -> bool | None:
    who = [one for one in state["persons"] if one["travel"] != "withdrawn"]
    gone = [one for one in who if one["travel"] in ("departed", "arrived")]
    return bool(gone) if len(gone) in (0, len(who)) else None


def _there(state: State) -> bool | None:
    who = [one for one in state["persons"] if one["travel"] in ("departed", "arrived")]
    there = [one for one in who if one["travel"] == "arrived"]
    return bool(there) if len(there) in (0, len(who)) else None


_TASKS: Final = (
    _Task(
        _("Screening"), _("counsellor"),
        ("start_screening", "assess_voluntariness", "record_fear_of_return", "record_vulnerability"), _screened,
    ),
    _Task(_("Signed declaration"), _("counsellor"), ("sign_declaration",), _everybody("declared_by")),
    _Task(_("Application"), _("counsellor"), ("submit_application",), lambda state: state["submitted_by"] is not None),
    _Task(_("Approval by a colleague"), _("coordinator"), ("approve_case",), lambda state: state["approved_by"] is not None),
    _Task(_("Programme and receiving office"), _("operations"), ("start_preparation",), lambda state: state["programme"] is not None),
    _Task(_("Own reintegration plan"), _("counsellor"), (), _everybody("own_plan_id")),
    _Task(_("Travel documents"), _("counsellor or operations"), ("record_travel_document",), _everybody("document")),
    _Task(_("Exit formalities"), _("operations"), ("record_exit_formalities",), _may_leave),
    _Task(_("Booking"), _("operations"), ("confirm_booking",), lambda state: state["departs_at"] is not None),
    _Task(
        _("Reception"), _("operations"), ("record_reception_arranged",),
        lambda state: state["reception_arranged_at"] is not None,
    ),
    _Task(_("Ready to travel"), _("operations"), ("mark_ready_to_travel",), _reached("ready_to_travel")),
    _Task(_("Last confirmation"), _("operations"), ("confirm_voluntariness",), _everybody("confirmed_at", deciding=True)),
    _Task(_("Cleared to board"), _("operations"), ("clear_to_board",), _cleared),
    _Task(_("Departure"), _("operations"), ("record_departure",), _left),
    _Task(_("Arrival"), _("receiving office"), ("confirm_arrival",), _there),
    _Task(_("Plan agreed after arrival"), _("receiving office"), (), lambda state: state["agreed_plan_id"] is not None),
    _Task(_("Grants or monitoring"), _("receiving office"), ("start_monitoring",), _reached("monitoring")),
    _Task(
        _("Final report"), _("receiving office, counsellor or coordinator"), ("write_final_report",),
        lambda state: state["final_report"] is not None,
    ),
    _Task(_("Closing"), _("coordinator"), ("request_closing",), _reached("closed")),
)

# Once somebody has left, what was to be prepared before is no task any more, done or not.
_BEFORE_DEPARTURE: Final = 13


def steps_of(state: State, actions: Sequence[Action]) -> tuple[Step, ...]:
    """Every task of a case in the order of the journey, as its staff see it."""
    by_name = {action["name"]: action for action in actions}
    left = _left(state) is True
    ended = state["status"] in _ENDED_EARLY
    return tuple(_step(task, state, by_name, over=ended or (left and place < _BEFORE_DEPARTURE)) for place, task in enumerate(_TASKS))


def apart(actions: Sequence[Action]) -> list[Action]:
    """What is done when something changes, whatever step a case is at."""
    return [action for action in actions if action["name"] in APART]


def _step(task: _Task, state: State, by_name: Mapping[str, Action], *, over: bool) -> Step:
    known = [by_name[name] for name in task.operations if name in by_name]
    possible = tuple(action for action in known if action["allowed"])
    done = task.done(state)
    if done:
        # A later booking takes the place of one, and a document is renewed: what is done can still be done again.
        return Step(task.name, "completed", possible)
    if over:
        return Step(task.name, "not needed")
    if done is None:
        return Step(task.name, "in progress", possible, task.whose)
    # Somebody else's part is not "cannot": only what the case itself stands against is.
    reason = next((action for action in known if action["reason"] not in (None, "not_permitted")), None)
    if possible or reason is None:
        return Step(task.name, "not started", possible, task.whose)
    return Step(task.name, "cannot start yet", (), task.whose, reason["sentence"])
