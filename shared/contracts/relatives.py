"""The events of reintegration about who belongs together, as counselling registered it: a cap is one for a whole family."""

from uuid import UUID

from shared.messages import Event


class FamilyNoted(Event, kind="avrr.reintegration.family.noted.v1"):
    """Reintegration took note of a family; who is in it as a guardian alone is not."""

    member_ids: tuple[UUID, ...]


class MemberCame(Event, kind="avrr.reintegration.family.member_came.v1"):
    """Reintegration took note that somebody belongs to a family."""

    person_id: UUID


class MemberGone(Event, kind="avrr.reintegration.family.member_gone.v1"):
    """Reintegration took note that somebody does not belong to a family any more."""

    person_id: UUID


EVENTS: tuple[type[Event], ...] = (FamilyNoted, MemberCame, MemberGone)
