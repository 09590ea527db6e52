"""Where it is kept in which year somebody was born: sealed under the person's key, and found by a keyed hash of the year.

With the key it goes for good, also out of copies of the database from before: under the former key of the index such a copy
tells who are of one age, and not of which.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from services.counselling.domain.person import RegisterPerson
from shared.blind_index import IndexKeys, Term, tokens_of
from shared.contracts.counselling import BirthYearCorrected
from shared.db import Busy, Sql, UnitOfWork, Write
from shared.handling import Handled
from shared.private import PersonKey, PersonKeys, Place, Unsealed, opened, seal
from shared.verify import ASKED, LOG_OF_ASKED, Check

_TABLE: Final = "birth_years"
# There are so few years that a hash cut short would be tried out as well; what protects them is the key.
_BITS: Final = 128
_REGISTRATION: Final = 1

_KEEP = Sql(
    "INSERT INTO birth_years (person_id, country_of_origin, sex, token, key, birth_year) "
    "SELECT whose.person_id, p.country_of_origin, p.sex, whose.token, whose.key, whose.birth_year FROM unnest("
    "cast(:person_ids AS uuid[]), cast(:tokens AS bytea[]), cast(:keys AS text[]), cast(:birth_years AS bytea[])) "
    "whose(person_id, token, key, birth_year) JOIN persons p ON p.id = whose.person_id"
)
_BEGIN = Sql(
    "INSERT INTO birth_years (person_id, country_of_origin, sex, token, key, birth_year) "
    "VALUES (:person_id, :country_of_origin, :sex, :token, :key, :birth_year)"
)
_CORRECT = Sql(
    "UPDATE birth_years SET token = :token, key = :key, birth_year = :birth_year, version = :version "
    "WHERE person_id = :person_id"
)
_OF = Sql(
    "SELECT b.person_id, b.person_id AS about, b.birth_year, b.version, NULL AS in_clear, k.epoch, k.wrapped FROM birth_years b "
    "LEFT JOIN person_keys k ON k.person_id = b.person_id AND k.about = b.person_id "
    "WHERE b.person_id = ANY (cast(:person_ids AS uuid[])) "
    "UNION ALL SELECT c.person_id, c.person_id, NULL, NULL, c.birth_year, NULL, NULL FROM birth_years_in_clear c "
    "WHERE c.person_id = ANY (cast(:person_ids AS uuid[]))"
)
_UNDER_OTHER_KEYS = Sql(
    "SELECT person_id FROM ((SELECT person_id, key FROM birth_years WHERE key < :key ORDER BY key LIMIT :most) UNION ALL "
    "(SELECT person_id, key FROM birth_years WHERE key > :key ORDER BY key LIMIT :most)) other LIMIT :most"
)
_HASH = Sql(
    "UPDATE birth_years b SET token = anew.token, key = :key FROM unnest(cast(:person_ids AS uuid[]), cast(:tokens AS bytea[])) "
    "anew(person_id, token) WHERE b.person_id = anew.person_id"
)
# Of several who seal at a time each takes others.
_IN_CLEAR = Sql(
    "SELECT person_id, birth_year, salt FROM birth_years_in_clear ORDER BY person_id LIMIT :most FOR UPDATE SKIP LOCKED"
)
_SOME_IN_CLEAR = Sql("SELECT FROM birth_years_in_clear LIMIT 1")
_SEALED = Sql("DELETE FROM birth_years_in_clear WHERE person_id = ANY (cast(:person_ids AS uuid[]))")


class Registration:
    """Keeps the year of birth that a person is registered with; one for each request.

    The hash has to be made before the rules decide, and the year can be sealed only after.
    """

    def __init__(self, index: IndexKeys, person_id: UUID, command: RegisterPerson) -> None:
        self._index = index
        self._person_id = person_id
        self._command = command
        self._hashed: tuple[str, bytes] = ("", b"")

    async def hashed(self, _: UnitOfWork) -> Sequence[Write]:
        """Makes the hash under the key of this moment, within the transaction that keeps it; it writes nothing yet."""
        self._hashed = await hashed_now(self._index, self._command.birth_year)
        return ()

    def writes(self, key: PersonKey, handled: Handled) -> Sequence[Write]:
        """The write that keeps the year, sealed, beside the event that conceals it."""
        (salt,) = (one.salt for one in handled.concealed if one.path == "birth_year")
        named, token = self._hashed
        values = {
            "person_id": self._person_id, "country_of_origin": self._command.country_of_origin, "sex": self._command.sex,
            "token": token, "key": named, "birth_year": _sealed(key, self._command.birth_year, salt),
        }  # fmt: skip
        return (Write(_BEGIN, values),)


def corrected(key: PersonKey, birth_year: int, hashed: tuple[str, bytes], handled: Handled) -> Write:
    """The write that keeps another year in place of the one that was believed, bound to the event that conceals it.

    What was believed is kept nowhere: it was wrong.
    """
    (salt,) = (one.salt for one in handled.concealed if one.path == "birth_year")
    (place,) = (place for place, event in enumerate(reversed(handled.events)) if isinstance(event, BirthYearCorrected))
    named, token = hashed
    version = handled.version - place
    sealed = _sealed(key, birth_year, salt, version)
    values = {"person_id": key.person_id, "token": token, "key": named, "birth_year": sealed, "version": version}
    return Write(_CORRECT, values)


async def birth_years_of(unit: UnitOfWork, person_ids: Collection[UUID]) -> dict[UUID, int]:
    """The years in which those of these persons were born who are within reach and were not erased, by one statement.

    `Unsealed` if one does not stand where it was sealed.
    """
    rows = await unit.rows(_OF, person_ids=list(person_ids)) if person_ids else []
    sealed = [row for row in rows if row["in_clear"] is None]
    if any(row["wrapped"] is None for row in sealed):
        raise Unsealed
    keys = await unit.keys.unwrapped(sealed)
    return {
        **{row["person_id"]: row["in_clear"] for row in rows if row["in_clear"] is not None},
        **{row["person_id"]: _year(keys[row["person_id"], row["person_id"]], dict(row)) for row in sealed},
    }


async def all_are_sealed(unit: UnitOfWork) -> None:
    """Raises `Busy` while years of before still wait to be sealed: whoever searches would be told that somebody is not there."""
    if await unit.row(_SOME_IN_CLEAR) is not None:
        raise Busy


async def with_birth_years(unit: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """These rows about persons, each by its column ``id``, with the year of birth; whoever was erased meanwhile is left out."""
    years = await birth_years_of(unit, [row["id"] for row in rows])
    return [{**row, "birth_year": years[row["id"]]} for row in rows if row["id"] in years]


async def tokens_between(index: IndexKeys, first: int, last: int) -> list[bytes]:
    """By which hashes those are found who were born in these years, under every key under which one may stand."""
    terms = [_term(year) for year in range(first, last + 1)]
    return [token for key in await index.live() for token in await tokens_of(index, key, terms)]


async def hash_years_anew(unit: UnitOfWork, keys: PersonKeys, most: int = 500) -> int:
    """Hashes years anew under the current index key; says of how many persons. As `finding.hash_anew` else."""
    key = await keys.index.current()
    stale = [row["person_id"] for row in await unit.rows(_UNDER_OTHER_KEYS, key=key, most=most)]
    if not stale:
        return 0
    years = await birth_years_of(unit, stale)
    tokens = await tokens_of(keys.index, key, [_term(year) for year in years.values()])
    unit.write(Write(_HASH, {"key": key, "person_ids": list(years), "tokens": tokens}, len(years)))
    return len(stale)


async def seal_first(unit: UnitOfWork, most: int = 100) -> int:
    """Seals years that were kept in clear before they were sealed; says of how many persons, 0 once none is left."""
    keys = unit.keys
    rows = await unit.rows(_IN_CLEAR, most=most)
    if not rows:
        return 0
    sealed, tokens, named = [], [], []
    for row in rows:
        key = await keys.made_key(unit, row["person_id"])
        name, token = await hashed_now(keys.index, row["birth_year"])
        sealed.append(_sealed(key, row["birth_year"], row["salt"]))
        tokens.append(token)
        named.append(name)
    person_ids = [row["person_id"] for row in rows]
    values = {"person_ids": person_ids, "tokens": tokens, "keys": named, "birth_years": sealed}
    unit.write(Write(_KEEP, values, len(rows)), Write(_SEALED, {"person_ids": person_ids}, len(rows)))
    return len(rows)


def told(key: PersonKey, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The year, for the person themselves; `Unsealed` if it does not stand where it was sealed."""
    return {"birth_year": _year(key, row)}


async def hashed_now(index: IndexKeys, birth_year: int) -> tuple[str, bytes]:
    """The key of the index at this moment, and the hash of the year under it."""
    key = await index.current()
    (token,) = await tokens_of(index, key, [_term(birth_year)])
    return key, token


def _sealed(key: PersonKey, birth_year: int, salt: str | None, version: int = _REGISTRATION) -> bytes:
    # With the salt the person can prove that it is the year of which the log holds a digest.
    return seal(key, _place(key.person_id, version), json.dumps([birth_year, salt]))


def _year(key: PersonKey, row: Mapping[str, Any]) -> int:
    year: int = json.loads(opened(key, _place(key.person_id, row["version"]), bytes(row["birth_year"])))[0]
    return year


def _place(person_id: UUID, version: int) -> Place:
    return Place("counselling", _TABLE, "birth_year", person_id, person_id, version)


def _term(birth_year: int) -> Term:
    return Term("birth year", str(birth_year), _BITS)


CHECKS: tuple[Check, ...] = (
    Check(
        "birth years",
        Sql(
            "SELECT coalesce(p.id, b.person_id) FROM (SELECT id, country_of_origin, sex FROM persons WHERE erased_at IS NULL "
            "AND id NOT IN (SELECT person_id FROM birth_years_in_clear)) p FULL JOIN birth_years b "
            "ON b.person_id = p.id AND b.country_of_origin = p.country_of_origin AND b.sex = p.sex "
            "WHERE p.id IS NULL OR b.person_id IS NULL"
        ),
    ),
    Check(
        "corrected birth years",
        Sql(
            "SELECT coalesce(b.person_id, e.subject) FROM (SELECT person_id, version FROM birth_years "
            f"WHERE person_id = {ASKED} AND version > 1) b FULL JOIN (SELECT subject, max(aggver) AS aggver "
            f"FROM {LOG_OF_ASKED} e WHERE type = '{BirthYearCorrected.kind}' "
            f"AND subject NOT IN (SELECT id FROM persons WHERE id = {ASKED} AND erased_at IS NOT NULL) "
            "GROUP BY subject) e ON e.subject = b.person_id AND e.aggver = b.version "
            "WHERE b.person_id IS NULL OR e.subject IS NULL"
        ),
        by_id=True,
    ),
)
