"""What reintegration's tables answer about surveys: what is asked and when, who is due, and how people are doing on average."""

import json
import tomllib
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, TypeAdapter

from services.reintegration import survey_answers
from services.reintegration.domain.instruments import COMPOSITE, Instrument, read_instrument
from services.reintegration.domain.survey_averages import Scores, means_of
from services.reintegration.domain.survey_rounds import (
    InstrumentFacts,
    RoundFacts,
    SurveyRound,
)
from services.reintegration.domain.surveys import Survey, SurveyFacts
from services.reintegration.queries import CASE_KNOWN, THE_CASE, TODAY, Sharing, sharing_of
from services.reintegration.signer_queries import signed_by
from services.reintegration.surveys import shipped
from shared.contracts.surveys import RoundName, SurveyMode
from shared.db import Sql, UnitOfWork, Write
from shared.errors import RuleViolation
from shared.ids import FIRST
from shared.private import PersonKeys
from shared.verify import Check

_MOST_READY: Final = 20
_READY: OrderedDict[tuple[str, int], Instrument] = OrderedDict()
_ROUND: TypeAdapter[SurveyRound | None] = TypeAdapter(SurveyRound | None)

_KEEP = Sql("INSERT INTO instrument_texts (instrument_id, content) VALUES (:instrument_id, :content)")
_TEXT = Sql(
    "SELECT t.content FROM instruments i JOIN instrument_texts t ON t.instrument_id = i.id "
    "WHERE i.instrument = :instrument AND i.instrument_version = :instrument_version"
)
_VERSIONS = Sql("SELECT instrument_version FROM instruments WHERE instrument = :instrument")
_PUBLISHED = Sql(
    "SELECT id, instrument, instrument_version, items, sha256, published_by, published_at FROM instruments "
    "ORDER BY instrument, instrument_version LIMIT 1000"
)
_PLANNED = Sql(
    "SELECT EXISTS (SELECT FROM survey_rounds WHERE instrument = :instrument AND round = :round AND ended_at IS NULL) AS planned"
)
_OF_A_ROUND = (
    "instrument, instrument_version, scheme, round, from_month, to_month, planned_by, planned_at, ended_by, ended_at"
)
ROUNDS = Sql(f"SELECT id, {_OF_A_ROUND} FROM survey_rounds WHERE id > :after ORDER BY id LIMIT :limit")
# Whoever released or confirmed a payment of a grant of the person, be it one that failed or came back, or signed its batch.
_PAYS = (
    "EXISTS (SELECT FROM grants g JOIN payment_attempts a ON a.grant_id = g.id WHERE g.person_id = :person_id "
    "AND cast(:actor_id AS text) IN (a.released_by, a.confirmed_by)) OR EXISTS (SELECT FROM grants g "
    f"WHERE g.person_id = :person_id AND (g.payer_id = :actor_id OR {signed_by(':actor_id', 'g.id')}))"
)
_BEHIND = Sql(
    f"SELECT {THE_CASE} AS case_known, (SELECT to_json(r) FROM (SELECT {_OF_A_ROUND} FROM survey_rounds WHERE id = :round_id) r) "
    f"AS round_known, {_PAYS} AS pays, EXISTS (SELECT FROM surveys s JOIN survey_rounds r ON r.id = :round_id "
    "WHERE s.person_id = :person_id AND s.instrument = r.instrument AND s.round = r.round AND s.outcome = 'answered') "
    f"AS answered_already, {TODAY} AS today"
)
_ITS_PAYER = Sql(f"SELECT {_PAYS} AS pays")
OF_A_CASE = Sql(
    "SELECT id, case_id, person_id, country, round_id, instrument, instrument_version, round, mode, asked_on, months, outcome, "
    "out_of_window, answers_no FROM surveys WHERE case_id = :case_id AND id > :after ORDER BY id LIMIT :limit"
)
# Complete months as the rules count them; a month is complete on the day of its number.
_MONTHS = (
    "cast((extract(year FROM d.today) - extract(year FROM d.arrived_on)) * 12 + extract(month FROM d.today) "
    "- extract(month FROM d.arrived_on) - CASE WHEN extract(day FROM d.today) < extract(day FROM d.arrived_on) THEN 1 ELSE 0 END "
    "AS integer)"
)
_DUE_OF_A_CASE = (
    "(SELECT json_agg(json_build_object('person_id', found.person_id, 'arrived_on', found.arrived_on, 'months', found.months, "
    " 'round_id', r.id, 'instrument', r.instrument, 'instrument_version', r.instrument_version, 'round', r.round, "
    " 'from_month', r.from_month, 'to_month', r.to_month, 'refused', EXISTS (SELECT FROM surveys f WHERE "
    "  f.person_id = found.person_id AND f.instrument = r.instrument AND f.round = r.round AND f.outcome = 'declined')) "
    " ORDER BY found.person_id, r.instrument, r.from_month, r.id) FROM "
    f" (SELECT d.person_id, d.arrived_on, {_MONTHS} AS months FROM (SELECT cast(a ->> 'person_id' AS uuid) AS person_id, "
    "   cast(cast(a ->> 'arrived_at' AS timestamptz) AT TIME ZONE cast(:zone AS text) AS date) AS arrived_on, "
    f"  {TODAY} AS today FROM jsonb_array_elements(c.arrived) a) d "
    "  WHERE d.person_id = ANY (c.person_ids) AND (cardinality(c.deciding_ids) = 0 OR d.person_id = ANY (c.deciding_ids)) "
    "  AND NOT EXISTS (SELECT FROM persons e WHERE e.id = d.person_id)) found "
    " JOIN survey_rounds r ON r.ended_at IS NULL AND found.months BETWEEN r.from_month AND r.to_month "
    " WHERE NOT EXISTS (SELECT FROM surveys s WHERE s.person_id = found.person_id AND s.instrument = r.instrument "
    "  AND s.round = r.round AND s.outcome = 'answered'))"
)
DUE = Sql(
    f"SELECT due.id, due.destination_country, cast(due.due AS text) AS due, {sharing_of('due.id')} AS sharing FROM (SELECT c.id, "
    f"c.destination_country, {_DUE_OF_A_CASE} AS due FROM cases c WHERE c.id > :after "
    "AND (cast(:everywhere AS boolean) OR c.destination_country = ANY (cast(:countries AS text[]))) "
    "AND jsonb_array_length(c.arrived) > 0) due WHERE due.due IS NOT NULL ORDER BY due.id LIMIT :limit"
)
_ANSWERED = Sql(
    "SELECT id, country, answers_no FROM surveys WHERE round_id = :round_id AND outcome = 'answered' AND id > :after "
    "ORDER BY id LIMIT :limit"
)
_KEEP_AVERAGES = Sql(
    "INSERT INTO survey_averages (round_id, country, dimension, counted, value) SELECT cast(:round_id AS uuid), a.* FROM "
    "unnest(cast(:countries AS text[]), cast(:dimensions AS text[]), cast(:counted AS integer[]), cast(:values AS numeric[])) a"
)
_AVERAGES = Sql(
    "SELECT a.country, r.instrument, r.instrument_version, r.scheme, r.round, r.ended_at, a.dimension, a.counted, a.value "
    "FROM survey_rounds r JOIN survey_averages a ON a.round_id = r.id WHERE r.instrument = :instrument AND r.ended_at IS NOT NULL "
    "ORDER BY a.country, r.instrument_version, r.ended_at, r.id, a.dimension"
)


class InstrumentRow(BaseModel):
    """One version of a survey that can be asked; shipped ones nobody published."""

    instrument: str
    instrument_version: int
    title: Mapping[str, str]
    banner: Mapping[str, str]
    schemes: tuple[str, ...]
    items: int
    sha256: str | None
    published_by: str | None
    published_at: datetime | None


class RoundRow(BaseModel):
    """One round that was planned, and whether it was ended."""

    id: UUID
    instrument: str
    instrument_version: int
    scheme: str
    round: RoundName
    from_month: int
    to_month: int
    planned_by: str
    planned_at: datetime
    ended_by: str | None
    ended_at: datetime | None


class SurveyRow(BaseModel):
    """That somebody was asked once; not what they answered."""

    id: UUID
    case_id: UUID
    person_id: UUID
    country: str
    round_id: UUID
    instrument: str
    instrument_version: int
    round: RoundName
    mode: SurveyMode
    asked_on: date
    months: int
    outcome: str
    out_of_window: bool
    answers_no: int


class Due(BaseModel):
    """One round that a person can be asked in now; ``refused`` says that they did not wish to be asked before."""

    person_id: UUID
    arrived_on: date
    months: int
    round_id: UUID
    instrument: str
    instrument_version: int
    round: RoundName
    from_month: int
    to_month: int
    refused: bool


class DueRow(BaseModel):
    """A case of which somebody is to be asked now, and by what."""

    id: UUID
    destination_country: str
    due: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class DueAbroad:
    """The same with what decides whether an office is shown it: nobody is asked by an office without their consent."""

    row: DueRow
    sharing: Sharing

    @property
    def id(self) -> UUID:
        """The case's."""
        return self.row.id

    def kept(self) -> Self | None:
        """Nothing without consent."""
        return None

    def without_health(self) -> Self | None:
        """That somebody is to be asked tells nothing of their health."""
        return self


class Average(BaseModel):
    """How one dimension, or all of it, scores on average; ``value`` is None, and ``counted`` too, where too few were counted."""

    country: str
    instrument: str
    instrument_version: int
    scheme: str
    round: RoundName
    ended_at: datetime
    dimension: str
    counted: int | None
    value: Decimal | None


async def instrument(unit: UnitOfWork, code: str, version: int) -> Instrument | None:
    """A version of a survey, shipped or published; None if there is none such. What was read once is kept ready."""
    known = shipped().get(code)
    if known is not None and known.version == version:
        return known
    if (code, version) not in _READY:
        row = await unit.row(_TEXT, instrument=code, instrument_version=version)
        if row is None:
            return None
        _READY[code, version] = instrument_in(row["content"])
        while len(_READY) > _MOST_READY:
            _READY.popitem(last=False)
    return _READY[code, version]


def instrument_in(content: str) -> Instrument:
    """The instrument that a file says; refused as ``instrument_unreadable``."""
    try:
        return read_instrument(tomllib.loads(content))
    except tomllib.TOMLDecodeError:
        raise RuleViolation("instrument_unreadable", "This is not a survey as it is read here.") from None


def kept(instrument_id: UUID, content: str) -> Sequence[Write]:
    """The write that keeps the file of an instrument beside the fact that it was published."""
    return (Write(_KEEP, {"instrument_id": instrument_id, "content": content}),)


async def instruments(unit: UnitOfWork) -> list[InstrumentRow]:
    """Every version of every survey there is: the shipped ones, then those that were published."""
    rows = [_told(one) for one in shipped().values()]
    for row in await unit.rows(_PUBLISHED):
        found = await instrument(unit, row["instrument"], row["instrument_version"])
        assert found is not None
        rows.append(_told(found, dict(row)))
    return rows


def _told(found: Instrument, row: Mapping[str, Any] | None = None) -> InstrumentRow:
    published = row or {}
    return InstrumentRow(
        instrument=found.code, instrument_version=found.version, title=found.title, banner=found.banner,
        schemes=tuple(scheme.code for scheme in found.schemes), items=len(found.items),
        **{name: published.get(name) for name in ("sha256", "published_by", "published_at")},
    )  # fmt: skip


async def behind_an_instrument(unit: UnitOfWork, code: str) -> InstrumentFacts:
    """Which versions of a survey there are."""
    known = {one.version for one in shipped().values() if one.code == code}
    return InstrumentFacts(frozenset(known | {row["instrument_version"] for row in await unit.rows(_VERSIONS, instrument=code)}))


async def behind_a_round(unit: UnitOfWork, code: str, version: int, round: RoundName) -> RoundFacts:
    """The version that is to be asked, and whether such a round is planned."""
    row = await unit.row(_PLANNED, instrument=code, round=round)
    assert row is not None
    return RoundFacts(await instrument(unit, code, version), row["planned"])


async def behind_a_survey(
    unit: UnitOfWork, case_id: UUID, person_id: UUID, round_id: UUID, actor_id: str, now: datetime, zone: str
) -> SurveyFacts:
    """What the rules read before somebody is asked."""
    row = await unit.row(
        _BEHIND, case_id=case_id, person_id=person_id, round_id=round_id, actor_id=actor_id, now=now, zone=zone
    )
    assert row is not None
    case, planned = CASE_KNOWN.validate_json(row["case_known"] or "null"), _ROUND.validate_json(row["round_known"] or "null")
    arrived = next((one.arrived_at for one in case.arrived if one.person_id == person_id), None) if case is not None else None
    return SurveyFacts(
        today=row["today"], case=case, arrived_on=arrived.astimezone(ZoneInfo(zone)).date() if arrived is not None else None,
        round=planned,
        instrument=await instrument(unit, planned.instrument, planned.instrument_version) if planned is not None else None,
        pays=row["pays"], answered_already=row["answered_already"],
    )  # fmt: skip


async def behind_a_correction(unit: UnitOfWork, survey: Survey, actor_id: str) -> SurveyFacts:
    """By what a survey was asked, and whether whoever corrects it pays the person."""
    row = await unit.row(_ITS_PAYER, person_id=survey.person_id, actor_id=actor_id)
    assert row is not None
    return SurveyFacts(instrument=await instrument(unit, survey.instrument, survey.instrument_version), pays=row["pays"])


async def due(
    unit: UnitOfWork, countries: Sequence[str] | None, after: UUID | None, limit: int, now: datetime, zone: str
) -> list[DueAbroad]:
    """Up to ``limit`` cases of which somebody is to be asked on this day, in these countries or everywhere."""
    rows = await unit.rows(
        DUE, everywhere=countries is None, countries=list(countries or ()), after=after or FIRST, limit=limit, now=now, zone=zone
    )
    return [
        DueAbroad(
            DueRow(id=row["id"], destination_country=row["destination_country"], due=json.loads(row["due"])),
            Sharing.of(row["sharing"]),
        )
        for row in rows
    ]


async def averages(unit: UnitOfWork, code: str) -> list[Average]:
    """How people were doing on average by each ended round of a survey, as it was told when it ended."""
    return [Average.model_validate(dict(row)) for row in await unit.rows(_AVERAGES, instrument=code)]


async def averages_told(unit: UnitOfWork, keys: PersonKeys, round_id: UUID, batch: int = 500) -> Sequence[Write]:
    """The write that keeps how people are doing on average by a round that ends now, of nobody alone.

    Scores are opened for this. A person is counted by what was recorded last.
    """
    people: defaultdict[str, list[Scores]] = defaultdict(list)
    after = FIRST
    while True:
        rows = await unit.rows(_ANSWERED, round_id=round_id, after=after, limit=batch)
        answered = {row["id"]: row for row in rows}
        for one in await survey_answers.found(unit, keys, list(answered)):
            row = answered[one.survey_id]
            if one.answers_no == row["answers_no"]:
                told = (*one.scores["dimensions"].items(), (COMPOSITE, one.scores["composite"]))
                people[row["country"]].append(
                    {name: None if score["value"] is None else Decimal(score["value"]) for name, score in told}
                )
        if len(rows) < batch:
            break
        after = rows[-1]["id"]
    found = [
        (country, dimension, mean.counted, mean.value)
        for country, scores in sorted(people.items()) for dimension, mean in means_of(scores).items()
    ]  # fmt: skip
    values: dict[str, object] = {
        "round_id": round_id, "countries": [one[0] for one in found], "dimensions": [one[1] for one in found],
        "counted": [one[2] for one in found], "values": [one[3] for one in found],
    }  # fmt: skip
    return (Write(_KEEP_AVERAGES, values, len(found)),) if found else ()


CHECKS = (
    Check(
        "instruments",
        Sql(
            "SELECT i.id FROM instruments i LEFT JOIN instrument_texts t ON t.instrument_id = i.id "
            "WHERE encode(sha256(convert_to(t.content, 'UTF8')), 'hex') IS DISTINCT FROM i.sha256"
        ),
    ),
    Check(
        "averages of rounds",
        Sql(
            "SELECT DISTINCT a.round_id FROM survey_averages a LEFT JOIN survey_rounds r ON r.id = a.round_id "
            "WHERE r.ended_at IS NULL"
        ),
    ),
    # Of whoever was not erased every set of answers is there, under its number.
    Check(
        "survey answers",
        Sql(
            "SELECT s.id FROM surveys s WHERE NOT EXISTS (SELECT FROM persons p WHERE p.id = s.person_id) AND s.answers_no "
            "<> (SELECT count(*) FROM survey_answers a WHERE a.survey_id = s.id AND a.answers_no BETWEEN 1 AND s.answers_no "
            " AND a.person_id = s.person_id AND a.country = s.country)"
        ),
    ),
)  # fmt: skip
