"""The vouchers behind a sample of grants are opened to the auditor who asked, by two persons who had no part in these grants.

Decision 111: by two seeds nobody alone chooses what is drawn, and anybody draws it again out of the log.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

from services.reintegration.domain.spot_checks import OVER_FOR
from shared.contracts.vouchers import (
    AuditorsSeed,
    DrawnGrant,
    Size,
    VouchersAsked,
    VouchersDrawn,
    VouchersOffered,
    VouchersReleased,
    VouchersWithdrawn,
)
from shared.decider import Decider, Events, ReadsFacts, changing, opening
from shared.errors import FourEyes, RuleViolation
from shared.messages import Command, Context, Event
from shared.transitions import moved

VoucherSampleStatus = Literal["asked", "drawn", "offered", "released", "withdrawn"]
BEGINNINGS: Final[frozenset[str]] = frozenset({"asked"})
# Once a release is over two persons may open the same sample again; nothing is drawn twice.
TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "asked": frozenset({"drawn"}), "drawn": frozenset({"offered"}), "offered": frozenset({"released", "withdrawn"}),
    "released": frozenset({"offered", "withdrawn"}), "withdrawn": frozenset({"offered"}),
}  # fmt: skip
OPEN_FOR: Final = timedelta(days=14)
# Of few, or where most are drawn, whoever chooses the days chooses whom they read about.
FEWEST: Final = 20
TIMES_THE_SIZE: Final = 3
LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class VoucherSample:
    """What an auditor asked for, what was drawn of it, and who opened it until when; an earlier opening the log alone tells."""

    from_day: date
    to_day: date
    size: int
    seed: str
    counterseed: str
    asked_by: str
    asked_at: datetime
    status: VoucherSampleStatus = "asked"
    population: int | None = None
    population_hash: str | None = None
    log_size: int | None = None
    drawn: tuple[DrawnGrant, ...] = ()
    drawn_at: datetime | None = None
    offered_by: str | None = None
    offered_at: datetime | None = None
    released_by: str | None = None
    released_at: datetime | None = None
    ends_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    def holds(self, grant_id: UUID) -> bool:
        """Whether the grant is one of the sample."""
        return any(one.grant_id == grant_id for one in self.drawn)


@dataclass(frozen=True, slots=True)
class VoucherFacts:
    """The grants that were paid on the days asked for by the entries of a log of that size, a seed that nobody chose, when these
    days were over, whether the auditor asked for one of them before, and who had a part in a grant of the sample.
    """

    population: tuple[DrawnGrant, ...] = ()
    counterseed: str = ""
    over_at: datetime | None = None
    asked_before: bool = False
    took_part: frozenset[str] = frozenset()
    log_size: int | None = None


class AskForVouchers(Command):
    """Ask for the receipts and handover certificates behind some of the grants that were paid on these days, both counted. Your seed,
    16 to 64 hexadecimal digits of your own, and the system's are recorded before anything is drawn.
    """

    from_day: date
    to_day: date
    size: Size
    seed: AuditorsSeed


class DrawVouchers(Command):
    """Draw the grants of the sample by the seeds on record."""


class OfferVouchers(Command):
    """Agree that the auditor reads the receipts of this sample. A colleague has to agree as well."""


class ReleaseVouchers(Command):
    """Open the receipts of this sample to the auditor for 14 days, as the second of two."""


class WithdrawVouchers(Command):
    """End this at once: the auditor opens nothing more of the sample."""


def asked_before() -> RuleViolation:
    """Refuses to ask for days again; the database's key refuses the very same ones in the same words."""
    return RuleViolation(
        "vouchers_asked", "You asked for some of these days before. Have that sample opened again, or let a colleague ask."
    )


def two_persons() -> FourEyes:
    """Refuses whoever asked or agreed already; the database's CHECK refuses it in the same words."""
    return FourEyes("You asked for these vouchers or agreed already, so somebody else has to do this.")


def population_hash(population: Iterable[DrawnGrant]) -> str:
    """What stands for all grants that one was drawn from: the SHA-256 of their ids in order, one a line."""
    return sha256("\n".join(sorted(str(one.grant_id) for one in population)).encode()).hexdigest()


def draw(population: Iterable[DrawnGrant], seed: str, counterseed: str, size: int) -> tuple[DrawnGrant, ...]:
    """Those of which SHA-256 of ``<seed>:<counterseed>:<grant_id>`` is smallest, in that order; all if they are no more than asked for."""
    return tuple(sorted(population, key=lambda one: sha256(f"{seed}:{counterseed}:{one.grant_id}".encode()).digest())[:size])


def refuse_unless_open(state: VoucherSample, reader: str, now: datetime) -> None:
    """Refused where nothing of the sample is open to this reader at this moment: ``vouchers_not_yours``, ``vouchers_closed``."""
    if reader != state.asked_by:
        raise RuleViolation("vouchers_not_yours", "These vouchers are opened to the auditor who asked for them, and to nobody else.")
    if state.status != "released" or state.ends_at is None or now >= state.ends_at:
        raise RuleViolation("vouchers_closed", "These vouchers are not open: two persons have to open them, each time for 14 days.")


def _ask(order: AskForVouchers, facts: VoucherFacts, context: Context) -> Events:
    if order.to_day < order.from_day:
        raise RuleViolation("period_reversed", "The last day lies before the first.")
    if order.to_day - order.from_day >= LONGEST:
        raise RuleViolation("period_too_long", f"Ask for the payments of {LONGEST.days} days at most.")
    if facts.over_at is None or context.now < facts.over_at + OVER_FOR:
        raise RuleViolation("period_not_over", "The last day has to be over for an hour, so that nothing of it is still on its way.")
    if facts.asked_before:
        raise asked_before()
    return (
        VouchersAsked(
            from_day=order.from_day, to_day=order.to_day, size=order.size, seed=order.seed, counterseed=facts.counterseed,
            asked_by=context.actor.person_id, asked_at=context.now,
        ),
    )  # fmt: skip


def _not_drawn_yet(state: VoucherSample, _: VoucherFacts, __: Context) -> None:
    if state.status != "asked":
        raise RuleViolation("already_drawn", "This sample was drawn. Nothing is drawn twice.")


def _by_whoever_asked(state: VoucherSample, _: VoucherFacts, context: Context) -> None:
    if context.actor.person_id != state.asked_by:
        raise RuleViolation("vouchers_not_yours", "The auditor who asked for these vouchers draws them.")


def _draw(state: VoucherSample, _: DrawVouchers, facts: VoucherFacts, context: Context) -> Events:
    if not facts.population:
        raise RuleViolation("nothing_to_draw", "No grant was paid on these days.")
    fewest = max(FEWEST, TIMES_THE_SIZE * state.size)
    if len(facts.population) < fewest:
        raise RuleViolation(
            "too_few_to_draw",
            f"Fewer than {fewest} grants were paid on these days: nothing is drawn from fewer than {FEWEST}, or {TIMES_THE_SIZE} times what you asked for.",
        )
    return (
        VouchersDrawn(
            population=len(facts.population), population_hash=population_hash(facts.population), log_size=facts.log_size,
            drawn=draw(facts.population, state.seed, state.counterseed, state.size), drawn_at=context.now,
        ),
    )  # fmt: skip


def _closed(state: VoucherSample, _: VoucherFacts, context: Context) -> None:
    over = state.status == "released" and state.ends_at is not None and context.now >= state.ends_at
    if state.status not in ("drawn", "withdrawn") and not over:
        raise RuleViolation("wrong_status", "This sample is not drawn yet, or somebody agreed to open it already.")


def _offered(state: VoucherSample, _: VoucherFacts, __: Context) -> None:
    if state.status != "offered":
        raise RuleViolation("wrong_status", "Nobody has agreed to open this sample, or it is open already.")


def _open_or_offered(state: VoucherSample, _: VoucherFacts, __: Context) -> None:
    if state.status not in ("offered", "released"):
        raise RuleViolation("wrong_status", "Nothing of this sample is open or about to be.")


def _not_who_asked(state: VoucherSample, _: VoucherFacts, context: Context) -> None:
    if context.actor.person_id == state.asked_by:
        raise two_persons()


def _not_who_offered(state: VoucherSample, _: VoucherFacts, context: Context) -> None:
    if context.actor.person_id == state.offered_by:
        raise two_persons()


@ReadsFacts
def _had_no_part(_: VoucherSample, facts: VoucherFacts, context: Context) -> None:
    if context.actor.person_id in facts.took_part:
        raise FourEyes("You had a part in a grant of this sample, so somebody else has to open its vouchers.")


@ReadsFacts
def _the_first_had_no_part(state: VoucherSample, facts: VoucherFacts, _: Context) -> None:
    if state.offered_by in facts.took_part:
        raise FourEyes("Whoever agreed first took a part in a grant of this sample. End this, and let somebody else agree.")


def _offer(_: VoucherSample, __: OfferVouchers, ___: VoucherFacts, context: Context) -> Events:
    return (VouchersOffered(offered_by=context.actor.person_id, offered_at=context.now),)


def _release(state: VoucherSample, _: ReleaseVouchers, __: VoucherFacts, context: Context) -> Events:
    return (
        VouchersReleased(
            auditor_id=state.asked_by, released_by=context.actor.person_id, released_at=context.now, ends_at=context.now + OPEN_FOR
        ),
    )


def _withdraw(state: VoucherSample, _: WithdrawVouchers, __: VoucherFacts, context: Context) -> Events:
    was: Literal["offered", "released"] = "offered" if state.status == "offered" else "released"
    return (VouchersWithdrawn(was=was, withdrawn_by=context.actor.person_id, withdrawn_at=context.now),)


def evolve(state: VoucherSample | None, event: Event) -> VoucherSample:
    """The sample after one fact; TypeError for one that does not fit, `IllegalTransition` for a move that is not declared."""
    match event:
        case VouchersAsked() if state is None:
            return VoucherSample(
                event.from_day, event.to_day, event.size, event.seed, event.counterseed, event.asked_by, event.asked_at
            )
        case VouchersDrawn() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "drawn"), population=event.population,
                population_hash=event.population_hash, log_size=event.log_size, drawn=event.drawn, drawn_at=event.drawn_at,
            )  # fmt: skip
        case VouchersOffered() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "offered"), offered_by=event.offered_by, offered_at=event.offered_at,
                released_by=None, released_at=None, ends_at=None, withdrawn_by=None, withdrawn_at=None,
            )  # fmt: skip
        case VouchersReleased() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "released"), released_by=event.released_by,
                released_at=event.released_at, ends_at=event.ends_at,
            )  # fmt: skip
        case VouchersWithdrawn() if state is not None:
            return replace(
                state, status=moved(TRANSITIONS, state.status, "withdrawn"), withdrawn_by=event.withdrawn_by,
                withdrawn_at=event.withdrawn_at,
            )  # fmt: skip
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a sample of vouchers here")


VOUCHER_SAMPLE: Decider[VoucherSample, VoucherFacts] = Decider(
    rules=(
        opening(AskForVouchers, "Ask for sealed vouchers", _ask),
        changing(DrawVouchers, "Draw the sample", _draw, _not_drawn_yet, _by_whoever_asked),
        changing(OfferVouchers, "Agree to open the vouchers", _offer, _closed, _not_who_asked, _had_no_part),
        changing(ReleaseVouchers, "Open the vouchers for 14 days", _release, _offered, _not_who_asked, _not_who_offered, _had_no_part, _the_first_had_no_part),
        changing(WithdrawVouchers, "End the opening", _withdraw, _open_or_offered, _had_no_part),
    ),
    evolve=evolve,
    events=(VouchersAsked, VouchersDrawn, VouchersOffered, VouchersReleased, VouchersWithdrawn),
)
