"""Which commands are given: whole journeys of the demo's year, mixed so that all services have work."""

from dataclasses import replace
from random import Random

from ops.demo_year.script import Step
from ops.demo_year.year import build_year_by_hand
from services.reintegration.domain.authority import GiveAuthority
from services.reintegration.domain.fund import OpenFund
from services.reintegration.domain.grant import DraftGrant
from services.reintegration.domain.policies import PublishPolicy
from services.reintegration.domain.rates import RecordRate
from services.reintegration.domain.recovery import RecordRecovery
from services.reintegration.domain.tranches import ConfirmPayment

Journey = list[Step]

# What a system is told once, whatever years are played in it: who has authority, by which rules, and what money is worth.
ONCE = (GiveAuthority, PublishPolicy, RecordRate)
# Of the commands: this part belongs to journeys with grants, the rest in equal parts to the other kinds.
WITH_GRANTS = 0.5


def some_journeys(seed: int, commands: int) -> tuple[Journey, list[Journey]]:
    """The opening of the funds, and journeys with at least that many commands; ids differ from seed to seed."""
    dice = Random(seed)
    funds: Journey = []
    chosen: list[Journey] = []
    for year in range(1000):
        # Years of one seed and of others must not share people.
        number = seed * 1000 + year
        kinds: dict[str, list[Journey]] = {"grants": [], "returns": [], "counselling": []}
        for journey in build_year_by_hand(number):
            if any(isinstance(step.order, OpenFund) for step in journey):
                funds += [step for step in journey if not isinstance(step.order, ONCE)]
            elif journey:
                kinds[_kind(journey)].append([_told_apart(step, number) for step in journey])
        for journeys in kinds.values():
            dice.shuffle(journeys)
        left = commands - sum(map(len, chosen))
        for kind, part in (("grants", WITH_GRANTS), ("returns", 1 - WITH_GRANTS - 0.1), ("counselling", 0.1)):
            chosen += _up_to(kinds[kind], left * part)
        if sum(map(len, chosen)) >= commands:
            # The long ones first: with them alone at the end only one command would be under way at a time.
            return funds, sorted(chosen, key=len, reverse=True)
    raise AssertionError("a thousand years were not enough")




def _kind(journey: Journey) -> str:
    if any(isinstance(step.order, DraftGrant) for step in journey):
        return "grants"
    return "returns" if any(step.service == "returns" for step in journey) else "counselling"


def _up_to(journeys: list[Journey], commands: float) -> list[Journey]:
    found: list[Journey] = []
    while journeys and sum(map(len, found)) < commands:
        found.append(journeys.pop())
    return found


def _told_apart(step: Step, year: int) -> Step:
    # Every year of the demo counts its payments from one.
    if not isinstance(step.order, ConfirmPayment | RecordRecovery):
        return step
    reference = f"{step.order.reference}-{year}"
    return replace(step, order=step.order.model_copy(update={"reference": reference}))
