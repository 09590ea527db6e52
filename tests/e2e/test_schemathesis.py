"""Requests that nobody thought of, made from each service's own description and sent by each of its roles.

Whatever is sent, the answer is one that the description names, with its headers and its shape; what the description
forbids is refused, what it allows is not called malformed, nobody without a token gets anything, and nothing breaks.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.auths import AuthProvider
from schemathesis.generation.case import Case as AnyCase
from schemathesis.schemas import BaseSchema

from ops.identity.client import request_token
from ops.identity.personas import persona as persona_of
from ops.system import development_secret
from ops.verification import verify_system
from services.counselling.domain.family import RegisterFamily
from services.counselling.domain.group_session import RecordGroupSession
from services.counselling.domain.intention import ExpressIntention
from services.counselling.domain.outreach import RecordOutreach
from services.counselling.domain.person import RegisterPerson
from services.counselling.domain.session import HoldSession
from services.reintegration.domain.fund import OpenFund
from services.reintegration.domain.grant import ApproveGrant, DraftGrant
from services.reintegration.domain.plan import RecordOwnPlan
from shared.actors import Role
from shared.ids import uuid7
from shared.messages import Command
from shared.policy import Policy
from tests.chaos.journeys import some_journeys
from tests.e2e.conftest import Mission

SEED = 2023
# Enough of the demo's year that there is one of everything.
COMMANDS = 60
WHO = {
    "counselling": ("counsellor", "coordinator", "data-protection", "auditor"),
    "returns": (
        "counsellor-3", "coordinator", "operations", "receiving-office-tr", "protection", "finance-payer", "data-protection",
        "auditor", "administrator",
    ),
    "reintegration": (
        "counsellor-3", "coordinator", "medical", "receiving-office-tr", "finance-approver", "finance-payer", "finance-reconciler",
        "manager", "chief-of-mission", "data-protection", "auditor", "administrator", "office-payer-tn",
    ),
    "audit": ("auditor", "manager", "data-protection"),
}  # fmt: skip
# What needs nothing to be there before is tried until some of it is done.
BEGINNINGS = frozenset({"register_person", "record_outreach", "record_group_session"})
UNTIL_DONE = 60
# For our own services, whose tokens no person has.
NOT_FOR_PEOPLE = {
    "check_transfer_consents", "check_adults", "request_erasure_when_due", "list_kept_persons", "list_kept_receipts", "list_ended_cases",
    "end_kept_papers", "list_kept_payees", "delete_payee_details",
}  # fmt: skip
# What there is, of all that a description lets somebody write.
LIKELY = {
    "country_of_origin": ["TR", "MA"],
    "destination_country": ["TR", "MA"],
    "language": ["tur", "ara"],
    "currency": ["EUR"],
}
BEGUN_BY: Mapping[str, type[Command]] = {
    "person_id": RegisterPerson,
    "family_id": RegisterFamily,
    "session_id": HoldSession,
    "group_session_id": RecordGroupSession,
    "outreach_id": RecordOutreach,
    "intention_id": ExpressIntention,
    "case_id": ExpressIntention,
    "plan_id": RecordOwnPlan,
    "grant_id": DraftGrant,
    "fund_id": OpenFund,
}

Json = dict[str, Any]
Case = AnyCase[Any]

# Of all the times that may be written, those that can be meant.
_TIMES = st.datetimes(datetime(2021, 1, 1), datetime(datetime.now(UTC).year + 2, 1, 1))  # noqa: DTZ001 -- an offset is written behind each
_OFFSETS = st.sampled_from(("Z", "+00:00", "+02:00", "-11:30"))
schemathesis.openapi.format(
    "date-time", st.builds(lambda at, offset: at.isoformat(timespec="microseconds") + offset, _TIMES, _OFFSETS)
)
schemathesis.openapi.format("date", _TIMES.map(lambda at: at.date().isoformat()))
# Of the ids that may be written, as many that something new may have.
schemathesis.openapi.format("uuid", (st.uuids(version=4) | st.integers(0, 2**48 - 1).map(uuid7)).map(str))


@dataclass(frozen=True)
class Known:
    """A running system in which something has happened, and the ids of what there is."""

    mission: Mission
    ids: Mapping[str, tuple[UUID, ...]]
    examples: int


def policy_of(service: str) -> Policy:
    found = import_module(f"services.{service}.policy").POLICY
    assert isinstance(found, Policy)
    return found


def operations_of(service: str, persona: str) -> frozenset[str]:
    """What a persona may do in a service at all."""
    role = persona_of(persona).role
    return frozenset(row.operation for row in policy_of(service).rows if row.role is role)


@pytest.mark.parametrize("service", WHO)
def test_somebody_tries_each_operation(service: str) -> None:
    tried = frozenset().union(*(operations_of(service, persona) for persona in WHO[service]))
    assert policy_of(service).operations - tried <= NOT_FOR_PEOPLE


@pytest.fixture(scope="module")
async def known(mission: Mission, pytestconfig: pytest.Config) -> Known:
    funds, journeys = some_journeys(SEED, COMMANDS)
    begun: dict[type[Command], list[UUID]] = {}
    for step in [*funds, *(step for journey in journeys for step in journey)]:
        if isinstance(step.order, ApproveGrant) and step.persona == "finance-approver-2":
            # By the rules of this mission one approves alone.
            continue
        await mission.caller.drained()
        await mission.done(step.service, step.persona, step.id, step.order, step.at)
        begun.setdefault(type(step.order), []).append(step.id)
    ids = {name: tuple(begun[command][:5]) for name, command in BEGUN_BY.items() if command in begun}
    return Known(mission, ids, pytestconfig.getoption("--schemathesis-examples"))


@pytest.fixture(params=[(service, persona) for service, personas in WHO.items() for persona in personas], ids="-".join)
async def schema(request: pytest.FixtureRequest, known: Known) -> BaseSchema:
    service, persona = request.param
    mission = known.mission
    url = mission.addresses.services[service]
    document = (await mission.client.get(f"{url}/v1/openapi.json")).json()
    narrow(document, persona)
    configured = schemathesis.Config.from_dict(configuration(known, service, persona))
    configured.projects.default.update(base_url=url)
    found = schemathesis.openapi.from_dict(document, config=configured)
    found.hook("map_body")(as_written)
    found.auth(refresh_interval=120)(signed_in(mission, persona))
    return found


def narrow(document: Json, persona: str) -> None:
    """Says more exactly than the description can what may be sent, where that depends on who sends it."""
    # By itself the generator writes no quotation marks into a header.
    for match in ("If-Match", "Required-If-Match"):
        document["components"]["parameters"][match]["schema"] = {"type": "string", "enum": ['"v1"', '"v2"', '"v3"']}
    cases = document["paths"].get("/v1/cases", {"get": {"parameters": []}})["get"]
    # Staff and offices abroad are shown statuses of their own; about a reference an office asks for its status,
    # and no case is its own or open to it.
    abroad = persona_of(persona).role is Role.RECEIVING_OFFICE
    # What is overdue, or asked about by an office, goes with no other filter, for which a description has no words.
    unasked = {"overdue", "departure_asked", *(("case_ref", "mine", "open") if abroad else ())}
    cases["parameters"] = [one for one in cases["parameters"] if one["name"] not in unasked]
    for parameter in cases["parameters"]:
        if parameter["name"] == "status":
            parameter["schema"] = parameter["schema"]["anyOf"][1 if abroad else 0]


def configuration(known: Known, service: str, persona: str) -> Json:
    """How many requests of which kinds; what a role may not do is only tried once.

    What a description forbids is forbidden to everybody: each limit of each field, each method and each parameter sent
    twice are tried by the first role that may use an operation at all, and most of the examples.
    """
    values = {name: [str(id) for id in ids] for name, ids in known.ids.items()} | LIKELY
    own = operations_of(service, persona)
    before = WHO[service][: WHO[service].index(persona)]
    first = own - frozenset().union(*(operations_of(service, other) for other in before))
    if sites := persona_of(persona).sites:
        values["site"] = list(sites)
    return {
        "seed": SEED,
        "dictionaries": {name: {"values": found} for name, found in values.items()},
        "parameters": {
            f"{where}.{name}": {"dictionary": name, "probability": 0.6} for name in values for where in ("path", "body", "query")
        },
        "cache": {"enabled": False},
        "generation": {"max-examples": 1, "deterministic": True, "database": "none", "no-shrink": True},
        "phases": {
            "examples": {"enabled": False},
            "coverage": {"enabled": False},
            "stateful": {"enabled": False},
        },
        "operations": [
            {
                "include-operation-id": sorted(found),
                "generation": {"max-examples": examples},
                "phases": {
                    "coverage": {
                        "enabled": limits,
                        "generate-duplicate-query-parameters": limits,
                        "unexpected-methods": ["DELETE", "TRACE"] if limits else [],
                    }
                },
            }
            for found, examples, limits in (
                (first - BEGINNINGS, known.examples, True),
                (first & BEGINNINGS, max(UNTIL_DONE, known.examples), True),
                (own - first, max(2, known.examples // 3), False),
            )
            if found
        ],
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "403", "404", "409", "412"]},
            "negative_data_rejection": {
                "expected-statuses": ["400", "401", "403", "404", "409", "412", "413", "422", "428"]
            },
            # What is missing where something would be replaced unseen is a precondition (RFC 6585).
            "missing_required_header": {"expected-statuses": ["400", "401", "403", "406", "415", "422", "428"]},
        },
    }


def as_written(_: schemathesis.HookContext, body: object) -> object:
    """To JSON Schema 3.0 is a whole number; the services want one that is written as one."""
    if isinstance(body, dict):
        return {name: as_written(_, value) for name, value in body.items()}
    if isinstance(body, list):
        return [as_written(_, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


def signed_in(mission: Mission, persona: str) -> type[AuthProvider[str]]:
    """Whoever sends the requests, with a token that is never older than two minutes."""

    secret = development_secret(mission.settings)

    class SignedIn:
        def get(self, case: Case, context: schemathesis.AuthContext) -> str:
            asked = request_token(mission.addresses.issuer, persona, secret)
            # In another thread, because a loop that is not running now belongs to this one.
            with ThreadPoolExecutor(1) as thread:
                return thread.submit(asyncio.run, asked).result()

        def set(self, case: Case, data: str, context: schemathesis.AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {data}"

    return SignedIn


@pytest.fixture(scope="module")
def answers() -> Counter[int]:
    """How often each status was answered."""
    return Counter()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


described = schemathesis.pytest.from_fixture("schema")


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@described.parametrize()
def test_whatever_is_sent_the_answer_is_one_that_was_promised(
    case: Case, session: requests.Session, answers: Counter[int]
) -> None:
    answer = case.call(session=session)
    answers[answer.status_code] += 1
    case.validate_response(answer, transport_kwargs={"session": session})


def test_enough_was_understood_to_be_done_or_refused_for_a_reason(
    answers: Counter[int], tell: Callable[[str], None]
) -> None:
    tell("schemathesis: " + ", ".join(f"{count} x {status}" for status, count in sorted(answers.items())))
    assert set(answers) >= {200, 201, 400, 401, 403, 404, 405, 409, 412, 422}


async def test_after_all_that_every_row_is_what_the_log_says(known: Known) -> None:
    await known.mission.caller.drained()
    assert [line async for line, count in verify_system(known.mission.settings, None) if count] == []
