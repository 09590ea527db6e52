"""Many persons at once, as commands would have left them: each a copy of one who was registered, with events of their own."""

import asyncpg

# Each with the subject's and the event's own ids in place of those of the person who is copied.
_PEOPLE = """
CREATE TEMP TABLE people AS
    SELECT number, (lpad(to_hex(number + 1), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid AS id
    FROM generate_series({first}::bigint, {last}::bigint) number
"""
_ROWS = """
INSERT INTO persons SELECT (jsonb_populate_record(p, jsonb_build_object('id', people.id))).*
FROM people, (SELECT p FROM persons p WHERE p.id = $1) one(p)
"""
_EVENTS = """
INSERT INTO event_log (idx, id, type, subject, aggver, leaf, leaf_hash)
SELECT idx, id, type, subject, aggver, leaf, sha256('\\x00'::bytea || leaf) FROM (
    SELECT (SELECT size FROM log_head) + row_number() OVER () - 1 AS idx, made.id, e.type, people.id AS subject, e.aggver,
        convert_to(replace(replace(convert_from(e.leaf, 'UTF8'), $1::text, people.id::text), e.id::text, made.id::text), 'UTF8') AS leaf
    FROM people CROSS JOIN event_log e
    CROSS JOIN LATERAL (SELECT (lpad(to_hex(e.aggver), 8, '0') || '-0000-7000-9000-' || lpad(to_hex(people.number), 12, '0'))::uuid) made(id)
    WHERE e.subject = $1::text::uuid
) made
"""
_HEAD = "UPDATE log_head SET size = (SELECT max(idx) + 1 FROM event_log)"


async def copy_person(superuser: "asyncpg.Connection[asyncpg.Record]", person_id: object, first: int, last: int) -> None:
    """Registers copies of a person, numbered from the first to the last, in one transaction, past every trigger."""
    async with superuser.transaction():
        await superuser.execute("SET LOCAL session_replication_role = replica")
        await superuser.execute(_PEOPLE.format(first=first, last=last))
        await superuser.execute(_ROWS, person_id, timeout=600)
        await superuser.execute(_EVENTS, str(person_id), timeout=600)
        await superuser.execute(_HEAD)
        await superuser.execute("DROP TABLE people")
