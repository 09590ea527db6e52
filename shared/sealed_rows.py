"""Which parts of an aggregate's row stand in it sealed, and how they get there and back (`shared.row_keys`)."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final, cast
from uuid import UUID

from shared.row_keys import Opening, RowKey, is_sealed, place

JsonObject = Mapping[str, object]

# Under this key an element holds what of it is sealed.
SEALED: Final = "sealed"


def _never(_: JsonObject) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Gone:
    """Whether this is known no more of an element, as whom it is about was erased: then there is nothing to seal."""

    name: str

    def __call__(self, one: JsonObject) -> bool:
        """Whether this element is such."""
        return self.name in one and one[self.name] is None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A part of a state that its row keeps sealed: what the aggregate's events conceal of it.

    It is a column of text as a whole; or, with ``keys``, of each element of a column of parts (or of the one part that it is)
    the values under these keys, sealed together. An element is known by what it has under ``whose``. One that is ``public``
    is kept as it is: the log says the same. ``least`` is to how many bytes what is sealed is filled up, so that its length does
    not tell what it is; a column that is ``checked`` is handed to the database in clear as it is written.
    """

    column: str
    keys: tuple[str, ...] = ()
    whose: str = ""
    public: Callable[[JsonObject], bool] = _never
    least: int = 128
    checked: bool = False


@dataclass(frozen=True, slots=True)
class SealedParts:
    """The sealed parts of the rows of one table of a service."""

    service: str
    table: str
    parts: Sequence[Sealed]

    def seal(self, key: RowKey, id: UUID, version: int, row: JsonObject) -> dict[str, object]:
        """The row as it is kept as this version."""
        kept = dict(row)
        for part in self.parts:
            value = row[part.column]
            if part.keys and value is not None:
                kept[part.column] = _each(value, partial(self._sealed, key, id, version, part))
            elif value is not None:
                kept[part.column] = key.seal(place(self.service, self.table, part.column, id, "", version), str(value))
        return kept

    def open(self, opening: Opening, id: UUID, version: int, row: JsonObject) -> dict[str, object]:
        """The row as it was handed to `seal`; what stands in clear, as all did before it was sealed, is left so.

        `Unsealed` if one part does not stand where it was sealed. The row needs no more than some of the columns.
        """
        told = dict(row)
        for part in self.parts:
            value = row.get(part.column)
            if part.keys and value is not None:
                told[part.column] = _each(value, partial(self._opened, opening, id, version, part))
            elif is_sealed(value):
                bound = place(self.service, self.table, part.column, id, "", version)
                told[part.column] = opening.text(bound, str(value))
        return told

    def are_under(self, key: RowKey, row: JsonObject) -> bool:
        """Whether all of this row that has to be sealed is so under this key."""
        for part in self.parts:
            value = row[part.column]
            if value is None:
                continue
            kept = [one.get(SEALED) for one in elements(value) if not part.public(one)] if part.keys else [value]
            if not all(isinstance(one, str) and key.sealed(one) for one in kept):
                return False
        return True

    def _sealed(self, key: RowKey, id: UUID, version: int, part: Sealed, one: JsonObject) -> JsonObject:
        if part.public(one):
            return one
        hidden = {name: value for name, value in one.items() if name in part.keys}
        shown = {name: value for name, value in one.items() if name not in part.keys}
        bound = place(self.service, self.table, part.column, id, str(one.get(part.whose, "")), version)
        return {**shown, SEALED: key.seal(bound, json.dumps(hidden), part.least)}

    def _opened(self, opening: Opening, id: UUID, version: int, part: Sealed, one: JsonObject) -> JsonObject:
        if SEALED not in one:
            return one
        bound = place(self.service, self.table, part.column, id, str(one.get(part.whose, "")), version)
        hidden: dict[str, object] = json.loads(
            opening.text(bound, str(one[SEALED])), parse_float=Decimal
        )
        shown = {name: value for name, value in one.items() if name != SEALED}
        return {**shown, **hidden}


def elements(value: object) -> Sequence[JsonObject]:
    """The parts that a column holds: several, or the one that it is."""
    return value if isinstance(value, list) else [cast("JsonObject", value)]


def _each(value: object, change: Callable[[JsonObject], JsonObject]) -> object:
    return [change(one) for one in value] if isinstance(value, list) else change(cast("JsonObject", value))
