"""How people are found at all sites by a document, or by the sound of a name and a year of birth, without a list of names.

What is asked of the database are hashes under a key that it does not have. Of whoever may be meant so many are opened at
most, compared in memory and shown masked; nothing that was looked for is kept or told to the log.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.counselling import identities
from services.counselling.birth_years import all_are_sealed, birth_years_of, tokens_between, with_birth_years
from services.counselling.domain.identity import Identity, RecordIdentity, Shown, emptied_by, shown, texts_of
from services.counselling.domain.search import (
    MOST_CANDIDATES,
    SEARCHED,
    PersonSearch,
    has_document,
    score,
    sounds_alike,
    terms_kept,
    terms_sought,
    told,
    years_sought,
)
from services.counselling.queries import COUNSELS, DATA_CONSENT, PersonRow
from shared.blind_index import IndexKeys, Term, tokens_of
from shared.contracts.counselling import IdentityField
from shared.db import Sql, UnitOfWork, Write
from shared.private import PersonKeys
from shared.verify import Check

# What stands in the same statement sees the rows as they were before it: what stays is not deleted, but written over.
_FORGET = Sql(
    "DELETE FROM search_tokens t WHERE t.person_id = ANY (cast(:person_ids AS uuid[])) "
    "AND t.field = ANY (cast(:fields AS text[])) AND NOT EXISTS (SELECT FROM unnest(cast(:whose AS uuid[]), "
    " cast(:of AS text[]), cast(:tokens AS bytea[])) kept(person_id, field, token) "
    " WHERE kept.person_id = t.person_id AND kept.field = t.field AND kept.token = t.token)"
)
_KEEP = Sql(
    "INSERT INTO search_tokens (person_id, field, token, key) SELECT kept.person_id, kept.field, kept.token, "
    "cast(:key AS text) FROM unnest(cast(:whose AS uuid[]), cast(:of AS text[]), cast(:tokens AS bytea[])) "
    "kept(person_id, field, token) ON CONFLICT (person_id, field, token) DO UPDATE SET key = excluded.key"
)
_UNDER_OTHER_KEYS = Sql(
    "(SELECT person_id FROM search_tokens WHERE key < :key ORDER BY key LIMIT :most) UNION "
    "(SELECT person_id FROM search_tokens WHERE key > :key ORDER BY key LIMIT :most)"
)
# Nobody corrects who these are, or when they were born, until they are found by what is read now.
_HELD = Sql("SELECT id FROM persons WHERE id = ANY (cast(:person_ids AS uuid[])) ORDER BY id FOR UPDATE")
# Whose identity was recorded before there were hashes, or has nothing that can be hashed: walked by id, since those stay.
_WITHOUT_HASHES = Sql(
    "SELECT p.id FROM persons p WHERE p.id > :after AND EXISTS (SELECT FROM identities i WHERE i.person_id = p.id) "
    "AND NOT EXISTS (SELECT FROM search_tokens t WHERE t.person_id = p.id) ORDER BY p.id LIMIT :most"
)
# Who has the document comes first, then who has more of the words, and these as a family name. Many hashes of names are
# shared by chance: the hash of the year of birth, which is cut by nothing, takes most of those away before anything is opened.
CANDIDATES = Sql(
    "WITH hit AS (SELECT person_id, field, token, true AS of_document FROM search_tokens "
    "  WHERE token = ANY (cast(:documents AS bytea[])) "
    # From the hashes to the years and never the other way, whatever the planner thinks of years: so many are born in one.
    " UNION ALL SELECT t.person_id, t.field, t.token, false FROM search_tokens t CROSS JOIN LATERAL (SELECT FROM birth_years b "
    "  WHERE b.person_id = t.person_id AND b.token = ANY (cast(:years AS bytea[])) OFFSET 0) born "
    "  WHERE t.token = ANY (cast(:names AS bytea[]))), "
    "candidate AS (SELECT person_id, bool_or(of_document) AS of_document, count(DISTINCT token) AS words, "
    "  bool_or(field LIKE 'family%') AS family FROM hit GROUP BY person_id "
    " ORDER BY of_document DESC, words DESC, family DESC, person_id LIMIT :limit) "
    f"SELECT p.id, p.sex, p.country_of_origin, p.site, {DATA_CONSENT}, p.registered_at, c.of_document, "
    "(SELECT f.family_id FROM family_members f WHERE f.person_id = p.id) AS family_id, "
    f"{COUNSELS} AS counsels FROM candidate c JOIN persons p ON p.id = c.person_id "
    "ORDER BY c.of_document DESC, c.words DESC, c.family DESC, c.person_id"
)


class Candidate(PersonRow):
    """Somebody who may be meant, shown as far as this reader may see; ``score`` is how alike the names are, in tens.

    ``by`` says whether the document is the one that was looked for, or only the name may be; by a document alone the score
    is 100.
    """

    by: Literal["document", "name"]
    score: int
    shown: Shown
    identity: Identity


class Candidates(BaseModel):
    """Who may be meant, the most alike first; ``more`` is whether there were others, so that more has to be said."""

    items: list[Candidate]
    more: bool


def replaced(
    index: IndexKeys, person_id: UUID, command: RecordIdentity
) -> Callable[[UnitOfWork], Awaitable[Sequence[Write]]]:
    """What a person is found by from now on in place of before, beside what a command states or empties."""

    async def writes(unit: UnitOfWork) -> Sequence[Write]:
        texts = texts_of(command)
        fields = [field for field in SEARCHED if field in texts or field in emptied_by(command)]
        years = await birth_years_of(unit, [person_id]) if fields and await is_held(unit, person_id) else {}
        return await _replacing(index, fields, {person_id: terms_kept(years[person_id], texts)}) if years else ()

    return writes


async def is_held(unit: UnitOfWork, person_id: UUID) -> bool:
    """Keeps others from changing this person until the transaction ends; False if nobody within reach is that person."""
    return bool(await unit.rows(_HELD, person_ids=[person_id]))


async def under_another_year(unit: UnitOfWork, keys: PersonKeys, person_id: UUID, birth_year: int) -> Sequence[Write]:
    """The writes by which a person is found by the same names with another year of birth; `Unsealed` as for a reading."""
    known = await identities.latest_texts(unit, keys, [person_id])
    terms = {id: terms_kept(birth_year, texts) for id, texts in known.items()}
    return await _replacing(keys.index, SEARCHED, terms) if terms else ()


async def hash_anew(unit: UnitOfWork, keys: PersonKeys, most: int = 200) -> int:
    """Hashes anew under the current index key by what persons are found under others; says of how many persons.

    None left, and the longest request since the rotation over: then the former key can be destroyed. The transaction's
    scope has to be that of somebody who may reach every person. `Unsealed` as for a reading.
    """
    stale = await unit.rows(_UNDER_OTHER_KEYS, key=await keys.index.current(), most=most)
    return await _hashed(unit, keys, [row["person_id"] for row in stale])


async def hash_first(unit: UnitOfWork, keys: PersonKeys, after: UUID, most: int = 200) -> UUID | None:
    """Gives hashes to those without any who follow this person by id; the answer is the last looked at, None if none was.

    As `hash_anew` for the transaction's scope and what it raises.
    """
    rows = await unit.rows(_WITHOUT_HASHES, after=after, most=most)
    await _hashed(unit, keys, [row["id"] for row in rows])
    return rows[-1]["id"] if rows else None


async def _hashed(unit: UnitOfWork, keys: PersonKeys, person_ids: Sequence[UUID]) -> int:
    held = await unit.rows(_HELD, person_ids=person_ids) if person_ids else []
    if not held:
        return 0
    known = await identities.latest_texts(unit, keys, [row["id"] for row in held])
    years = await birth_years_of(unit, known.keys())
    terms = {row["id"]: terms_kept(years[row["id"]], known[row["id"]]) if row["id"] in years else {} for row in held}
    unit.write(*await _replacing(keys.index, SEARCHED, terms))
    return len(held)


async def _replacing(
    index: IndexKeys, fields: Sequence[IdentityField], terms: Mapping[UUID, Mapping[IdentityField, Sequence[Term]]]
) -> Sequence[Write]:
    """The writes by which these persons are found by these terms, and by nothing else of these fields."""
    every = [
        (person_id, field, term) for person_id, of in terms.items() for field, some in of.items() for term in some
    ]
    key = await index.current()
    tokens = await tokens_of(index, key, [term for _, _, term in every])
    # Two sounds may share a hash.
    rows = sorted({(person_id, field, token) for (person_id, field, _), token in zip(every, tokens, strict=True)})
    values = {
        "whose": [person_id for person_id, _, _ in rows], "of": [field for _, field, _ in rows],
        "tokens": [token for _, _, token in rows],
    }  # fmt: skip
    forget = Write(_FORGET, {**values, "person_ids": list(terms), "fields": list(fields)}, None)
    return (forget, Write(_KEEP, {**values, "key": key}, len(rows))) if rows else (forget,)


async def found(unit: UnitOfWork, keys: PersonKeys, search: PersonSearch, actor_id: str, today: date) -> Candidates:
    """Whoever may be meant, at all sites, as far as this reader is shown them on this day.

    `Unsealed` if anything of them does not stand where it was sealed; `RuleViolation` if nothing is looked for; and as
    `all_are_sealed`.
    """
    documents, names = terms_sought(search)
    await all_are_sealed(unit)
    sought = {"documents": await _tokens(keys.index, documents), "names": await _tokens(keys.index, names)}
    years = await tokens_between(keys.index, *years_sought(search.name)) if search.name else []
    hits = await unit.rows(CANDIDATES, **sought, years=years, limit=MOST_CANDIDATES + 1, actor_id=actor_id, today=today)
    more, rows = len(hits) > MOST_CANDIDATES, await with_birth_years(unit, [dict(hit) for hit in hits[:MOST_CANDIDATES]])
    known = await identities.latest(unit, keys, [row["id"] for row in rows])
    ranked: list[tuple[tuple[bool, float, int, UUID], Candidate]] = []
    for row in rows:
        identity = known.get(row["id"])
        if identity is None:
            continue
        by_document = search.document is not None and has_document(identity, search.document)
        # Who only shares a hash with whom is looked for is shown to nobody.
        if not by_document and not (search.name and sounds_alike(identity, search.name)):
            continue
        exact = score(identity, search.name) if search.name else 100.0
        away = abs(row["birth_year"] - search.name.birth_year) if search.name else 0
        how_far: Shown = "names" if row["counsels"] else "masked"
        candidate = Candidate(
            **PersonRow.model_validate(row).model_dump(), by="document" if by_document else "name", score=told(exact),
            shown=how_far, identity=shown(identity, how_far),
        )  # fmt: skip
        ranked.append(((not by_document, -exact, away, row["id"]), candidate))
    return Candidates(items=[candidate for _, candidate in sorted(ranked, key=lambda one: one[0])], more=more)


async def _tokens(index: IndexKeys, terms: Sequence[Term]) -> list[bytes]:
    """The hashes of these terms under every key under which something may stand."""
    return [token for key in await index.live() for token in await tokens_of(index, key, terms)] if terms else []


CHECKS: tuple[Check, ...] = (
    Check(
        "search tokens",
        Sql(
            "SELECT t.person_id FROM search_tokens t LEFT JOIN persons p ON p.id = t.person_id "
            "AND t.field = ANY (p.identity_fields) WHERE p.id IS NULL"
        ),
    ),
)
