"""What reintegration's tables answer of what is open: how much of each kind, currency and age, and the items behind a number."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field, TypeAdapter, computed_field, model_validator

from services.reintegration.domain.ageing import AGES, BEGINS, Age, OpenKind, age_of
from services.reintegration.queries import TODAY
from shared.db import Sql, UnitOfWork
from shared.ids import UUID_PATTERN
from shared.money import Amount


def _day_of(moment: str) -> str:
    return f"cast({moment} AT TIME ZONE cast(:zone AS text) AS date)"


# Where the event of before did not say when, it is the grant's last step, as for whose turn it is.
_RELEASED: Final = (
    "SELECT a.grant_id, a.tranche, cast(NULL AS uuid) AS bank_line, a.destination_country, a.amount, a.currency, "
    f"{_day_of('coalesce(a.released_at, (SELECT g.waiting_since FROM grants g WHERE g.id = a.grant_id))')} AS day "
    "FROM payment_attempts a WHERE a.status = 'released' AND "
)
_IN_A_BATCH: Final = "EXISTS (SELECT FROM batch_payments b WHERE b.attempt_id = a.attempt_id AND b.live)"
_NOT_SEEN: Final = (
    "a.method IS NOT DISTINCT FROM 'cash' AND NOT EXISTS (SELECT FROM grants g WHERE g.id = a.grant_id AND jsonb_path_exists(g.tranches, "
    "'$[*] ? (@.number == $number && exists(@.witness.witnessed_by))', jsonb_build_object('number', a.tranche)))"
)


def _tranches(status: str, day: str) -> str:
    # Of grants that have such a tranche there is an index.
    return (
        f"SELECT g.id AS grant_id, t.number AS tranche, cast(NULL AS uuid) AS bank_line, g.destination_country, t.amount, g.currency, {day} AS day "
        "FROM grants g CROSS JOIN LATERAL jsonb_to_recordset(g.tranches) "
        "AS t(number integer, amount numeric, status text, paid_on date, delivered_at timestamptz) "
        f"""WHERE g.tranches @> '[{{"status": "{status}"}}]' AND t.status = '{status}'"""
    )


_OF_GRANTS_AND_LINES: Final[Mapping[OpenKind, str]] = {
    "waits_for_batch": f"{_RELEASED}a.method = 'bank_file' AND NOT {_IN_A_BATCH}",
    "waits_for_bank": f"{_RELEASED}a.method = 'bank_file' AND {_IN_A_BATCH}",
    "waits_for_payer": f"{_RELEASED}a.method IS DISTINCT FROM 'bank_file' AND NOT ({_NOT_SEEN})",
    "cash_not_handed_over": f"{_RELEASED}{_NOT_SEEN}",
    "not_delivered": _tranches("paid", "t.paid_on"),
    "not_reconciled": _tranches("delivered", _day_of("coalesce(t.delivered_at, g.waiting_since)")),
    # A report on a payment need not say of how much it is. XXX is ISO's code for what is of no currency that is known.
    "unmatched_line": (
        "SELECT a.grant_id, a.tranche, l.id AS bank_line, a.destination_country, coalesce(l.amount, CASE l.kind WHEN 'rejected' THEN a.amount END) AS amount, "
        f"coalesce(l.currency, a.currency, 'XXX') AS currency, {_day_of('l.imported_at')} AS day "
        "FROM bank_lines l LEFT JOIN payment_attempts a ON a.attempt_id = l.of_attempt WHERE l.state = 'unmatched'"
    ),
    "open_recovery": (
        "SELECT id AS grant_id, cast(NULL AS integer) AS tranche, cast(NULL AS uuid) AS bank_line, destination_country, "
        f"recovery_amount - recovered - written_off AS amount, currency, {_day_of('recovery_opened_at')} AS day "
        "FROM grants WHERE recovery_opened_at IS NOT NULL AND recovery_closed_at IS NULL"
    ),
}  # fmt: skip
# A file says of each statement what it is of; one of several currencies, and a report, is of none.
_UNCONFIRMED: Final = (
    "SELECT cast(NULL AS uuid) AS grant_id, cast(NULL AS integer) AS tranche, cast(NULL AS uuid) AS bank_line, NULL AS destination_country, "
    "cast(NULL AS numeric) AS amount, coalesce((SELECT min(s.currency) FROM bank_statements s WHERE s.file_id = f.id "
    f"HAVING count(DISTINCT s.currency) = 1), 'XXX') AS currency, {_day_of('f.imported_at')} AS day, f.id AS bank_file "
    "FROM bank_files f WHERE f.status = 'unconfirmed'"
)
_OPEN: Final[Mapping[OpenKind, str]] = {
    **{kind: f"SELECT k.*, cast(NULL AS uuid) AS bank_file FROM ({rows}) k" for kind, rows in _OF_GRANTS_AND_LINES.items()},
    "unconfirmed_file": _UNCONFIRMED,
}
_DAYS: Final = f"greatest({TODAY} - o.day, 0)"
# The place of its age among `AGES`, from 1.
_BAND: Final = f"width_bucket({_DAYS}, cast(:begins AS integer[]))"
COUNTED = Sql(
    f"SELECT {TODAY} AS today, (SELECT json_agg(n) FROM (SELECT o.kind, o.currency, {_BAND} AS band, count(*) AS items, "
    "cast(coalesce(sum(o.amount), 0) AS text) AS total, count(*) - count(o.amount) AS without_amount FROM ("
    + " UNION ALL ".join(f"SELECT '{kind}' AS kind, {kind}.* FROM ({rows}) {kind}" for kind, rows in _OPEN.items())
    + ") o GROUP BY o.kind, o.currency, band ORDER BY o.kind, o.currency, band) n) AS groups"
)
# The same without amounts and ages, for whoever only watches whether somebody takes it up.
AGED = Sql(
    f"SELECT 'money:' || o.kind AS queue, count(*) AS items, max({_DAYS}) * 86400 AS seconds FROM ("
    + " UNION ALL ".join(f"SELECT '{kind}' AS kind, {kind}.day FROM ({rows}) {kind}" for kind, rows in _OPEN.items())
    + ") o GROUP BY o.kind"
)
# What is open is a small part of all, and found by an index for each kind; of it the oldest come first.
LISTED: Final[Mapping[OpenKind, Sql]] = {
    kind: Sql(
        f"SELECT o.*, {_DAYS} AS days FROM ({rows}) o WHERE (cast(:band AS integer) IS NULL OR {_BAND} = cast(:band AS integer)) "
        "AND (cast(:currency AS text) IS NULL OR o.currency = cast(:currency AS text)) "
        "AND (o.day, coalesce(o.bank_file, o.bank_line, o.grant_id), coalesce(o.tranche, 0)) "
        "> (cast(:after_day AS date), cast(:after_id AS uuid), cast(:after_tranche AS integer)) "
        "ORDER BY o.day, coalesce(o.bank_file, o.bank_line, o.grant_id), coalesce(o.tranche, 0) LIMIT :limit"
    )
    for kind, rows in _OPEN.items()
}
# A day by its number in the calendar, so that whatever is written so is a day.
Place = Annotated[str, Field(pattern=f"^[1-9][0-9]{{5}}-{UUID_PATTERN}-[0-9]{{1,6}}$")]


class OpenGroup(BaseModel):
    """What is open of one kind in one currency at one age; ``total`` is of the items whose amount is known.

    ``without_amount``: of how many the bank does not say how much they are. ``currency`` is XXX where it says none either.
    """

    kind: OpenKind
    currency: str
    age: Age
    items: int
    total: Amount
    without_amount: int

    @model_validator(mode="before")
    @classmethod
    def _of_its_age(cls, row: Any) -> Any:
        return {**row, "age": AGES[row["band"] - 1]} if "band" in row else row


class OpenItems(BaseModel):
    """All that is open on a day of the mission's, by kind, currency and age."""

    today: date
    groups: list[OpenGroup]


class OpenItem(BaseModel):
    """One open item: since which ``day`` it waits, and the grant, or line or file of the bank's, by which it is opened.

    A line that names no attempt is of no grant; ``amount`` is None where the bank does not say it.
    """

    grant_id: UUID | None
    tranche: int | None
    bank_line: UUID | None
    bank_file: UUID | None
    destination_country: str | None
    amount: Amount | None
    currency: str
    day: date
    days: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def age(self) -> Age:
        """The age by which it is counted."""
        return age_of(self.days)

    @property
    def place(self) -> str:
        """What a list takes to go on after this."""
        return f"{self.day.toordinal()}-{self.bank_file or self.bank_line or self.grant_id}-{self.tranche or 0}"


_GROUPS: TypeAdapter[list[OpenGroup]] = TypeAdapter(list[OpenGroup])


def asked_for(age: Age | None, currency: str | None, after: Place | None) -> dict[str, object]:
    """The values of a list: from which place on, of which age and currency."""
    day, _, rest = (after or f"{date.min.toordinal()}-{UUID(int=0)}-0").partition("-")
    return {
        "begins": list(BEGINS), "band": None if age is None else AGES.index(age) + 1, "currency": currency,
        "after_day": date.fromordinal(int(day)), "after_id": UUID(rest[:36]), "after_tranche": int(rest[37:]),
    }  # fmt: skip


async def counted(unit: UnitOfWork, now: datetime, zone: str) -> OpenItems:
    """All that is open, by one statement however much it is; the day is that of ``now`` in ``zone``."""
    row = await unit.row(COUNTED, begins=list(BEGINS), now=now, zone=zone)
    assert row is not None
    return OpenItems(today=row["today"], groups=_GROUPS.validate_json(row["groups"] or "[]"))


async def listed(
    unit: UnitOfWork, kind: OpenKind, now: datetime, zone: str, age: Age | None, currency: str | None, after: Place | None,
    limit: int,
) -> list[OpenItem]:
    """The open items of one kind that follow a place, the longest waiting first."""
    rows = await unit.rows(LISTED[kind], now=now, zone=zone, limit=limit, **asked_for(age, currency, after))
    return [OpenItem.model_validate(dict(row)) for row in rows]
