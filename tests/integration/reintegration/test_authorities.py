"""Authorities as the database holds them: one open of each kind, terms that nobody changes, and none for oneself."""

import asyncio
from collections import Counter
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from services.reintegration.domain.authority import EndAuthority, GiveAuthority, NameDeputy
from services.reintegration.wiring import AUTHORITY
from shared.ids import uuid7
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import Caller, People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import APPROVER, CHIEF, MANAGER, TODAY, eur

people = people_of
LAST = date(2023, 12, 31)
END = EndAuthority(reason="replaced")


def give(amount: str = "2500.00", holder: str = APPROVER.person_id) -> GiveAuthority:
    return GiveAuthority(
        holder_id=holder, role="finance_approver", up_to=eur(amount), valid_from=TODAY, valid_until=LAST
    )


def name(deputy: str) -> NameDeputy:
    return NameDeputy(deputy_id=deputy, valid_from=TODAY, valid_until=LAST)


async def test_one_authority_is_open_however_many_are_given_at_once_and_another_once_it_is_ended(house: House) -> None:
    ids = [uuid7() for _ in range(5)]
    became = await asyncio.gather(*(house.try_to(AUTHORITY, id, give(f"{number}00.00"), CHIEF) for number, id in enumerate(ids, 1)))
    assert Counter(became) == {"done": 1, "authority_open": 4}
    first = ids[became.index("done")]
    assert await house.try_to(AUTHORITY, uuid7(), give(holder="staff:other"), CHIEF) == "done"
    at_once = await asyncio.gather(
        house.try_to(AUTHORITY, first, END, CHIEF), house.try_to(AUTHORITY, first, name("staff:deputy"), CHIEF)
    )
    assert at_once[0] == "done"
    assert at_once[1] in ("done", "authority_ended")
    assert await house.try_to(AUTHORITY, uuid7(), give(), CHIEF) == "done"
    assert await house.try_to(AUTHORITY, uuid7(), give(), CHIEF) == "authority_open"
    assert (await house.findings()).differences == []


async def test_terms_are_not_changed_or_deleted_and_what_was_lost_or_added_beside_the_rules_is_found(house: House) -> None:
    authority_id = uuid7()
    await house.give(AUTHORITY, authority_id, give(), CHIEF)
    await house.give(AUTHORITY, authority_id, name("staff:deputy"), CHIEF)
    api = await asyncpg.connect(house.made.logins.api)
    for change in ("UPDATE authority_terms SET up_to = 9000", "DELETE FROM authority_terms", "DELETE FROM authorities"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(change)
    await api.close()
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    for change in (
        "UPDATE authorities SET given_by = holder_id", "UPDATE authority_terms SET given_by = acting_id WHERE terms_no = 2",
        "UPDATE authority_terms SET given_by = holder_id WHERE terms_no = 2", "UPDATE authority_terms SET acting_id = holder_id",
    ):  # fmt: skip
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(change)
    for change, undone, found in (
        ("UPDATE authority_terms SET up_to = up_to + 1", "UPDATE authority_terms SET up_to = up_to - 1", "authority terms"),
        (
            "UPDATE authority_terms SET valid_until = valid_until + 1 WHERE terms_no = 2",
            "UPDATE authority_terms SET valid_until = valid_until - 1 WHERE terms_no = 2", "authority terms",
        ),
        ("UPDATE open_authorities SET holder_id = 'staff:other'", "DELETE FROM open_authorities", "open authorities"),
    ):  # fmt: skip
        await owner.execute(change)
        assert (await house.findings()).differences == [f"{found}: {authority_id}"]
        await owner.execute(undone)
    assert (await house.findings()).differences == [f"open authorities: {authority_id}"]
    await owner.close()


async def test_whoever_would_give_authority_to_themselves_leaves_nothing_behind(house: House) -> None:
    held = uuid7()
    await house.give(AUTHORITY, held, give(), CHIEF)
    assert await house.try_to(AUTHORITY, uuid7(), give(holder=CHIEF.person_id), CHIEF) == "four_eyes"
    assert await house.try_to(AUTHORITY, held, name(CHIEF.person_id), CHIEF) == "four_eyes"
    assert await house.try_to(AUTHORITY, held, name("staff:deputy"), MANAGER) == "not_yours_to_give"
    assert (await house.findings()).differences == []


async def test_an_authority_is_given_read_and_ended_by_whom_the_policy_names(house: House, people: People) -> None:
    chief = people.chief
    await house.without_authority()
    authority_id, chiefs = sorted((uuid7(), uuid7()))
    body = give().model_dump(mode="json")
    for caller in (people.approver, people.reconciler, people.payer, people.auditor, people.coordinator):
        assert (await caller.post(f"authorities/{uuid7()}", body)).json()["code"] == "not_permitted"
    answer = await chief.post(f"authorities/{authority_id}", body)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"v1"'), answer.text
    own = body | {"holder_id": "staff:chief", "role": "chief_of_mission"}
    assert (await chief.post(f"authorities/{chiefs}", own)).json()["code"] == "not_yours_to_give"
    assert (await people.manager.post(f"authorities/{chiefs}", own)).status_code == 201
    named = await chief.post(f"authorities/{authority_id}/name-deputy", name("staff:deputy").model_dump(mode="json"), match='"v1"')
    assert named.status_code == 200, named.text
    view = (await people.payer.get(f"authorities/{authority_id}")).json()
    assert [(one["terms_no"], one["acting_id"], one["given_by"]) for one in view["terms"]] == [
        (1, "staff:approver", "staff:chief"), (2, "staff:deputy", "staff:chief"),
    ]  # fmt: skip
    assert (view["state"]["up_to"], view["state"]["currency"], view["version"]) == ("2500.00", "EUR", 2)
    first = (await people.auditor.get("authorities", limit=1)).json()
    rest = (await people.auditor.get("authorities", limit=1, after=first["next"])).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [str(authority_id), str(chiefs)]
    assert await _listed(people.reconciler) == [authority_id, chiefs]
    ended = await chief.post(f"authorities/{authority_id}/end", END.model_dump(mode="json"), match='"v2"')
    assert ended.status_code == 200, ended.text
    assert await _listed(people.approver) == [chiefs]
    assert await _listed(people.manager, ended="true") == [house.authority_id, authority_id, chiefs]
    for caller in (people.counsellor, people.office, people.coordinator, people.consul):
        assert (await caller.get("authorities")).status_code == 403


async def _listed(caller: Caller, **asked: str) -> list[UUID]:
    return [UUID(one["id"]) for one in (await caller.get("authorities", **asked)).json()["items"]]
