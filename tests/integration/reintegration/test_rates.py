"""Rates as the database holds them: one of a day, the newest that has come counts, and what was recorded stays."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.reintegration import rate_queries
from services.reintegration.domain.conversion import RatesInForce
from services.reintegration.domain.rates import CorrectRate, RecordRate, VoidRate
from services.reintegration.wiring import RATE
from shared.contracts.rates import Base
from shared.handling import transact
from shared.ids import uuid7
from shared.policy import EVERYWHERE
from tests.integration.reintegration.office import House
from tests.integration.reintegration.test_api import People
from tests.integration.reintegration.test_api import people as people_of
from tests.unit.reintegration.examples import RECONCILER, TODAY
from tests.unit.reintegration.test_money_page import recorded, rows

people = people_of


def record(currency: str, base: Base, rate: str, on: date = TODAY) -> RecordRate:
    return RecordRate(currency=currency, base=base, effective_on=on, rate=Decimal(rate), source="un_operational_rate")


CORRECT = CorrectRate(rate=Decimal("3.5"), source="central_bank", reason="mistyped", confirmed=True)


async def test_a_day_has_one_rate_also_where_two_record_it_at_the_same_moment(house: House) -> None:
    async with house.half_done(RATE, uuid7(), record("TND", "USD", "3.1"), RECONCILER):
        waiting = await house.meanwhile(house.try_to(RATE, uuid7(), record("TND", "USD", "3.2"), RECONCILER))
    assert await waiting == "day_has_a_rate"
    assert await house.try_to(RATE, uuid7(), record("TND", "USD", "3.3"), RECONCILER) == "day_has_a_rate"
    assert await house.try_to(RATE, uuid7(), record("TND", "EUR", "3.4"), RECONCILER) == "done"
    assert (await house.findings()).differences == []


async def test_no_revision_is_changed_or_deleted_and_a_lost_one_is_found(house: House) -> None:
    rate_id = uuid7()
    await house.give(RATE, rate_id, record("TND", "USD", "3.0"), RECONCILER)
    await house.give(RATE, rate_id, CORRECT, RECONCILER)
    for change in ("UPDATE exchange_rates SET rate = 4", "DELETE FROM exchange_rates", "DELETE FROM rates"):
        api = await asyncpg.connect(house.made.logins.api)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.execute(change)
        await api.close()
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("DELETE FROM exchange_rates WHERE revision = 1")
    assert (await house.findings()).differences == [f"days of exchange rates: {rate_id}"]
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("UPDATE rates SET base = currency")
    await owner.close()


async def test_a_day_whose_rate_was_taken_out_is_free_and_the_day_before_counts_until_it_is_recorded_again(house: House) -> None:
    before, wrong, again = uuid7(), uuid7(), uuid7()
    yesterday = TODAY - timedelta(days=1)
    await house.give(RATE, before, record("TND", "USD", "3.0", yesterday), RECONCILER)
    await house.give(RATE, wrong, record("TND", "USD", "3.1"), RECONCILER)
    await house.give(RATE, wrong, VoidRate(reason="wrong_currency"), RECONCILER)

    async def counts() -> tuple[Decimal, int]:
        (found,) = await transact(house.api, EVERYWHERE.scope(RECONCILER), lambda unit: rate_queries.in_force(unit, TODAY))
        between = await transact(
            house.api, EVERYWHERE.scope(RECONCILER), lambda unit: rate_queries.rates_between(unit, "USD", "TND", TODAY)
        )
        assert dict(between.by_pair) == {("TND", "USD"): found.recorded()}
        return found.rate, found.revision

    assert await counts() == (Decimal("3.0"), 1)
    # Beside it counts the day before, never what was taken out.
    assert await house.try_to(RATE, again, record("TND", "USD", "6.1"), RECONCILER) == "differs_much"
    async with house.half_done(RATE, again, record("TND", "USD", "3.2"), RECONCILER):
        waiting = await house.meanwhile(house.try_to(RATE, uuid7(), record("TND", "USD", "3.3"), RECONCILER))
    assert await waiting == "day_has_a_rate"
    assert await counts() == (Decimal("3.2"), 3)
    assert await house.try_to(RATE, wrong, CORRECT, RECONCILER) == "rate_void"
    assert await house.try_to(RATE, uuid7(), record("TND", "USD", "3.3"), RECONCILER) == "day_has_a_rate"
    assert (await house.findings()).differences == []
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute("UPDATE exchange_rates SET void = false WHERE rate_id = $1", wrong)
    assert (await house.findings()).differences == [f"exchange rates: {wrong}", f"days of exchange rates: {wrong}"]
    await owner.close()


async def test_what_counts_is_looked_up_in_the_key_of_each_pair(house: House) -> None:
    """Every day that was ever recorded would be read otherwise, for each conversion."""
    owner = await asyncpg.connect(house.made.logins.migrate)
    await owner.execute("SET ROLE reintegration_owner")
    await owner.execute(
        "INSERT INTO exchange_rates (currency, base, effective_on, revision, rate_id, rate, source, recorded_by, recorded_at) "
        "SELECT currency, 'USD', date '2000-01-01' + day, 1, gen_random_uuid(), 1, 'central_bank', 'x', now() "
        "FROM unnest(ARRAY['BAM', 'EUR', 'TND']) AS currency, generate_series(1, 700) AS day"
    )
    await owner.execute("ANALYZE exchange_rates")
    for statement, values in (
        (rate_queries.IN_FORCE, {"on": TODAY}), (rate_queries.IN_FORCE_OF, {"on": TODAY, "currencies": ["BAM", "EUR", "TND"]}),
    ):  # fmt: skip
        explained = await owner.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + statement.text, *statement.arguments(values))
        assert sum(_read(json.loads(explained)[0]["Plan"])) < 40
    await owner.close()


def _read(node: dict[str, Any]) -> Iterator[float]:
    """How many rows each scan of the revisions reads."""
    if node.get("Relation Name") == "exchange_rates":
        yield node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
    for below in node.get("Plans", ()):
        yield from _read(below)


async def test_the_database_finds_what_counts_on_a_day_as_the_rules_do(house: House) -> None:
    ids: dict[tuple[str, int], UUID] = {}
    bases: dict[str, Base] = {"BAM": "EUR", "TND": "USD"}
    for currency, day in (("BAM", 0), ("TND", 5), ("TND", 0), ("TND", 9), ("EUR", 3)):
        ids[currency, day] = rate_id = uuid7()
        on = TODAY + timedelta(days=day)
        await house.give(RATE, rate_id, record(currency, bases.get(currency, "USD"), f"1.{day}1", on), RECONCILER)
    await house.give(RATE, ids["TND", 5], CORRECT, RECONCILER)
    await house.give(RATE, ids["TND", 9], VoidRate(reason="wrong_day"), RECONCILER)
    every = await transact(house.api, EVERYWHERE.scope(RECONCILER), lambda unit: rate_queries.in_force(unit, date.max))
    known = [
        revision.recorded()
        for id in ids.values()
        for revision in await transact(
            house.api, EVERYWHERE.scope(RECONCILER), lambda unit, id=id: rate_queries.revisions(unit, id)  # type: ignore[misc]
        )
    ]
    assert len(every) == 3
    assert len(known) == 7
    for day in range(-1, 11):
        on = TODAY + timedelta(days=day)
        counts = RatesInForce.on(on, known)
        found = await transact(house.api, EVERYWHERE.scope(RECONCILER), lambda unit, on=on: rate_queries.in_force(unit, on))  # type: ignore[misc]
        assert RatesInForce.on(on, [one.recorded() for one in found]) == counts
        assert len(found) == len(counts.by_pair)
        between = await transact(
            house.api, EVERYWHERE.scope(RECONCILER), lambda unit, on=on: rate_queries.rates_between(unit, "BAM", "TND", on)  # type: ignore[misc]
        )
        assert between == counts


async def test_the_page_about_money_is_what_the_api_answers(house: House, people: People) -> None:
    for rate in recorded():
        body = record(rate.currency, rate.base, str(rate.rate), rate.effective_on).model_dump(mode="json") | {"source": rate.source}
        answer = await people.reconciler.post(f"rates/{uuid7()}", body)
        assert (answer.status_code, answer.headers["etag"]) == (201, '"v1"'), answer.text
    for on, amount, way, of, _, result in rows(6):
        units, currency = amount.split()
        expected, into = result.split()
        found = (await people.approver.get("conversion", amount=units, currency=currency, into=into, on=on)).json()
        assert found["converted"] == {"amount": expected, "currency": into}
        assert (found["rate"], len(found["legs"])) == (of, way.count("→"))
    missing = await people.approver.get("conversion", amount="1", currency="EUR", into="PKR", on="2023-05-02")
    assert (missing.status_code, missing.json()["code"]) == (409, "rate_missing")
    first = (await people.auditor.get("rates", limit=4)).json()
    rest = (await people.auditor.get("rates", limit=4, after=first["next"])).json()
    for place, status in (("1", 200), ("999999", 200), ("0", 422), ("1000000", 422), ("0000-00-00", 422)):
        assert (await people.auditor.get("rates", after=f"{place}-{uuid7()}")).status_code == status, place
    listed = first["items"] + rest["items"]
    assert [one["effective_on"] for one in listed] == sorted((str(rate.effective_on) for rate in recorded()), reverse=True)
    assert rest["next"] is None
    of_euro = (await people.auditor.get("rates", currency="EUR")).json()["items"]
    assert [(one["effective_on"], one["rate"]) for one in of_euro] == [
        ("2023-06-01", "0.915"), ("2023-05-15", "0.921"), ("2023-05-01", "0.908"),
    ]  # fmt: skip
    counts = (await people.manager.get("rates-in-force", on="2023-05-14")).json()
    assert [(one["currency"], one["base"], one["rate"]) for one in counts if one["currency"] == "EUR"] == [("EUR", "USD", "0.908")]
    for caller in (people.counsellor, people.office, people.coordinator):
        assert (await caller.get("rates")).status_code == 403
    refused = await people.approver.post(f"rates/{uuid7()}", record("PKR", "USD", "280").model_dump(mode="json"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


async def test_a_correction_changes_what_is_converted_from_now_on_and_tells_what_was_there_before(house: House, people: People) -> None:
    rate_id = uuid7()
    await people.reconciler.post(f"rates/{rate_id}", record("TND", "USD", "3.042").model_dump(mode="json"))
    asked = {"amount": "100.00", "currency": "USD", "into": "TND", "on": str(TODAY)}
    before = (await people.payer.get("conversion", **asked)).json()
    again = {"rate": "3.024", "source": "un_operational_rate", "reason": "mistyped"}
    stale = await people.reconciler.post(f"rates/{rate_id}/correct", again, match='"v9"')
    assert stale.status_code == 412
    assert (await people.reconciler.post(f"rates/{rate_id}/correct", again, match='"v1"')).status_code == 200
    after = (await people.payer.get("conversion", **asked)).json()
    assert (before["converted"]["amount"], after["converted"]["amount"]) == ("304.200", "302.400")
    assert (before["legs"][0]["revision"], after["legs"][0]["revision"]) == (1, 2)
    view = (await people.auditor.get(f"rates/{rate_id}")).json()
    assert [(one["rate"], one["reason"]) for one in view["revisions"]] == [("3.042", None), ("3.024", "mistyped")]
    assert (view["state"]["rate"], view["state"]["revision"], view["version"]) == ("3.024", 2, 2)
    taken_out = await people.reconciler.post(f"rates/{rate_id}/void", {"reason": "wrong_base"}, match='"v2"')
    assert taken_out.status_code == 200
    missing = await people.payer.get("conversion", **asked)
    assert (missing.status_code, missing.json()["code"]) == (409, "rate_missing")
    assert (await people.approver.post(f"rates/{rate_id}/void", {"reason": "wrong_base"})).status_code == 403
    listed = (await people.auditor.get("rates", currency="TND")).json()["items"]
    assert [(one["void"], one["reason"]) for one in listed] == [(True, "wrong_base")]
