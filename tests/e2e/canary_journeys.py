"""Households about whom every text that a command takes is a canary, on their way through all services."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import httpx
from pypdf.generic import DecodedStreamObject, NameObject

from ops.demo_year import granting, script, travelling
from ops.demo_year.granting import Wanted
from ops.demo_year.paying import ByHand
from ops.demo_year.people import Dice, Household, Member, moment
from ops.demo_year.replay import replay_journeys
from ops.demo_year.script import Journey
from services.reintegration.domain.fund import ConfirmFund, OpenFund
from services.returns.domain.case_withdrawal import WithdrawCase, WithdrawPerson
from shared.ids import uuid7
from shared.topology import SERVICES
from shared.uploads import UPLOADS_AT_A_TIME
from tests.e2e.canaries import BIRTH_YEAR, Described, Flock, described
from tests.e2e.canary_payees import OPEN_OF_PAYEES, PAYING, stated
from tests.e2e.canary_plans import PLANNING, REVISED, TEXTS, planted
from tests.e2e.conftest import Mission
from tests.running import ALONE
from tests.unit.shared.files import examples

# Texts of the mission's own, in which nobody is named: codes of its bookkeeping, its programmes and its places.
OPEN: Final[Mapping[tuple[str, str], str]] = {
    ("give_consent", "text_version"): "which of the mission's own texts was read out",
    ("give_consent", "witness_id"): "which of the staff was a witness, as their own tokens name them",
    ("record_outreach", "location"): "a code of a place, under which nobody is named",
    ("record_outreach", "municipality"): "a code of a municipality",
    ("start_preparation", "programme"): "a code of a programme",
    ("give_support", "provider"): "a code of an organisation",
    ("give_support", "budget_line"): "a code of a line of the budget",
    ("open_fund", "project"): "a code of a project",
    ("open_fund", "donor"): "a code of a donor",
    ("open_fund", "programmes"): "codes of programmes",
    ("give_authority", "holder_id"): "which of the staff may approve, as their own tokens name them",
    ("name_deputy", "deputy_id"): "which of the staff stands in, as their own tokens name them",
    ("publish_policy", "programme"): "a code of a programme",
    **{
        ("agree_first_plan", f"lines.{name}"): "the same lines as those of other orders about a plan, which have canaries"
        for name in TEXTS
    },
    **{
        ("register_own_account", name): "an account of the mission's own, which is nobody's"
        for name in ("holder", "iban", "account_number", "bank_code", "bank_name", "bank_town")
    },
    **OPEN_OF_PAYEES,
    ("plan_round", "instrument"): "a code of a survey",
    ("plan_round", "scheme"): "a code of a way to count",
    **{
        (order, f"answers.{name}"): "codes that the survey offers, sealed as one value"
        for order in ("record_survey", "correct_survey")
        for name in ("item", "option")
    },
    ("draft_grant", "quotations.vendor"): "a code of a vendor",
    ("revise_grant", "quotations.vendor"): "a code of a vendor",
    ("confirm_payment", "reference"): "the bank's reference of a payment, by which books are compared",
    ("record_recovery", "reference"): "the bank's reference of a payment, by which books are compared",
}
# What a body says where the rules let no canary or no example stand. A correction is told by its reason.
SAID: Final[Mapping[str, Mapping[str, Any]]] = {
    "record_identity": {"stateless": False, "emptied": [], "reason": None},
    "record_host_status": {"reason": None},
    "search_persons": {"name.birth_year": BIRTH_YEAR, "name.birth_year_within": 3},
}
CORRECTED: Final[Mapping[str, Mapping[str, Any]]] = {"record_identity": {"stateless": False, "emptied": [], "reason": "misspelt"}}
# Of a person too, and sealed, though it holds no text but a code.
CODED: Final = frozenset({"record_host_status"})
# Asked and not recorded.
SEARCHES: Final = frozenset({"search_persons"})

# A week of a year in which no other test does anything, and people whom no other test meets.
FIRST_DAY: Final = 770
SITE, COUNSELLOR, COUNTRY, OFFICE = "trc_lipa", "counsellor-8", "BT", "receiving-office-bt"
IN_A_HOUSEHOLD: Final = 5
AT_A_TIME: Final = 20


async def post(
    mission: Mission, service: str, path: str, persona: str | None, body: object, *, at: object = None, **more: str
) -> httpx.Response:
    headers = {"Idempotency-Key": str(uuid7()), **more}
    if at is not None:
        headers["Avrr-Now"] = str(at)
    if persona is not None:
        headers["Authorization"] = f"Bearer {await mission.tokens.token(persona)}"
    url = mission.addresses.services[service] + path
    if isinstance(body, bytes):
        return await mission.client.post(url, content=body, headers={"Content-Type": "application/json", **headers})
    return await mission.client.post(url, json=body, headers=headers)


async def together(work: Iterable[Callable[[], Awaitable[object]]], at_a_time: int = AT_A_TIME) -> None:
    """All of this, so many at a time."""
    waiting = list(work)

    async def some() -> None:
        while waiting:
            await waiting.pop()()

    await asyncio.gather(*(some() for _ in range(at_a_time)))


def is_personal(body: Described) -> bool:
    return body.name in CODED or any((body.name, place) not in OPEN and Flock().text(place, text) for place, text in body.texts())


async def bodies_of(mission: Mission) -> list[Described]:
    found: list[Described] = []
    for service in SERVICES:
        answer = await mission.client.get(f"{mission.addresses.services[service.name]}/v1/openapi.json")
        found += described(service.name, answer.raise_for_status().json())
    return found


def a_household(dice: Dice, size: int) -> Household:
    relations = ("principal", "spouse", *["other_dependant"] * IN_A_HOUSEHOLD)
    members = tuple(
        Member(dice.id(FIRST_DAY), "female" if number % 2 else "male", BIRTH_YEAR, relations[number])  # type: ignore[arg-type]
        for number in range(size)
    )
    return Household(members, COUNTRY, "dzo", SITE, COUNSELLOR, "returned")  # type: ignore[arg-type]


class Drive:
    """Takes some households through all services, the first of them all the way to money that is accounted for."""

    def __init__(self, mission: Mission, flock: Flock, persons: int, personal: Sequence[Described]) -> None:
        self.mission, self.flock, self.personal = mission, flock, personal
        self.dice = Dice(uuid7().int)
        self.name = f"canaries-{uuid7()}"
        self.households = [a_household(self.dice, IN_A_HOUSEHOLD) for _ in range(persons // IN_A_HOUSEHOLD)]
        self.grants: list[UUID] = []
        self.cases: list[UUID] = []
        self.arrived: list[tuple[UUID, UUID]] = []

    async def go(self) -> None:
        registered = [self._journey() for _ in self.households]
        for journey, household in zip(registered, self.households, strict=True):
            script.register(journey, household, FIRST_DAY)
        await self._replay("registered", registered)
        await together(
            lambda person_id=member.person_id, number=number: self._say_who(person_id, number)  # type: ignore[misc]
            for household in self.households
            for number, member in enumerate(household.members)
        )
        before, after, opened = [], [], self._journey()
        fund_id = uuid7()
        opened.give(
            moment(FIRST_DAY, 7), "manager", fund_id,
            OpenFund(
                project="AVRR-QUIET", donor="DONOR-QUIET", granted=granting.euro(Decimal(10_000_000)),
                valid_from=moment(FIRST_DAY, 0).date(), valid_until=moment(FIRST_DAY + 400, 0).date(),
            ),
        )  # fmt: skip
        opened.give(moment(FIRST_DAY, 7, 30), "chief-of-mission", fund_id, ConfirmFund(change_no=1))
        before.append(opened)
        paying = ByHand(f"QUIET-{self.dice.random.getrandbits(60)}" for _ in iter(int, 1))
        for number, household in enumerate(self.households):
            journey = self._journey()
            decided = self._travel(journey, household, fund_id, paying, number)
            before.append(_part(journey, until=decided))
            after.append(_part(journey, since=decided))
        await self._replay("before", before)
        await together((lambda grant_id=grant_id: self._file(grant_id) for grant_id in self.grants), UPLOADS_AT_A_TIME)  # type: ignore[misc]
        await together(
            lambda of=of: stated(self.mission, self.flock, self.personal, *of)  # type: ignore[misc]
            for of in self.arrived
        )
        await self._replay("after", after)

    def _journey(self) -> Journey:
        return Journey(self.dice, moment(FIRST_DAY + 400, 0))

    async def _replay(self, name: str, journeys: Sequence[Journey]) -> None:
        await replay_journeys(
            self.mission.addresses.services, self.mission.tokens, [journey.in_order() for journey in journeys],
            f"{self.name}-{name}", lambda *_: None,
        )  # fmt: skip

    async def _say_who(self, person_id: UUID, number: int) -> None:
        """Every command that says something of one person, and those that can correct it once more with other values."""
        for said, hour in ((SAID, 9), (CORRECTED, 10)):
            for body in self.personal:
                if body.name in SEARCHES | PLANNING | PAYING:
                    continue
                assert body.path.startswith("/v1/persons/{person_id}/"), f"say how {body.name} is given"
                if said is CORRECTED and body.name not in CORRECTED:
                    continue
                order = body.example(self.flock, said.get(body.name, {}))
                path = body.path.replace("{person_id}", str(person_id))
                at = moment(FIRST_DAY, hour, number).isoformat()
                answer = await post(self.mission, body.service, path, COUNSELLOR, order, at=at)
                assert answer.is_success, (body.name, answer.status_code, answer.json()["code"])

    def _travel(
        self, journey: Journey, household: Household, fund_id: UUID, paying: ByHand, number: int
    ) -> datetime:
        """Every fourth household goes home, the others withdraw; the answer is when the grants of the first are decided on."""
        day, departure = FIRST_DAY, FIRST_DAY + 5
        case_id = script.express_intention(journey, household, day)
        self.cases.append(case_id)
        script.screen(journey, household, case_id, day + 1)
        if number % 4:
            leaver = household.members[-1].person_id
            journey.give(moment(day + 1, 15), COUNSELLOR, case_id, WithdrawPerson(person_id=leaver))
            journey.give(moment(day + 1, 16), COUNSELLOR, case_id, WithdrawCase(reason="changed_mind"))
            return moment(day + 400, 0)
        plan_id = self.dice.id(day)
        lines = granting.plan_lines(self.dice, household, {household.principal.person_id: ("housing",)})
        script.apply_for(journey, household, case_id, day + 1)
        travelling.approve(journey, case_id, day + 1)
        travelling.prepare(journey, household, case_id, plan_id, lines, day + 2)
        travelling.book(journey, household, case_id, day + 3, departure)
        travelling.on_the_eve(journey, household, case_id, departure)
        travelling.depart(journey, household, case_id, departure)
        travelling.arrive(journey, household, case_id, departure)
        self.arrived.append((case_id, household.principal.person_id))
        granting.agree(journey, household, plan_id, lines, departure + 2)
        planted(journey, plan_id, self.flock, drafted=number % 8 == 0)
        asked, given = departure + 3, len(journey.steps)
        wanted = Wanted(lines[0], "approved", returned_once=False)
        granting.request_and_pay(
            journey, household, case_id, plan_id, fund_id, wanted, paying, asked, alone=ALONE, plan_version=REVISED
        )
        self.grants.append(journey.steps[given].id)
        return moment(asked + 3, 0)

    async def _file(self, grant_id: UUID) -> None:
        for content, kind, media in (
            (self._photo(), "photo", "image/jpeg"), (self._receipt(), "receipt", "application/pdf"),
        ):  # fmt: skip
            answer = await self.mission.client.put(
                f"{self.mission.addresses.services['reintegration']}/v1/grants/{grant_id}/evidence/{uuid7()}",
                params={"kind": kind}, content=content,
                headers={
                    "Authorization": f"Bearer {await self.mission.tokens.token(OFFICE)}", "Content-Type": media,
                    "Idempotency-Key": str(uuid7()),
                },
            )  # fmt: skip
            assert answer.is_success, answer.text

    def _photo(self) -> bytes:
        return examples.jpeg().replace(examples.CANARY, self._of_length(len(examples.CANARY)))

    def _receipt(self) -> bytes:
        made = examples.writer()
        text = DecodedStreamObject()
        text.set_data(f"BT (Paid to {self.flock.latin('a receipt')}) Tj ET".encode())
        made.pages[0][NameObject("/Contents")] = made._add_object(text)
        return examples.bytes_of(made).replace(examples.CANARY, self._of_length(len(examples.CANARY)))

    def _of_length(self, length: int) -> bytes:
        return self.flock.latin("a file's metadata").encode().ljust(length, b"x")


def _part(journey: Journey, *, since: datetime | None = None, until: datetime | None = None) -> Journey:
    steps = [
        step for step in journey.steps if (since is None or step.at >= since) and (until is None or step.at < until)
    ]
    return Journey(journey.dice, journey.ends, steps)
