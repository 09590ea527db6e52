"""Where the files of evidence are kept, sealed: written with the event that files them, read piece by piece."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from shared.db import Sql, UnitOfWork, Write
from shared.sealing import FileSeal, Opener, Unsealed
from shared.verify import Check

# The country is the grant's, so that row security opens a file to whom it opens the grant.
_KEEP_FILE = Sql(
    "INSERT INTO evidence_files (evidence_id, grant_id, destination_country, wrapped_key, pieces) "
    "SELECT cast(:evidence_id AS uuid), id, destination_country, cast(:wrapped_key AS bytea), cast(:pieces AS integer) "
    "FROM grants WHERE id = :grant_id"
)
_KEEP_PIECES = Sql(
    "INSERT INTO evidence_pieces (evidence_id, number, destination_country, sealed) "
    "SELECT cast(:evidence_id AS uuid), piece.number - 1, g.destination_country, piece.sealed FROM grants g, "
    "unnest(cast(:sealed AS bytea[])) WITH ORDINALITY piece(sealed, number) WHERE g.id = :grant_id"
)
_FILE = Sql("SELECT wrapped_key, pieces FROM evidence_files WHERE evidence_id = :evidence_id AND grant_id = :grant_id")
_PIECE = Sql("SELECT sealed FROM evidence_pieces WHERE evidence_id = :evidence_id AND number = :number")

Asking = Callable[[Callable[[UnitOfWork], Awaitable[bytes]]], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that was found: what opens it, and how many pieces it has."""

    evidence_id: UUID
    opener: Opener
    pieces: int


def kept(grant_id: UUID, evidence_id: UUID, content: bytes, seal: FileSeal) -> Sequence[Write]:
    """The writes that keep a file beside the event that files it."""
    sealed = seal.sealed(_belongs_to(grant_id, evidence_id), content)
    ids = {"evidence_id": evidence_id, "grant_id": grant_id}
    return (
        Write(_KEEP_FILE, {**ids, "wrapped_key": sealed.wrapped_key, "pieces": len(sealed.pieces)}),
        Write(_KEEP_PIECES, {**ids, "sealed": list(sealed.pieces)}, len(sealed.pieces)),
    )


async def found(unit: UnitOfWork, grant_id: UUID, evidence_id: UUID, seal: FileSeal) -> KeptFile:
    """The file of a grant's evidence; `Unsealed` if it is not there as it was kept."""
    row = await unit.row(_FILE, grant_id=grant_id, evidence_id=evidence_id)
    if row is None:
        raise Unsealed
    opener = seal.opener(_belongs_to(grant_id, evidence_id), bytes(row["wrapped_key"]), row["pieces"])
    return KeptFile(evidence_id, opener, row["pieces"])


async def read_out(file: KeptFile, expected_sha256: str, ask: Asking) -> AsyncIterator[bytes]:
    """The content piece by piece, each proven before it is handed out, the last one only if all of them are the file.

    ``ask`` runs a question in a transaction of the reader's. Raises `Unsealed`.
    """
    hashed = sha256()
    for number in range(file.pieces):

        async def piece(unit: UnitOfWork, number: int = number) -> bytes:
            row = await unit.row(_PIECE, evidence_id=file.evidence_id, number=number)
            if row is None:
                raise Unsealed
            return bytes(row["sealed"])

        content = file.opener.piece(await ask(piece))
        hashed.update(content)
        if number == file.pieces - 1 and hashed.hexdigest() != expected_sha256:
            raise Unsealed
        yield content


def _belongs_to(grant_id: UUID, evidence_id: UUID) -> tuple[bytes, bytes]:
    return grant_id.bytes, evidence_id.bytes


CHECKS: tuple[Check, ...] = (
    Check(
        "files of evidence",
        Sql(
            "SELECT coalesce(f.evidence_id, e.evidence_id) FROM evidence_files f FULL JOIN "
            "(SELECT g.id AS grant_id, g.destination_country, cast(e ->> 'evidence_id' AS uuid) AS evidence_id "
            "FROM grants g, jsonb_array_elements(g.evidence) e) e "
            "ON e.evidence_id = f.evidence_id AND e.grant_id = f.grant_id AND e.destination_country = f.destination_country "
            "WHERE f.evidence_id IS NULL OR e.evidence_id IS NULL"
        ),
    ),
    Check(
        "pieces of evidence",
        Sql(
            "SELECT coalesce(f.evidence_id, p.evidence_id) FROM evidence_files f FULL JOIN (SELECT evidence_id, "
            "count(*) AS pieces, max(number) AS last, min(destination_country) AS one, max(destination_country) AS other "
            "FROM evidence_pieces GROUP BY evidence_id) p ON p.evidence_id = f.evidence_id "
            "WHERE f.evidence_id IS NULL OR p.evidence_id IS NULL OR p.pieces <> f.pieces OR p.last <> f.pieces - 1 "
            "OR p.one <> f.destination_country OR p.other <> f.destination_country"
        ),
    ),
)
