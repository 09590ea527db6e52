"""A list of sanctions: a version that was brought as a CSV, whole or not at all, and counts until the next of its name.

What a version adds holds payments from the moment it was brought; what it leaves out counts until somebody else confirmed
it (decision 75).
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from services.reintegration.domain.brought_lists import (
    Brought,
    ListFacts,
    after_decision,
    by_another,
    counts_at_once,
    refuse_beside_another,
    still_waits,
)
from services.reintegration.domain.uploaded_csv import Cells, rows_of, unreadable_rows
from shared.contracts.payees import VendorCode
from shared.contracts.reintegration import Sha256
from shared.contracts.sanctions import SanctionsListConfirmed, SanctionsListDropped, SanctionsListUploaded
from shared.decider import Decider, Events, changing, opening
from shared.files.media import LARGEST_SANCTIONS_LIST
from shared.messages import Command, Context, Event

MOST_ENTRIES: Final = 60_000
MOST_BYTES: Final = LARGEST_SANCTIONS_LIST
_COLUMNS: Final = frozenset({"id", "name", "aliases", "birth_date", "country"})
_ENTRY_ID: Final = re.compile(r"[A-Za-z0-9_.\-/]{1,60}")
_BORN: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_MOST_NAMES: Final = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as the list has it: its id there, its name before its other names, and what else tells persons apart."""

    entry_id: str
    names: tuple[str, ...]
    born: str | None
    country: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SanctionsList(Brought):
    """One version of a list: how many entries it has, and the hash of the file; since ``counts_since`` it counts alone."""

    list_name: str
    list_version: str
    entries: int
    sha256: str


class UploadSanctionsList(Command):
    """Bring a version of a list of sanctions as a CSV; every payee is then screened against it, and against the one before.

    Once somebody else confirmed it, the one before counts no more.
    """

    list_name: VendorCode
    list_version: VendorCode
    entries: Annotated[int, Field(strict=True, ge=1, le=MOST_ENTRIES)]
    sha256: Sha256


class ConfirmSanctionsList(Command):
    """Confirm the version that a colleague brought, after you saw how many entries are new, changed and gone."""


class DropSanctionsList(Command):
    """Drop this version: nobody is screened against it any more. What it hit already, two persons clear."""


def entries_in(content: bytes) -> list[Entry]:
    """The entries of a CSV with the columns id, name, aliases (parted by ``;``), birth_date and country.

    Refused as ``csv_unreadable`` or ``rows_unreadable``, which names rows by their number and repeats nothing of them.
    """
    found: dict[str, Entry] = {}
    wrong: list[int] = []
    for number, cells in rows_of(content, _COLUMNS, MOST_ENTRIES):
        entry = _entry(cells)
        if entry is None or entry.entry_id in found:
            wrong.append(number)
        else:
            found[entry.entry_id] = entry
    unreadable_rows(wrong)
    return list(found.values())


def _entry(cells: Cells) -> Entry | None:
    entry_id, name, born, country = (cells.get(column, "") for column in ("id", "name", "birth_date", "country"))
    others = [one.strip() for one in cells.get("aliases", "").split(";") if one.strip()]
    names = tuple(dict.fromkeys((name, *others)))
    if not name or not _ENTRY_ID.fullmatch(entry_id) or len(names) > _MOST_NAMES or any("\n" in one for one in names):
        return None
    if born and not _BORN.fullmatch(born):
        return None
    return Entry(entry_id, names, born or None, country[:60] or None)


def _upload(order: UploadSanctionsList, facts: ListFacts, context: Context) -> Events:
    refuse_beside_another(facts)
    return (
        SanctionsListUploaded(
            list_name=order.list_name, list_version=order.list_version, entries=order.entries, sha256=order.sha256,
            uploaded_by=context.actor.person_id, uploaded_at=context.now, proposed=True,
        ),
    )  # fmt: skip


def _confirm(_: SanctionsList, __: ConfirmSanctionsList, facts: ListFacts, context: Context) -> Events:
    return (
        SanctionsListConfirmed(
            added=facts.added, gone=facts.gone, changed=facts.changed, confirmed_by=context.actor.person_id,
            confirmed_at=context.now,
        ),
    )  # fmt: skip


def _drop(_: SanctionsList, __: DropSanctionsList, ___: ListFacts, context: Context) -> Events:
    return (SanctionsListDropped(dropped_by=context.actor.person_id, dropped_at=context.now),)


def evolve(state: SanctionsList | None, event: Event) -> SanctionsList:
    """The list after one fact; TypeError for one that does not fit."""
    match event:
        case SanctionsListUploaded() if state is None:
            return SanctionsList(
                list_name=event.list_name, list_version=event.list_version, entries=event.entries, sha256=event.sha256,
                uploaded_by=event.uploaded_by, uploaded_at=event.uploaded_at, proposed=event.proposed,
                counts_since=counts_at_once(event.uploaded_at, proposed=event.proposed),
            )  # fmt: skip
        case SanctionsListConfirmed() | SanctionsListDropped() if state is not None:
            return after_decision(state, event)
        case _:
            raise TypeError(f"{type(event).__name__} does not fit a list of sanctions here")


SANCTIONS_LIST: Decider[SanctionsList, ListFacts] = Decider(
    rules=(
        opening(UploadSanctionsList, "Bring a list of sanctions", _upload),
        changing(ConfirmSanctionsList, "Confirm this version", _confirm, still_waits, by_another),
        changing(DropSanctionsList, "Drop this version", _drop, still_waits),
    ),
    evolve=evolve, events=(SanctionsListUploaded, SanctionsListConfirmed, SanctionsListDropped),
)  # fmt: skip
