"""A bank of which random things are asked and told, with what it would be right that the mission's books say of it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

from services.reintegration.domain.attempts import ReportPaymentFailed
from services.reintegration.domain.stops import ResumeGrant, SuspendGrant
from services.reintegration.grant_wiring import GRANT
from services.reintegration.wiring import WIRING
from shared.db import Sql
from shared.ids import uuid7
from shared.timers import Looked, look
from tests.given import NOON
from tests.integration.reintegration.office import House
from tests.integration.reintegration.paying import AMOUNTS, Paying
from tests.integration.reintegration.sums_of_bookings import bookings_add_up
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_bank_files import counted
from tests.integration.reintegration.test_batches import approve, make, take, totals
from tests.integration.reintegration.test_own_accounts import colleague
from tests.unit.reintegration.bank.answers import (
    Account,
    Block,
    Detail,
    Entry,
    Told,
    Transaction,
    camt053,
    pain002,
)
from tests.unit.reintegration.examples import MANAGER, PAYER, TODAY

Status = Literal["released", "paid", "failed", "reversed"]
# What a payment is booked as in the account's euros; invented, and of no consequence.
_EUROS: Final = {"EUR": AMOUNTS["EUR"], "TRY": "2251.77", "XOF": "1003.20"}
_TWICE: Final = "the same line again"

# Of each currency what was ordered, what the bank's lines come to, and what else became of orders; of each fund what it spent.
_ORDERED = Sql(
    "SELECT a.currency, sum(a.amount) AS ordered, sum(a.amount) FILTER (WHERE a.status IN ('released', 'failed', 'reversed')) AS others, "
    "(SELECT sum(CASE l.state WHEN 'matched' THEN 1 ELSE -1 END * coalesce(l.paid_part, l.instructed_amount, l.amount)) FROM bank_lines l "
    " WHERE l.state IN ('matched', 'returned') AND CASE WHEN l.paid_part IS NULL THEN coalesce(l.instructed_currency, l.currency) "
    " ELSE (SELECT s.currency FROM payment_attempts s WHERE s.attempt_id = l.settled_attempt) END = a.currency) AS of_the_bank, "
    # Of a payment that came back nothing is missing.
    "sum(a.booked_short) FILTER (WHERE a.status = 'paid') AS short "
    "FROM payment_attempts a GROUP BY a.currency"
)
_SPENT = Sql(
    "SELECT b.fund_id, b.spent, (SELECT coalesce(sum(CASE l.state WHEN 'matched' THEN a.amount_in_fund ELSE -a.amount_in_fund END), 0) "
    "FROM bank_lines l JOIN payment_attempts a ON a.attempt_id = l.settled_attempt WHERE l.state IN ('matched', 'returned') "
    "AND a.fund_id = b.fund_id) AS of_the_bank FROM fund_balances b"
)
_TWICE_PAID = Sql(
    "SELECT (SELECT count(*) FROM (SELECT FROM bank_lines WHERE state = 'matched' GROUP BY settled_attempt HAVING count(*) > 1) n) "
    "+ (SELECT count(*) FROM (SELECT FROM payment_attempts WHERE status = 'paid' GROUP BY grant_id, tranche HAVING count(*) > 1) n) "
    "+ (SELECT count(*) FROM payment_attempts a WHERE a.paid_on IS NOT NULL AND NOT EXISTS (SELECT FROM batch_payments p "
    "   JOIN payment_batches b ON b.id = p.batch_id WHERE p.attempt_id = a.attempt_id AND b.sent_at IS NOT NULL)) AS twice"
)
# Debits that settled nothing and that two persons may match: of another amount than ordered, of none that is told, or late.
_OTHERWISE = Sql(
    "SELECT l.id, l.of_attempt, l.amount, l.currency, l.instructed_amount FROM bank_lines l WHERE l.state = 'unmatched' AND l.direction = 'debit' "
    "AND l.of_attempt = ANY (cast(:attempts AS uuid[])) ORDER BY l.id"
)
_STATUSES = Sql("SELECT attempt_id, status FROM payment_attempts WHERE grant_id = ANY (cast(:grants AS uuid[]))")


@dataclass
class Ordered:
    """An attempt to pay as it would be right: its currency, what became of it, and whether the bank ever had it."""

    grant_id: UUID
    currency: str
    status: Status = "released"
    sent: bool = False
    short: Decimal = Decimal(0)
    ended: bool = False


@dataclass(frozen=True)
class Said:
    """A line of the bank's that may do something to an attempt, and has not yet."""

    attempt_id: UUID
    kind: Literal["debit", "credit", "refusal"]
    batch_id: UUID | None = None
    amount: Decimal | None = None


@dataclass
class Books:
    """One sequence: some grants, what is ordered of the bank, and what it tells; each step is chosen at random."""

    house: House
    people: People
    account_id: UUID
    paying: Paying
    random: Random
    name: str
    grants: dict[UUID, str] = field(default_factory=dict)
    ordered: dict[UUID, Ordered] = field(default_factory=dict)
    batches: dict[UUID, list[UUID]] = field(default_factory=dict)
    dropped: set[UUID] = field(default_factory=set)
    signed: set[UUID] = field(default_factory=set)
    taken: set[UUID] = field(default_factory=set)
    waiting: list[Said] = field(default_factory=list)
    told: list[tuple[Entry, Said | None]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    summed: set[str] = field(default_factory=set)
    number: int = 0

    async def begin(self) -> None:
        """Three grants of a fund of their own, one of them in another currency than the account."""
        self.paying.fund_id = None
        for currency in ("EUR", self.random.choice(("TRY", "XOF")), "EUR"):
            self.grants[await self.paying.approved(currency)] = currency
        if self.random.random() < 0.5:
            # Some begin with what is rare: all of them are with the bank in one file, and it has answered for none.
            while len(self.ordered) < len(self.grants):
                await self.release()
            self.steps += [await self.batch(all=True), await self.approve(), await self.take()]

    async def step(self) -> None:
        """One step, whatever it is; a refused order changes nothing."""
        waits = [one for one in self.ordered.values() if one.status == "released"]
        live = {one.grant_id for one in self.ordered.values() if one.status in ("released", "paid")}
        unsigned, untaken = set(self.batches) - self.signed - self.dropped, self.signed - self.taken - self.dropped
        # What can be done is done most of the time, and rarely what cannot be.
        steps = (
            (len(live) < len(self.grants), 6, self.release), (any(not one.sent for one in waits), 6, self.batch), (bool(unsigned), 8, self.approve),
            (bool(untaken), 8, self.take), (bool(self.batches), 1, self.drop), (bool(self.taken), 3, self.report),
            (any(one.sent for one in self.ordered.values()), 6, self.statement), (len(self._two()) == 2, 20, self.together), (bool(self.told), 9, self.match),
            (any(one.sent for one in waits), 4, self.end), (any(not one.sent for one in waits), 1, self.take_back), (True, 1, self.stop),
        )  # fmt: skip
        anything = self._rarely()
        (chosen,) = self.random.choices([step for *_, step in steps], [weight if can or anything else 0 for can, weight, _ in steps])
        said = await chosen()
        self.steps.append(f"{chosen.__name__}: {said}")

    async def release(self) -> str:
        """A tranche that is not under way is released, the first time or anew."""
        live = {one.grant_id for one in self.ordered.values() if one.status in ("released", "paid")}
        grant_id = self.random.choice(sorted(self.grants))
        attempt_id, currency = uuid7(), self.grants[grant_id]
        order = await self.house.vendors.release(1, currency, method="bank_file", attempt_id=attempt_id)
        done = await self.house.try_to(GRANT, grant_id, order, PAYER)
        if done == "done":
            assert grant_id not in live, "released twice"
            self.ordered[attempt_id] = Ordered(grant_id, currency)
        return done

    async def batch(self, *, all: bool = False) -> str:
        """Some of what is released goes into a batch."""
        waits = [id for id, one in sorted(self.ordered.items()) if one.status == "released" and (not one.sent or self._rarely())]
        if not waits:
            return "nothing"
        chosen, batch_id = self.random.sample(waits, len(waits) if all else self.random.randint(1, len(waits))), uuid7()
        answer = await make(self.people, self.account_id, chosen, batch_id, **totals([self.ordered[id].currency for id in chosen]))
        if answer.status_code == 201:
            self.batches[batch_id] = chosen
        return str(answer.json().get("code", "done"))

    async def approve(self) -> str:
        """A second person signs a batch."""
        if not self.batches:
            return "nothing"
        batch_id = self._any_batch(self.signed)
        answer = await approve(self.people, batch_id)
        if answer.status_code == 200:
            self.signed.add(batch_id)
        return _code(answer)

    async def take(self) -> str:
        """The file of a batch is taken to the bank."""
        if not self.batches:
            return "nothing"
        batch_id = self._any_batch(self.taken | (set(self.batches) - self.signed))
        answer = await take(self.people.payer, batch_id)
        if answer.status_code == 200:
            self.taken.add(batch_id)
            for attempt_id in self.batches[batch_id]:
                self.ordered[attempt_id].sent = True
        return _code(answer)

    async def drop(self) -> str:
        """A batch is dropped, by two persons where it was taken."""
        if not self.batches:
            return "nothing"
        batch_id = self._any_batch()
        answer = await self.people.payer.post(f"payment-batches/{batch_id}/drop", {"reason": "never_sent"})
        if answer.status_code == 200 and batch_id in self.taken:
            answer = await self.people.chief.post(f"payment-batches/{batch_id}/confirm-drop", {})
        if answer.status_code == 200:
            self.dropped.add(batch_id)
        return _code(answer)

    async def stop(self) -> str:
        """The money of a grant is stopped, or goes on."""
        grant_id, order = self.random.choice(sorted(self.grants)), self.random.choice((SuspendGrant(reason="under_review"), ResumeGrant()))
        return f"{type(order).__name__} {await self.house.try_to(GRANT, grant_id, order, MANAGER)}"

    async def report(self) -> str:
        """The bank says of a payment of a batch that it refused it, or that it has it."""
        if not self.batches:
            return "nothing"
        batch_id, refused = self._any_batch(set(self.batches) - self.taken), self.random.random() < 0.6
        attempt_id = self.random.choice(self.batches[batch_id])
        said = Transaction(attempt_id.hex, Told("RJCT", ["AC04"]) if refused else Told("ACSP"))
        self.number += 1
        name = f"{batch_id.hex}001"
        await counted(self.people, pain002(batch_id.hex, Told("PART"), [Block(name, Told("PART"), [said])], id=f"{self.name}-{self.number}"), "status_report")
        if refused:
            self.waiting.append(Said(attempt_id, "refusal", batch_id))
        await self._settled()
        return f"{'refused' if refused else 'accepted'} {attempt_id}"

    async def statement(self) -> str:
        """A statement with one to three lines."""
        lines = [self._line() for _ in range(self.random.randint(1, 3))]
        self.number += 1
        id = f"{self.name}-{self.number}"
        await counted(self.people, camt053(Account([entry for entry, _, _ in lines], id=id)))
        for entry, said, what in lines:
            if said is not None and what != _TWICE:
                self.waiting.append(said)
            self.told.append((entry, said))
        await self._settled()
        return ", ".join(f"{what} {None if said is None else said.attempt_id}" for _, said, what in lines)

    async def together(self) -> str:
        """Two payments in one booking, of neither of which the bank says how much it is, and with a fee; two persons say it of both."""
        two = self._two()
        if len(two) < 2:
            return "nothing"
        self.number += 1
        booked = Decimal(AMOUNTS["EUR"]) * 2 + self.random.choice((0, 5))
        entry = _booked(f"-{booked}", tuple(Detail(id.hex) for id in two), f"{self.name}-L{self.number}")
        await counted(self.people, camt053(Account([entry], id=f"{self.name}-{self.number}")))
        await self._settled()
        found: list[Any] = await self.house.rows(_OTHERWISE, attempts=two)
        return ", ".join([await self._match(line) for line in found if line["amount"] is None])

    async def match(self) -> str:
        """Two persons say of a debit how much of it is the payment that it names."""
        found: list[Any] = await self.house.rows(_OTHERWISE, attempts=list(self.ordered))
        if not found:
            return "nothing"
        return await self._match(self.random.choice(found))

    async def _match(self, line: Any) -> str:
        one = self.ordered[line["of_attempt"]]
        ordered = Decimal(AMOUNTS[one.currency])
        part = ordered - self.random.choice((0, 1))
        body: dict[str, Any] = {"attempt_id": str(line["of_attempt"])}
        if (line["instructed_amount"] or line["amount"]) == ordered:
            part = ordered
        else:
            if line["currency"] == one.currency and line["amount"] is not None:
                # Less than was ordered only where the bank booked less.
                part = min(part, line["amount"]) if line["amount"] < ordered else ordered
            part = min(part, line["instructed_amount"] or part)
            body["paid_part"] = {"amount": str(part), "currency": one.currency}
        answer = await self.people.reconciler.post(f"bank-lines/{line['id']}/match", body)
        if answer.status_code != 201:
            return _code(answer)
        answer = await colleague(self.people).post(f"bank-lines/{line['id']}/confirm-match", {})
        live = [id for id, other in self.ordered.items() if other.grant_id == one.grant_id and other.status in ("released", "paid")]
        late = one.ended and one.status == "failed" and not live
        assert (late or one.status == "released", one.sent, answer.status_code) == (True, True, 200), (one, answer.text, self.steps)
        one.status = "released"
        one.short = ordered - part
        self.waiting.append(Said(line["of_attempt"], "debit"))
        await self._settled()
        return f"matched{' late' if late else ''} {line['of_attempt']} with {part} of {line['amount']}"

    async def end(self) -> str:
        """Two persons say of a payment that the bank never answered for it."""
        waits = [id for id, one in sorted(self.ordered.items()) if one.status == "released" and (one.sent or self._rarely())]
        if not waits:
            return "nothing"
        attempt_id = self.random.choice(waits)
        grant_id = self.ordered[attempt_id].grant_id
        for caller, step in ((self.people.reconciler, "ask-to-end-payment"), (colleague(self.people), "confirm-payment-end")):
            answer = await caller.at(NOON + timedelta(days=11)).post(f"grants/{grant_id}/{step}", {"number": 1})
            if answer.status_code != 200:
                return _code(answer)
        self.ordered[attempt_id].status, self.ordered[attempt_id].ended = "failed", True
        return f"ended {attempt_id}"

    async def take_back(self) -> str:
        """What stands in no batch is taken back by whoever pays."""
        waits = [id for id, one in sorted(self.ordered.items()) if one.status == "released" and (not one.sent or self._rarely())]
        if not waits:
            return "nothing"
        attempt_id = self.random.choice(waits)
        order = ReportPaymentFailed(number=1, reason="not_sent", failed_on=TODAY, attempt_id=attempt_id)
        done = await self.house.try_to(GRANT, self.ordered[attempt_id].grant_id, order, PAYER)
        if done == "done":
            self.ordered[attempt_id].status = "failed"
        return done

    def _line(self) -> tuple[Entry, Said | None, str]:
        self.number += 1
        reference = f"{self.name}-L{self.number}"
        what = self.random.choice(("paid", "paid", "paid", "paid", "returned", "returned", "unknown", "another amount", "another amount", "another amount", "no amount", "no order", "far away", _TWICE, "nobody's"))
        if what == _TWICE and self.told:
            return (*self.random.choice(self.told), what)
        sent = sorted(id for id, one in self.ordered.items() if one.sent)
        if what in ("unknown", "nobody's", _TWICE) or not self.ordered or (not sent and not self._rarely()):
            named = () if what == "nobody's" else (Detail(uuid7().hex, "10.00"),)
            return _booked("-10.00", named, reference), None, "unknown"
        known = sorted(id for id, one in self.ordered.items() if one.status == "paid") if what == "returned" else sent
        attempt_id = self.random.choice(known if known and not self._rarely() else sorted(self.ordered))
        currency = self.ordered[attempt_id].currency
        if what == "no amount":
            # Of two payments in one booking the bank says of neither how much it is.
            return _booked(f"-{_EUROS[currency]}", (Detail(attempt_id.hex), Detail(uuid7().hex)), reference), None, what
        if what in ("no order", "far away") and currency != "EUR":
            # What was ordered the bank does not say.
            euros = str(Decimal(_EUROS[currency]) * (5 if what == "far away" else 1))
            return _booked(f"-{euros}", (Detail(attempt_id.hex, euros),), reference), None, what
        euros, ordered = _EUROS[currency], Decimal(AMOUNTS[currency]) + (self.random.choice((1, -1)) if what == "another amount" else 0)
        ordered -= self.ordered[attempt_id].short if what == "returned" else 0
        euros = str(ordered) if currency == "EUR" else euros
        sign, reason = ("", "<Cd>AC04</Cd>") if what == "returned" else ("-", None)
        detail = Detail(attempt_id.hex, euros, reason=reason, ordered=None if currency == "EUR" else f"{currency} {ordered}")
        said = None if what == "another amount" else Said(attempt_id, "credit" if what == "returned" else "debit", amount=ordered)
        # What was booked before anybody sent it stays a thing that somebody moved by hand.
        counts = said if self.ordered[attempt_id].sent else None
        return _booked(f"{sign}{euros}", (detail,), reference), counts, what

    async def _settled(self) -> None:
        timers = tuple(one for one in WIRING.timers if one.aggregate == "grant")
        while (await look(self.house.made.worker, "reintegration", WIRING.by_name, timers, NOON)) != Looked():
            pass
        while any(self._settles(said) for said in sorted(self.waiting, key=lambda said: said.kind == "credit")):
            pass

    def _settles(self, said: Said) -> bool:
        one = self.ordered[said.attempt_id]
        match said.kind, one.status:
            case "debit", "released":
                one.status = "paid"
            # How much of it came back in another currency than was ordered two persons say.
            case "credit", "paid" if one.currency == "EUR" and said.amount == Decimal(AMOUNTS["EUR"]) - one.short:
                one.status = "reversed"
            case "refusal", "released" if self._is_of(said, said.batch_id):
                one.status = "failed"
            case _:
                return False
        self.waiting.remove(said)
        return True

    def _is_of(self, said: Said, batch_id: UUID | None) -> bool:
        """Whether that file was sent, and the payment stands in no other one that was not dropped."""
        others = [id for id, attempts in self.batches.items() if said.attempt_id in attempts and id not in self.dropped and id != batch_id]
        return batch_id in self.taken and not others

    def _two(self) -> list[UUID]:
        """Two payments in euros that the bank has and has not answered for."""
        return [id for id, one in sorted(self.ordered.items()) if (one.currency, one.status, one.sent) == ("EUR", "released", True)][:2]

    def _any_batch(self, but: Collection[UUID] = ()) -> UUID:
        """A batch, and rarely one for which that cannot be."""
        fit = () if self._rarely() else sorted(set(self.batches) - self.dropped - set(but))
        return self.random.choice(fit or sorted(self.batches))

    def _rarely(self) -> bool:
        return self.random.random() < 0.1

    async def add_up(self) -> None:
        """What was ordered, the bank's lines, the funds and the statuses agree; nothing is paid twice, or unsent."""
        for row in await self.house.rows(_ORDERED):
            booked = (row["of_the_bank"] or 0) + (row["short"] or 0)
            assert row["ordered"] == (row["others"] or 0) + booked, (row, self.steps)
        self.summed |= await bookings_add_up(self.house, self.steps)
        for row in await self.house.rows(_SPENT):
            assert row["spent"] == row["of_the_bank"], (row, self.steps)
        assert await self.house.rows(_TWICE_PAID) == [{"twice": 0}], self.steps
        found: dict[Any, Any] = {row["attempt_id"]: row["status"] for row in await self.house.rows(_STATUSES, grants=list(self.grants))}
        assert found == {id: one.status for id, one in self.ordered.items()}, self.steps


def _booked(amount: str, details: tuple[Detail, ...], reference: str) -> Entry:
    return Entry(amount, details, reference=reference, booked=f"<BookgDt><Dt>{TODAY}</Dt></BookgDt>")


def _code(answer: Any) -> str:
    return str(answer.json().get("code", "done"))
