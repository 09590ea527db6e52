"""Where the sealed files of a service are kept: written with the event that files them, read piece by piece."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

from shared.db import Sql, UnitOfWork, Write
from shared.sealing import FileSeal, Opener, Unsealed
from shared.verify import Check

Asking = Callable[[Callable[[UnitOfWork], Awaitable[bytes]]], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that was found: what opens it, and how many pieces it has."""

    file_id: UUID
    opener: Opener
    pieces: int


class KeptFiles:
    """The files that belong to the rows of one table, in two tables of their own: the keys, and the pieces.

    ``within`` is the owner's column by which row security opens a file to whom it opens its owner. The pieces of a
    person's files say whose they are as well.
    """

    def __init__(
        self, name: str, files: str, pieces: str, *, file_id: str, owners: str, owner_id: str, within: str
    ) -> None:
        self._name = name
        self._files, self._pieces, self._file_id, self._owner_id, self._within = files, pieces, file_id, owner_id, within
        of_owner = owner_id if owner_id == "person_id" else None
        column, value = (f"{of_owner}, ", "o.id, ") if of_owner else ("", "")
        self._keep_file: Final = Sql(
            f"INSERT INTO {files} ({file_id}, {owner_id}, {within}, wrapped_key, pieces) "
            f"SELECT cast(:file_id AS uuid), id, {within}, cast(:wrapped_key AS bytea), cast(:pieces AS integer) "
            f"FROM {owners} WHERE id = :owner_id"
        )
        self._keep_pieces: Final = Sql(
            f"INSERT INTO {pieces} ({file_id}, number, {column}{within}, sealed) "
            f"SELECT cast(:file_id AS uuid), piece.number - 1, {value}o.{within}, piece.sealed FROM {owners} o, "
            "unnest(cast(:sealed AS bytea[])) WITH ORDINALITY piece(sealed, number) WHERE o.id = :owner_id"
        )
        self._file: Final = Sql(
            f"SELECT wrapped_key, pieces FROM {files} WHERE {file_id} = :file_id AND {owner_id} = :owner_id"
        )
        self._piece: Final = Sql(f"SELECT sealed FROM {pieces} WHERE {file_id} = :file_id AND number = :number")

    def kept(self, owner_id: UUID, file_id: UUID, content: bytes, seal: FileSeal) -> Sequence[Write]:
        """The writes that keep a file beside the event that files it."""
        sealed = seal.sealed(belongs_to(owner_id, file_id), content)
        ids = {"file_id": file_id, "owner_id": owner_id}
        return (
            Write(self._keep_file, {**ids, "wrapped_key": sealed.wrapped_key, "pieces": len(sealed.pieces)}),
            Write(self._keep_pieces, {**ids, "sealed": list(sealed.pieces)}, len(sealed.pieces)),
        )

    async def found(self, unit: UnitOfWork, owner_id: UUID, file_id: UUID, seal: FileSeal) -> KeptFile:
        """A file of this owner; `Unsealed` if it is not there as it was kept."""
        row = await unit.row(self._file, owner_id=owner_id, file_id=file_id)
        if row is None:
            raise Unsealed
        return opened(owner_id, file_id, bytes(row["wrapped_key"]), row["pieces"], seal)

    async def read_out(self, file: KeptFile, expected_sha256: str, ask: Asking) -> AsyncIterator[bytes]:
        """The content piece by piece, each proven before it is handed out, the last one only if all of them are the file.

        ``ask`` runs a question in a transaction of the reader's. Raises `Unsealed`.
        """
        hashed = sha256()
        for number in range(file.pieces):

            async def piece(unit: UnitOfWork, number: int = number) -> bytes:
                row = await unit.row(self._piece, file_id=file.file_id, number=number)
                if row is None:
                    raise Unsealed
                return bytes(row["sealed"])

            content = file.opener.piece(await ask(piece))
            hashed.update(content)
            if number == file.pieces - 1 and hashed.hexdigest() != expected_sha256:
                raise Unsealed
            yield content

    def checks(self, listed: str) -> tuple[Check, ...]:
        """That there is exactly one whole file for each that is listed.

        ``listed`` selects ``file_id``, ``owner_id`` and the owner's ``within`` of those that events filed.
        """
        one, same = f"f.{self._file_id}", f"e.file_id = f.{self._file_id} AND e.owner_id = f.{self._owner_id}"
        return (
            Check(
                f"files of {self._name}",
                Sql(
                    f"SELECT coalesce({one}, e.file_id) FROM {self._files} f FULL JOIN ({listed}) e "
                    f"ON {same} AND e.within = f.{self._within} WHERE {one} IS NULL OR e.file_id IS NULL"
                ),
            ),
            Check(
                f"pieces of {self._name}",
                Sql(
                    f"SELECT coalesce({one}, p.{self._file_id}) FROM {self._files} f FULL JOIN (SELECT {self._file_id}, "
                    f"count(*) AS pieces, max(number) AS last, min({self._within}) AS one, max({self._within}) AS other "
                    f"FROM {self._pieces} GROUP BY {self._file_id}) p ON p.{self._file_id} = {one} "
                    f"WHERE {one} IS NULL OR p.{self._file_id} IS NULL OR p.pieces <> f.pieces OR p.last <> f.pieces - 1 "
                    f"OR p.one <> f.{self._within} OR p.other <> f.{self._within}"
                ),
            ),
        )


def opened(owner_id: UUID, file_id: UUID, wrapped_key: bytes, pieces: int, seal: FileSeal) -> KeptFile:
    """A file as it is kept, with what opens it; `Unsealed` if its key was not wrapped for this place."""
    return KeptFile(file_id, seal.opener(belongs_to(owner_id, file_id), wrapped_key, pieces), pieces)


def belongs_to(owner_id: UUID, file_id: UUID) -> tuple[bytes, bytes]:
    """What a file's key and pieces are bound to."""
    return owner_id.bytes, file_id.bytes
