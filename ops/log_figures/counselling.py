"""Counselling's figures out of its log: sessions, groups, outreach, and who wished to return."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.log_figures.folding import Bounds, Folding, counted, folded
from services.counselling.domain.attempt import Intention
from services.counselling.domain.group_session import GROUP_SESSION, GroupSession
from services.counselling.domain.intention import INTENTION
from services.counselling.domain.outreach import OUTREACH, Outreach
from services.counselling.domain.session import SESSION, Session
from shared.messages import Envelope
from shared.statistics import Figure, Period


@dataclass(slots=True)
class CounsellingFigures:
    """What counselling's own statistics count (`services/counselling/figures.py`), counted by its log."""

    _sessions: Folding[Session] = field(default_factory=lambda: Folding(SESSION))
    _groups: Folding[GroupSession] = field(default_factory=lambda: Folding(GROUP_SESSION))
    _outreach: Folding[Outreach] = field(default_factory=lambda: Folding(OUTREACH))
    _intentions: Folding[Intention] = field(default_factory=lambda: Folding(INTENTION))

    def take(self, envelope: Envelope) -> None:
        """One more entry of counselling's log."""
        foldings: dict[str, Folding[Any]] = {
            "session": self._sessions, "group_session": self._groups, "outreach": self._outreach, "intention": self._intentions,
        }  # fmt: skip
        folded(foldings, envelope)

    def figures(self, period: Period) -> list[Figure]:
        """All of counselling's figures; nothing of them is concealed."""
        within = Bounds.of(period)
        held = [
            one for one in self._sessions.states.values()
            if one.session_type == "individual" and one.status == "held" and within.has(one.held_at)
        ]  # fmt: skip
        groups = [one for one in self._groups.states.values() if within.has(one.held_at)]
        reached = [one for one in self._outreach.states.values() if within.has(one.held_at)]
        wished = [one for one in self._intentions.states.values() if within.has(one.expressed_at)]
        virtual = sum(one.modality == "virtual_country_of_origin" for one in held)
        return [
            *counted("sessions", {"sessions": len(held), "group_sessions": len(groups)}),
            *counted("sessions", {"virtual_sessions": virtual}, of=len(held)),
            *counted("contacts", {
                "group_participants": sum(one.participants for one in groups), "outreach_contacts": sum(one.contacts for one in reached),
            }),
            *counted("locations", {"outreach_locations": len({one.location for one in reached})}),
            *counted("persons", {"intentions": len({person.person_id for one in wished for person in one.persons})}),
            *counted("cases", {"intention_records": sum(one.split_from is None for one in wished)}),
            *counted("sessions", {f"sessions_at_{site}": n for site, n in Counter(one.site for one in held).items()}, of=len(held)),
            *counted("sessions", {f"group_sessions_at_{site}": n for site, n in Counter(one.site for one in groups).items()}, of=len(groups)),
        ]  # fmt: skip

    def concealed(self) -> Mapping[str, str]:
        """Nothing."""
        return {}
