"""How a released tranche of the year is paid: by hand, as a receiving office does, or by the country mission's bank."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from ops.demo_year.people import day_of, moment
from ops.demo_year.script import Journey
from services.reintegration.domain.attempts import ReportPaymentFailed, ReversePayment
from services.reintegration.domain.grant_facts import RequestedTranche
from services.reintegration.domain.payee import RegisterPayee
from services.reintegration.domain.recovery import ConfirmRecovery, RecordRecovery
from services.reintegration.domain.tranches import ConfirmPayment, ReleaseTranche
from shared.contracts.attempts import PaymentMethod
from shared.money import Money

# What befalls the last payment of a grant: the bank does not take it, or sends it back, or some of it is asked back later.
Trouble = Literal["failed", "came_back", "asked_back"]
PAYER: Final = "finance-payer"
RECONCILER: Final = "finance-reconciler"
# On the day after the release it is put into a batch, on the next one the bank tells of that day.
_BATCHED, _TOLD = 1, 2


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is paid for one grant, as the receiving office stated them."""

    payee_id: UUID
    stated: RegisterPayee


class Paying(Protocol):
    """Pays one tranche from a day on, on which it is released, and answers on which day it is there."""

    def pay(
        self, journey: Journey, grant_id: UUID, payee: Payee, tranche: RequestedTranche, day: int, trouble: Trouble | None
    ) -> int:
        """As the class says; ``trouble`` befalls the payment, which is then made again unless it is asked back later."""
        ...

    def take_back(self, journey: Journey, grant_id: UUID, money: Money, day: int) -> None:
        """Money that was asked back of a grant comes on a day."""
        ...


@dataclass(frozen=True, slots=True)
class ByHand:
    """Whoever pays says on the next day that it is paid, each time under the next of these references; that it failed who reconciles."""

    references: Iterator[str]

    def pay(
        self, journey: Journey, grant_id: UUID, payee: Payee, tranche: RequestedTranche, day: int, trouble: Trouble | None
    ) -> int:
        """Three days after the release, by the words of who pays."""
        number = tranche.number
        journey.give(moment(day, 9), PAYER, grant_id, release_of(grant_id, payee, number, 1, "office_account"))
        again = release_of(grant_id, payee, number, 2, "office_account")
        if trouble == "failed":
            failed = ReportPaymentFailed(number=number, reason="account_closed", failed_on=day_of(day + 1))
            journey.give(moment(day + 1, 8), RECONCILER, grant_id, failed)
            journey.give(moment(day + 1, 8, 30), PAYER, grant_id, again)
        self._confirm(journey, grant_id, number, moment(day + 1, 9))
        if trouble == "came_back":
            back = ReversePayment(number=number, reason="returned_by_bank", returned_on=day_of(day + 2))
            journey.give(moment(day + 2, 9), RECONCILER, grant_id, back)
            journey.give(moment(day + 2, 10), PAYER, grant_id, again)
            self._confirm(journey, grant_id, number, moment(day + 2, 16))
        return day + 3

    def take_back(self, journey: Journey, grant_id: UUID, money: Money, day: int) -> None:
        """One who reconciles says on the same day that it was given back, and another one confirms it."""
        came = RecordRecovery(money=money, received_on=day_of(day), reference=next(self.references))
        journey.give(moment(day, 15), RECONCILER, grant_id, came)
        journey.give(moment(day, 16), f"{RECONCILER}-2", grant_id, ConfirmRecovery(proposal_no=1))

    def _confirm(self, journey: Journey, grant_id: UUID, number: int, at: datetime) -> None:
        paid = ConfirmPayment(number=number, reference=next(self.references), paid_on=at.date())
        journey.give(at, PAYER, grant_id, paid)


@dataclass(frozen=True, slots=True)
class Ordered:
    """One attempt to pay that the bank is to make, released on a day, and what will befall it."""

    day: int
    attempt_id: UUID
    money: Money
    payee: Payee
    trouble: Trouble | None


@dataclass(frozen=True, slots=True)
class AskedBack:
    """Money that was asked back of a grant and comes to the mission's account on a day."""

    day: int
    grant_id: UUID
    money: Money


@dataclass(frozen=True, slots=True)
class ByBank:
    """What is released waits for a batch; what the bank says of it, and nobody else, says that it is paid."""

    ordered: list[Ordered] = field(default_factory=list)
    asked_back: list[AskedBack] = field(default_factory=list)

    def pay(
        self, journey: Journey, grant_id: UUID, payee: Payee, tranche: RequestedTranche, day: int, trouble: Trouble | None
    ) -> int:
        """Three days after the last release, by the word of the bank."""
        self._release(journey, grant_id, payee, tranche, day, 1, trouble)
        if trouble in ("failed", "came_back"):
            # A day later it is seen what the bank said; what came back it said a day later still.
            day += _TOLD + (1 if trouble == "failed" else 2)
            self._release(journey, grant_id, payee, tranche, day, 2, None)
        return day + _TOLD + 1

    def take_back(self, journey: Journey, grant_id: UUID, money: Money, day: int) -> None:
        """The bank books it."""
        self.asked_back.append(AskedBack(day, grant_id, money))

    def _release(
        self, journey: Journey, grant_id: UUID, payee: Payee, tranche: RequestedTranche, day: int, attempt_no: int,
        trouble: Trouble | None,
    ) -> None:
        order = release_of(grant_id, payee, tranche.number, attempt_no, "bank_file")
        journey.give(moment(day, 9), PAYER, grant_id, order)
        self.ordered.append(Ordered(day, order.attempt_id, tranche.money, payee, trouble))


def release_of(grant_id: UUID, payee: Payee, number: int, attempt_no: int, method: PaymentMethod) -> ReleaseTranche:
    """The order to pay a tranche; the attempt's id is made of the grant's, so that the same year is the same again."""
    return ReleaseTranche(
        number=number, attempt_id=UUID(int=grant_id.int ^ (16 * number + attempt_no << 8)), payee_id=payee.payee_id, method=method
    )
