"""Whether the bank's lines of the demo's year became what the bank meant by them, counted from what it sent alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from ops.demo_year.banking import BringBankFile
from ops.demo_year.script import Step
from ops.identity.client import PersonaTokens
from shared.certificates import trusted
from shared.outgoing import Outgoing

READER: Final = "finance-reconciler"
_WORDS: Final = {"matched": "paid", "returned": "came back", "rejected": "refused", "explained": "no payment of ours", "recovered": "asked back"}


def sent(journeys: Iterable[Iterable[Step]]) -> Counter[str]:
    """How many lines of each kind the bank sent: by what the state of such a line is called once it is settled."""
    found: Counter[str] = Counter()
    for order in (step.order for journey in journeys for step in journey):
        if isinstance(order, BringBankFile):
            found["rejected"] += order.file_kind == "status_report"
            for line in order.booked:
                ours = "matched" if line.direction == "DBIT" else "returned"
                others = "explained" if line.of_grant is None else "recovered"
                found[others if line.attempt_id is None else ours] += 1
    return found


async def standing(url: str, tokens: PersonaTokens) -> Counter[str]:
    """How many lines stand at each state as reintegration at this address knows them."""
    async with Outgoing(timeout=30, verify=trusted(), trust_env=False) as client:
        answer = await client.get(f"{url}/v1/bank-line-counts", headers={"Authorization": f"Bearer {await tokens.token(READER)}"})
    return Counter(answer.raise_for_status().json())


def as_sentence(found: Mapping[str, int], meant: Mapping[str, int]) -> str:
    """What became of the lines, and whether that is what the bank meant."""
    told = ", ".join(f"{found.get(state, 0)} {words}" for state, words in _WORDS.items())
    waiting = found.get("unmatched", 0)
    return f"Lines of the bank: {told}, {waiting} wait for somebody: {'equal' if settled(found, meant) else 'DIFFERS'}"


def settled(found: Mapping[str, int], meant: Mapping[str, int]) -> bool:
    """Whether each line became what the bank meant, and none waits."""
    return +Counter(found) == +Counter(meant)
