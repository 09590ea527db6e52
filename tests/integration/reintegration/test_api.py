"""Reintegration's API as a caller meets it: who may do what, what an answer holds, and whose country it is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

import httpx
import pytest

from services.reintegration.domain.case import (
    RecordArrival,
    RecordArrivalTakenBack,
    RecordCase,
    RecordCaseEnd,
    RecordDeciding,
    RecordDeparture,
    RecordDepartureTakenBack,
    RecordPersonsJoined,
    RecordPersonsLeft,
    RecordProgramme,
    RecordStay,
    SealCase,
    UnsealCase,
)
from services.reintegration.domain.family import RecordFamily, RecordMember, RecordMemberGone
from services.reintegration.domain.lost_payments import RecordLostPayments
from services.reintegration.domain.person import RecordErasure
from services.reintegration.domain.plan import AgreePlanWithoutHealth, RecordOwnPlan, RevisePlanWithoutHealth
from services.reintegration.domain.plan_completion import CompletePlanWithoutHealth
from services.reintegration.domain.plan_lines import PlannedLine
from services.reintegration.domain.settlement import SettleByBank
from services.reintegration.routes import router
from services.reintegration.wiring import PLAN, WIRING
from shared.clock import Clock
from shared.endpoints import api_routes, operations_of
from shared.http import Runtime
from shared.ids import uuid7
from shared.recording import Recorder
from shared.sealing import FileSeal
from shared.service import create_app
from shared.step_up import StepUp
from tests.given import NOON
from tests.integration.reintegration.office import House, Line
from tests.unit.reintegration.examples import ARRIVED_AT, COUNSELLOR, eur
from tests.unit.shared.signing import SECOND, claims, header, settings, signed, tokens

BY_REACTIONS = {
    RecordCase, RecordArrival, RecordArrivalTakenBack, RecordStay, RecordDeparture, RecordDepartureTakenBack, RecordCaseEnd, RecordPersonsLeft, RecordPersonsJoined, SealCase, UnsealCase,
    SettleByBank, RecordErasure, RecordProgramme, RecordFamily, RecordMember, RecordMemberGone, RecordDeciding,
}  # fmt: skip
APP = create_app(WIRING, (router,), settings())


class Caller:
    """Somebody with a token, in front of the API."""

    def __init__(
        self, client: httpx.AsyncClient, name: str, roles: Sequence[str], countries: Sequence[str]
    ) -> None:
        self._client = client
        token = signed(header(), claims(sub=f"staff:{name}", roles=list(roles), countries=list(countries)))
        self._headers = {"Authorization": f"Bearer {token}", "Avrr-Now": NOON.isoformat()}

    def now(self) -> None:
        """From here on they no longer say what time it is."""
        del self._headers["Avrr-Now"]

    def at(self, moment: datetime) -> Self:
        """The same caller at another moment."""
        other = copy(self)
        other._headers = {**self._headers, "Avrr-Now": moment.isoformat()}
        return other

    async def get(self, path: str, **parameters: str | int) -> httpx.Response:
        return await self._client.get(f"/v1/{path}", params=parameters, headers=self._headers)

    async def post(
        self, path: str, body: Mapping[str, object], match: str | None = None, key: str | None = None
    ) -> httpx.Response:
        headers = {**self._headers, "Idempotency-Key": key or str(uuid7())}
        if match is not None:
            headers["If-Match"] = match
        return await self._client.post(f"/v1/{path}", json=dict(body), headers=headers)

    async def put(self, path: str, content: bytes | AsyncIterator[bytes], media_type: str) -> httpx.Response:
        headers = {**self._headers, "Content-Type": media_type}
        return await self._client.put(f"/v1/{path}", content=content, headers=headers)


class People:
    """The callers of these tests."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.office = Caller(client, "office-pk", ["receiving_office"], ["PK"])
        self.office_abroad = Caller(client, "office-tr", ["receiving_office"], ["TR"])
        self.coordinator = Caller(client, "coordinator", ["coordinator"], ["BA"])
        self.approver = Caller(client, "approver", ["finance_approver"], ["BA"])
        # The one who endorses, with a second role.
        self.endorser_and_approver = Caller(client, "coordinator", ["coordinator", "finance_approver"], ["BA"])
        self.payer = Caller(client, "payer", ["finance_payer"], ["BA"])
        self.office_payer = Caller(client, "office-payer-pk", ["office_payer"], ["PK"])
        self.office_payer_abroad = Caller(client, "office-payer-tr", ["office_payer"], ["TR"])
        self.reconciler = Caller(client, "reconciler", ["finance_reconciler"], ["BA"])
        self.manager = Caller(client, "manager", ["manager"], ["BA"])
        self.chief = Caller(client, "chief", ["chief_of_mission"], ["BA"])
        self.auditor = Caller(client, "auditor", ["auditor"], ["BA"])
        self.counsellor = Caller(client, "counsellor", ["counsellor"], ["BA"])
        self.medical = Caller(client, "medical", ["medical"], ["BA"])
        self.protector = Caller(client, "protector", ["data_protection"], ["BA"])
        self.administrator = Caller(client, "administrator", ["administrator"], ["BA"])
        self.consul = Caller(client, "consul", ["consular_post"], ["PK"])


@pytest.fixture
async def people(house: House) -> AsyncIterator[People]:
    APP.state.runtime = Runtime(
        service="reintegration", database=house.api, tokens=tokens(), clock=Clock("replay"), policy=WIRING.policy,
        operations=operations_of((router,)), refusals=WIRING.refusals,
        recorder=Recorder(house.api, WIRING.access), step_up=StepUp(present=lambda: datetime.fromtimestamp(SECOND, UTC)),
        # The seal of papers that were filed before each grant had a key of its own.
        seal=FileSeal(bytes(range(32))), person_keys=house.made.person_keys, consents=house.register,
        teller=WIRING.teller,
    )  # fmt: skip
    await house.lenient()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(APP), base_url="http://localhost"
    ) as client:
        yield People(client)


# Given by ./avrr restored alone, once two persons accepted what was lost.
OF_A_RESTORE = {RecordLostPayments}


def request_of(line: Line, amount: str = "500.00") -> dict[str, object]:
    return line.request(amount).model_dump(mode="json")


async def order_to_pay(house: House, number: int = 1, currency: str = "EUR") -> dict[str, object]:
    return (await house.vendors.release(number, currency)).model_dump(mode="json")


async def asked_for(people: People, line: Line) -> UUID:
    """A request that was drafted and submitted."""
    grant_id = uuid7()
    answer = await people.office.post(f"grants/{grant_id}", request_of(line))
    assert answer.status_code == 201, answer.text
    answer = await people.office.post(f"grants/{grant_id}/submit", await shown(people, grant_id))
    assert answer.status_code == 200, answer.text
    return grant_id


async def shown(people: People, grant_id: UUID | str) -> dict[str, object]:
    """The version of a request and the hash of its content, as they are shown to whoever decides on it."""
    state = (await people.coordinator.get(f"grants/{grant_id}")).json()["state"]
    return {name: state[name] for name in ("request_version", "content_hash")}


def test_every_command_that_people_give_has_one_route_named_after_it_and_no_other_command_has_one() -> None:
    commands = {rule.command for aggregate in WIRING.aggregates for rule in aggregate.decider.rules}
    routed = operations_of((router,))
    assert routed.keys() == commands - BY_REACTIONS - OF_A_RESTORE - {
        AgreePlanWithoutHealth, RevisePlanWithoutHealth, CompletePlanWithoutHealth,
    }  # fmt: skip
    for command, name in routed.items():
        assert name.replace("_", "") == command.__name__.lower()


def test_the_policy_names_the_routes_and_nothing_else() -> None:
    of_every_service = {"read_events", "read_verification", "read_forms", "read_held", "search_log", "read_event", "read_chain", "export_log"}
    assert {route.name for route in api_routes((router,))} | of_every_service == WIRING.policy.operations


async def test_the_whole_line_of_a_grant_over_http(house: House, people: People) -> None:
    line, fund_id = await house.line(), uuid7()
    opened = await people.manager.post(
        f"funds/{fund_id}",
        {
            "project": "CE-0412", "donor": "EU", "granted": {"amount": "1000.00", "currency": "EUR"},
            "valid_from": "2023-01-01", "valid_until": "2023-12-31",
        },
    )  # fmt: skip
    assert (opened.status_code, opened.headers["etag"]) == (201, '"v1"')
    assert (await people.chief.post(f"funds/{fund_id}/confirm", {"change_no": 1})).status_code == 200
    grant_id = await asked_for(people, line)
    read = await shown(people, grant_id)
    acts: list[tuple[Caller, str, dict[str, object]]] = [
        (people.coordinator, "endorse", read),
        (people.approver, "approve", {"fund_id": str(fund_id), "money": {"amount": "500.00", "currency": "EUR"}, **read}),
        (people.payer, "release-tranche", await order_to_pay(house)),
        (people.payer, "confirm-payment", {"number": 1, "reference": "BANK-1", "paid_on": "2023-05-02"}),
        (people.office, "confirm-delivery", {"number": 1}),
        (people.reconciler, "reconcile-tranche", {"number": 1}),
    ]
    for caller, verb, body in acts:
        answer = await caller.post(f"grants/{grant_id}/{verb}", body)
        assert answer.status_code == 200, (verb, answer.text)
    grant = (await people.coordinator.get(f"grants/{grant_id}")).json()
    assert (grant["state"]["status"], grant["state"]["paid"], grant["version"]) == ("completed", "500.00", 11)
    fund = (await people.approver.get(f"funds/{fund_id}")).json()
    assert fund["balance"] == {
        "currency": "EUR", "granted": "1000.00", "committed": "0.00", "spent": "500.00", "available": "500.00",
    }  # fmt: skip
    statistics = (await people.auditor.get("statistics", **{"from": "2023-01-01", "to": "2023-12-31"})).json()
    assert {"key": "grants", "unit": "grants", "value": 1, "of": None} in statistics["figures"]


async def test_a_role_without_the_operation_is_refused_before_anything_is_looked_up(
    house: House, people: People
) -> None:
    line = await house.line()
    for caller in (people.coordinator, people.approver, people.manager, people.consul):
        answer = await caller.post(f"grants/{uuid7()}", request_of(line))
        assert (answer.status_code, answer.json()["code"]) == (403, "not_permitted")
    for path in (f"cases/{line.case_id}", f"plans/{line.plan_id}", "grants", "plans", "funds", "statistics"):
        assert (await people.consul.get(path)).status_code == 403


async def test_an_office_abroad_sees_and_does_nothing_of_ours(house: House, people: People) -> None:
    line = await house.line()
    grant_id = await asked_for(people, line)
    other = await house.line()
    unknown_case = {**request_of(other), "case_id": str(uuid7())}
    for body in (request_of(other), unknown_case):
        answer = await people.office_abroad.post(f"grants/{uuid7()}", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "case_unknown")
    cancel = await people.office_abroad.post(f"grants/{grant_id}/cancel", {"reason": "not_needed"})
    unknown = await people.office_abroad.post(f"grants/{uuid7()}/cancel", {"reason": "not_needed"})
    assert (cancel.status_code, cancel.json()["code"]) == (unknown.status_code, unknown.json()["code"])
    for path in (f"grants/{grant_id}", f"plans/{line.plan_id}", f"cases/{line.case_id}"):
        assert (await people.office_abroad.get(path)).status_code == 404
        assert (await people.office.get(path)).status_code == 200
    for path in ("grants", "plans"):
        assert (await people.office_abroad.get(path)).json()["items"] == []
        assert (await people.office.get(path)).json()["items"] != []


async def test_lists_are_filtered_and_go_on_page_by_page(house: House, people: People) -> None:
    lines = [await house.line() for _ in range(3)]
    grants = [str(await asked_for(people, line)) for line in lines]
    await people.coordinator.post(f"grants/{grants[1]}/endorse", await shown(people, grants[1]))
    first = await people.auditor.get("grants", limit=2)
    assert [item["id"] for item in first.json()["items"]] == grants[:2]
    assert 'rel="next"' in first.headers["link"]
    rest = await people.auditor.get("grants", limit=2, after=first.json()["next"])
    assert ([item["id"] for item in rest.json()["items"]], rest.json()["next"]) == (grants[2:], None)
    endorsed = (await people.auditor.get("grants", status="endorsed")).json()["items"]
    assert [item["id"] for item in endorsed] == grants[1:2]
    assert "category" not in endorsed[0]
    of_one_case = (await people.auditor.get("grants", case_id=str(lines[2].case_id))).json()["items"]
    assert [item["id"] for item in of_one_case] == grants[2:]
    plans = (await people.auditor.get("plans", status="agreed", case_id=str(lines[0].case_id))).json()[
        "items"
    ]
    assert [(item["id"], item["persons"], item["lines"]) for item in plans] == [(str(lines[0].plan_id), 1, 1)]
    assert (await people.auditor.get("plans", status="own_plan")).json()["items"] == []
    assert (await people.auditor.get("grants", status="lost")).status_code == 422


async def test_funds_are_listed_with_what_they_still_hold(house: House, people: People) -> None:
    first, second = await house.fund("1000.00"), await house.fund("2000.00")
    await house.approved((await house.line()).request("300.00"), second)
    items = (await people.auditor.get("funds")).json()["items"]
    assert [(item["id"], item["available"]) for item in items] == [
        (str(first), "1000.00"), (str(second), "1700.00"),
    ]  # fmt: skip
    assert (await people.manager.get(f"funds/{uuid7()}")).status_code == 404


async def test_a_reader_is_told_which_actions_are_theirs(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    actions = {
        action["name"]: (action["allowed"], action["reason"])
        for action in (await people.coordinator.get(f"grants/{grant_id}")).json()["actions"]
    }
    assert actions["endorse_grant"] == (True, None)
    assert actions["approve_grant"] == (False, "not_permitted")
    mine = {
        action["name"]: action["reason"]
        for action in (await people.office.get(f"grants/{grant_id}")).json()["actions"]
        if not action["allowed"]
    }
    assert mine["confirm_delivery"] == "wrong_status"
    assert "cancel_grant" not in mine


async def test_a_row_of_a_list_says_what_its_reader_does_with_it_and_why_not(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    await people.coordinator.post(f"grants/{grant_id}/endorse", await shown(people, grant_id))
    statements = house.api.counts.statements
    (row,) = (await people.approver.get("grants")).json()["items"]
    assert house.api.counts.statements - statements == 4, "BEGIN, the list, the grants in it, COMMIT"
    assert {action["name"]: (action["allowed"], action["reason"]) for action in row["actions"]} == {
        "reject_grant": (True, None), "approve_grant": (True, None), "suspend_grant": (False, "wrong_status"),
        "resume_grant": (False, "wrong_status"), "open_recovery": (False, "nothing_paid"),
        "write_off_recovery": (False, "nothing_asked_back"), "confirm_write_off": (False, "nothing_asked_back"),
        "drop_write_off": (False, "nothing_asked_back"),
        "add_to_commitment": (False, "wrong_status"),
    }  # fmt: skip
    (paid_by,) = (await people.payer.get("grants")).json()["items"]
    assert {action["reason"] for action in paid_by["actions"]} == {"wrong_status"}
    assert (await people.auditor.get("grants")).json()["items"][0]["actions"] == []
    assert row["waiting_since"] == NOON.isoformat().replace("+00:00", "Z")


async def turns_of(caller: Caller, **asked: str | int) -> list[tuple[str, str]]:
    answer = await caller.get("turns", **asked)
    assert answer.status_code == 200, answer.text
    return [(row["id"], row["operation"]) for row in answer.json()["items"]]


async def test_a_grant_goes_from_the_turns_of_one_to_those_of_the_next(house: House, people: People) -> None:
    fund_id = await house.fund()
    grant_id = uuid7()
    await people.office.post(f"grants/{grant_id}", (await house.line()).request("500.00", "300.00", "200.00").model_dump(mode="json"))
    everybody = (people.office, people.coordinator, people.approver, people.payer, people.reconciler)
    money = {"amount": "500.00", "currency": "EUR"}
    asked = {"modality": "in_kind_vendor", "money": money, "budget_lines": [{"what": "goods", "money": money}]}
    tranches = [{"number": n, "money": {"amount": f"{amount}.00", "currency": "EUR"}} for n, amount in ((1, 300), (2, 200))]
    pay = {"number": 1, "reference": "BANK-1", "paid_on": "2023-05-02"}
    expected: list[tuple[Caller, str, str, dict[str, object], set[str]]] = [
        (people.office, "submit", "", {}, {"endorse_grant"}),
        (people.coordinator, "return", "", {"reasons": ["quotation_missing"]}, {"revise_grant"}),
        (people.office, "revise", "", {**asked, "tranches": tranches}, {"endorse_grant"}),
        (people.coordinator, "endorse", "", {}, {"approve_grant"}),
        (people.approver, "approve", "", {"fund_id": str(fund_id), "money": asked["money"]}, {"release_tranche"}),
        (people.payer, "release-tranche", "", await order_to_pay(house), {"confirm_payment"}),
        (people.payer, "confirm-payment", "", pay, {"confirm_delivery"}),
        (people.office, "confirm-delivery", "", {"number": 1}, {"release_tranche", "reconcile_tranche"}),
        (people.reconciler, "reconcile-tranche", "", {"number": 1}, {"release_tranche"}),
        (people.coordinator, "cancel", "", {"reason": "lost_contact"}, set()),
    ]
    assert await turns_of(people.office) == [(str(grant_id), "submit_grant")]
    for caller, verb, _, body, then in expected:
        read = await shown(people, grant_id) if verb in ("submit", "return", "endorse", "approve") else {}
        answer = await caller.post(f"grants/{grant_id}/{verb}", {**body, **read})
        assert answer.status_code == 200, (verb, answer.text)
        assert {operation for one in everybody for _, operation in await turns_of(one)} == then, verb
        assert (await house.findings()).differences == []


async def test_turns_are_given_the_longest_waiting_first_and_page_by_page(house: House, people: People) -> None:
    grants = [await house.endorsed((await house.line()).request("500.00"), NOON + timedelta(hours=hours)) for hours in (2, 0, 1)]
    in_order = [(str(grants[place]), "approve_grant") for place in (1, 2, 0)]
    first = await people.approver.get("turns", limit=2)
    assert [(row["id"], row["operation"]) for row in first.json()["items"]] == in_order[:2]
    assert 'rel="next"' in first.headers["link"]
    assert await turns_of(people.approver, limit=2, after=first.json()["next"]) == in_order[2:]
    assert await turns_of(people.payer) == []
    assert (await people.auditor.get("turns")).status_code == 403
    for nonsense in ("soon", "2023-05-02T10:00:00,x,payer", "2023-13-02T10:00:00Z,018a5c00-0000-7000-8000-000000000044,payer"):
        assert (await people.approver.get("turns", after=nonsense)).status_code == 422


async def test_who_may_not_take_a_turn_that_is_theirs_by_role_is_told_why(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    answer = await people.coordinator.post(f"grants/{grant_id}/endorse", await shown(people, grant_id))
    assert answer.status_code == 200
    (row,) = (await people.endorser_and_approver.get("turns")).json()["items"]
    own = next(action for action in row["actions"] if action["name"] == row["operation"])
    assert (row["hat"], own["allowed"], own["reason"]) == ("approver", False, "four_eyes")
    assert own["sentence"] == "You endorsed this grant, so somebody else has to approve it."


async def test_an_office_sees_the_turns_of_its_own_country_alone(house: House, people: People) -> None:
    grant_id = await asked_for(people, await house.line())
    await people.coordinator.post(
        f"grants/{grant_id}/return", {**await shown(people, grant_id), "reasons": ["quotation_missing"]}
    )
    assert await turns_of(people.office) == [(str(grant_id), "revise_grant")]
    assert await turns_of(people.office_abroad) == []


async def test_what_the_domain_refuses_is_a_409_with_its_code(house: House, people: People) -> None:
    line = await house.line()
    await asked_for(people, line)
    answer = await people.office.post(f"grants/{uuid7()}", request_of(line))
    assert (answer.status_code, answer.json()["code"]) == (409, "line_has_a_grant")
    own_case = (await people.office.get(f"cases/{line.case_id}")).json()
    assert set(own_case["state"]) == {"destination_country", "arrived", "open"}
    assert (own_case["state"]["open"], own_case["actions"]) == (True, [])
    assert [arrival["person_id"] for arrival in own_case["state"]["arrived"]] == [str(line.person_id)]


async def own_plan(house: House) -> tuple[UUID, UUID, UUID]:
    person_id, plan_id = uuid7(), uuid7()
    case_id = await house.case(person_id, arrived=False)
    line = PlannedLine(
        line_id=uuid7(), person_id=person_id, dimension="economic", category="medical", planned=eur("100.00")
    )
    await house.give(
        PLAN, plan_id, RecordOwnPlan(case_id=case_id, person_ids=(person_id,), lines=(line,), method="signed"), COUNSELLOR
    )
    return case_id, person_id, plan_id


async def test_before_an_arrival_its_receiving_office_sees_neither_case_nor_plan(house: House, people: People) -> None:
    case_id, _, plan_id = await own_plan(house)
    assert (await people.office.get("plans")).json()["items"] == []
    for path in (f"plans/{plan_id}", f"cases/{case_id}"):
        assert (await people.office.get(path)).json()["code"] == "not_found"
        assert (await people.coordinator.get(path)).status_code == 200
    assert [item["id"] for item in (await people.coordinator.get("plans")).json()["items"]] == [str(plan_id)]


async def test_that_a_case_ended_before_anybody_left_is_not_for_the_country_of_origin(
    house: House, people: People
) -> None:
    case_id, _, plan_id = await own_plan(house)
    await house.react(case_id, RecordCaseEnd())
    for path in (f"plans/{plan_id}", f"cases/{case_id}"):
        assert (await people.office.get(path)).status_code == 404


async def test_from_the_first_arrival_on_its_receiving_office_works_with_the_plan(house: House, people: People) -> None:
    case_id, person_id, plan_id = await own_plan(house)
    await house.react(case_id, RecordArrival(person_id=person_id, arrived_at=ARRIVED_AT))
    assert [item["id"] for item in (await people.office.get("plans")).json()["items"]] == [str(plan_id)]
    for path in (f"plans/{plan_id}", f"cases/{case_id}"):
        assert (await people.office.get(path)).status_code == 200
        assert (await people.office_abroad.get(path)).status_code == 404


async def test_a_position_beyond_any_log_is_malformed(house: House, people: People) -> None:
    assert (await people.auditor.get("events", **{"from": 2**63})).status_code == 422
    nothing = await people.auditor.get("events", **{"from": 2**63 - 1})
    assert (nothing.status_code, nothing.content) == (200, b"")
