"""Where the files of evidence are kept, sealed: written with the event that files them, read piece by piece."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.reintegration.attempt_tables import erased_in, paid_when_erased
from shared.db import Sql, UnitOfWork, Write
from shared.kept_files import KeptFile, KeptFiles, belongs_to, opened
from shared.private import PersonKey, PersonKeys
from shared.sealing import FileSeal, Unsealed
from shared.verify import ASKED, Check

# The country is the grant's, so that row security opens a file to whom it opens the grant.
EVIDENCE: Final = KeptFiles(
    "evidence", "evidence_files", "evidence_pieces", file_id="evidence_id", owners="grants", owner_id="grant_id",
    within="destination_country",
)  # fmt: skip
_FILE = Sql(
    "INSERT INTO evidence_files (evidence_id, grant_id, destination_country, wrapped_key, pieces) "
    "SELECT cast(:evidence_id AS uuid), id, destination_country, cast(:wrapped_key AS bytea), cast(:pieces AS integer) "
    "FROM grants WHERE id = :grant_id"
)
_KEEP_PIECES = Sql(
    "INSERT INTO evidence_pieces (evidence_id, number, destination_country, sealed) "
    "SELECT cast(:evidence_id AS uuid), piece.number - 1, g.destination_country, piece.sealed FROM grants g, "
    "unnest(cast(:sealed AS bytea[])) WITH ORDINALITY piece(sealed, number) WHERE g.id = :grant_id"
)
_FILE = Sql(
    "SELECT f.wrapped_key, f.pieces, f.sealed_under, g.person_id FROM evidence_files f JOIN grants g ON g.id = f.grant_id "
    "WHERE f.evidence_id = :evidence_id AND f.grant_id = :grant_id"
)
# Papers that were filed before each grant had a key of its own.
_OF_THE_SERVICE = Sql(
    "SELECT f.evidence_id, f.grant_id, f.wrapped_key, g.person_id FROM evidence_files f JOIN grants g ON g.id = f.grant_id "
    "WHERE f.sealed_under = 'service' ORDER BY f.evidence_id LIMIT :most"
)
_WRAP_ANEW = Sql(
    "UPDATE evidence_files SET wrapped_key = :wrapped_key, sealed_under = 'grant' "
    "WHERE evidence_id = :evidence_id AND sealed_under = 'service'"
)
# What row security shows to an auditor of a release, to whom the grant itself is not shown there.
_RELEASED = Sql(
    "SELECT wrapped_key, pieces, sealed_under FROM evidence_files WHERE evidence_id = :evidence_id AND grant_id = :grant_id"
)
_PRESENT = Sql("SELECT evidence_id FROM evidence_files WHERE grant_id = ANY (cast(:grant_ids AS uuid[]))")
_ERASED = Sql("SELECT true AS erased FROM grants g JOIN persons p ON p.id = g.person_id WHERE g.id = :grant_id")


async def found(
    unit: UnitOfWork, grant_id: UUID, evidence_id: UUID, keys: PersonKeys, of_the_service: FileSeal | None
) -> KeptFile | None:
    """The file of a grant's evidence; None if it went with the person or after. `Unsealed` if it is not there as it was kept.

    ``of_the_service`` opens what was filed before each grant had a key of its own.
    """
    row = await unit.row(_FILE, grant_id=grant_id, evidence_id=evidence_id)
    if row is None:
        if await unit.row(_ERASED, grant_id=grant_id) is not None:
            return None
        raise Unsealed
    if row["sealed_under"] == "service":
        seal = of_the_service
    else:
        key = await keys.key_of(unit, row["person_id"], grant_id)
        seal = key.files() if key is not None else None
    if seal is None:
        raise Unsealed
    return opened(grant_id, evidence_id, bytes(row["wrapped_key"]), row["pieces"], seal)


async def released(
    unit: UnitOfWork, grant_id: UUID, evidence_id: UUID, key: PersonKey | None, of_the_service: FileSeal | None
) -> KeptFile | None:
    """The file as row security shows it to whom it was released, opened by the key of the grant's papers; None if it is not there."""
    row = await unit.row(_RELEASED, grant_id=grant_id, evidence_id=evidence_id)
    if row is None:
        return None
    seal = of_the_service if row["sealed_under"] == "service" else key.files() if key is not None else None
    if seal is None:
        raise Unsealed
    return opened(grant_id, evidence_id, bytes(row["wrapped_key"]), row["pieces"], seal)


async def present(unit: UnitOfWork, grant_ids: Collection[UUID]) -> frozenset[UUID]:
    """The papers of these grants of which the file is kept; the others went with their persons."""
    return frozenset(row["evidence_id"] for row in await unit.rows(_PRESENT, grant_ids=list(grant_ids)))


async def is_erased(unit: UnitOfWork, grant_id: UUID) -> bool:
    """Whether the person of a grant was erased, so that of its papers only those are kept that have to be."""
    return await unit.row(_ERASED, grant_id=grant_id) is not None


async def wrap_anew(unit: UnitOfWork, keys: PersonKeys, of_the_service: FileSeal, most: int = 100) -> int:
    """Wraps the keys of files that the service's key wraps under those of their grants, at most so many; says how many."""
    rows = await unit.rows(_OF_THE_SERVICE, most=most)
    for row in rows:
        key = await keys.made_key(unit, row["person_id"], row["grant_id"])
        place = belongs_to(row["grant_id"], row["evidence_id"])
        wrapped = of_the_service.wrapped_anew(place, bytes(row["wrapped_key"]), key.files())
        unit.write(Write(_WRAP_ANEW, {"evidence_id": row["evidence_id"], "wrapped_key": wrapped}))
    return len(rows)


# What goes and what is kept was decided once, by what had been paid then: money moves afterwards as well.
_PAID_WHEN_ERASED: Final = paid_when_erased("p", "g")

CHECKS: tuple[Check, ...] = (
    *EVIDENCE.checks(
        "SELECT cast(e ->> 'evidence_id' AS uuid) AS file_id, g.id AS owner_id, g.destination_country AS within "
        "FROM grants g, jsonb_array_elements(g.evidence) e "
        # What nobody had been paid for went with the person, and the rest when its time is over.
        f"WHERE NOT EXISTS (SELECT FROM persons p WHERE p.id = g.person_id AND (NOT {_PAID_WHEN_ERASED} OR p.kept_ended_on IS NOT NULL))"
    ),
    Check(
        "keys of evidence",
        Sql(
            "SELECT f.evidence_id FROM evidence_files f JOIN grants g ON g.id = f.grant_id LEFT JOIN persons p "
            "ON p.id = g.person_id LEFT JOIN person_keys k ON k.person_id = g.person_id AND k.about = g.id "
            "WHERE (f.sealed_under = 'grant' AND k.about IS NULL) OR (p.id IS NOT NULL AND k.keep_until IS DISTINCT FROM "
            "p.kept_until AND k.about IS NOT NULL) "
            "UNION ALL SELECT k.about FROM person_keys k JOIN persons p ON p.id = k.person_id "
            "WHERE k.keep_until IS NULL OR p.kept_ended_on IS NOT NULL"
        ),
    ),
    Check(
        "kinds of papers",
        Sql(
            "SELECT g.id FROM grants g CROSS JOIN LATERAL (SELECT id, kept_ended_on FROM persons WHERE id = g.person_id OFFSET 0) p "
            f"WHERE g.id = {ASKED} AND (NOT {_PAID_WHEN_ERASED} OR p.kept_ended_on IS NOT NULL) AND (jsonb_path_exists(g.evidence, '$[*] ? (@.kind != null || exists (@.sealed))') "
            # What stood against a payment that was made later is told beside it.
            "OR EXISTS (SELECT FROM event_log e WHERE e.subject = g.id AND EXISTS (SELECT FROM disclosure d WHERE d.event_id = e.id "
            f"AND (e.idx < {erased_in('p')} OR d.path <> 'stood_against') OFFSET 0) OFFSET 0))"
        ),
        by_id=True,
    ),
)
