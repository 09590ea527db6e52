"""Nothing that is kept about a person is forgotten when they ask: every table and column of every service is accounted for."""

import dataclasses
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from shared import masking
from shared.contracts import BY_SERVICE
from shared.held import KERNEL_UNTOLD, Holdings, Teller
from shared.tables import service_metadata
from shared.topology import SERVICES
from shared.wiring import Wiring

NAMES = [service.name for service in SERVICES]


def wiring_of(service: str) -> Wiring:
    found: Wiring = import_module(f"services.{service}.wiring").WIRING
    return found


def tables_of(wiring: Wiring) -> Mapping[str, sa.Table]:
    return wiring.access.table.metadata.tables


def unaccounted(wiring: Wiring, tables: Mapping[str, sa.Table]) -> list[str]:
    """Tables and columns that are in no answer and of which nobody said why."""
    aggregates = {aggregate.table.name for aggregate in wiring.aggregates}
    holdings, missing = wiring.holdings, []
    for name, table in tables.items():
        if name in holdings.untold or name in KERNEL_UNTOLD:
            continue
        if name not in aggregates and "person_id" not in table.columns and name not in holdings.linked:
            missing.append(name)
            continue
        missing += [
            f"{name}.{column.name}"
            for column in table.columns
            if isinstance(column.type, sa.LargeBinary)
            and name not in holdings.opens
            and f"{name}.{column.name}" not in holdings.untold
        ]
    return missing


@pytest.mark.parametrize("service", NAMES)
def test_every_table_and_column_is_told_or_it_is_said_why_not(service: str) -> None:
    wiring = wiring_of(service)
    assert unaccounted(wiring, tables_of(wiring)) == []


def test_a_new_table_and_a_new_sealed_column_are_missed() -> None:
    wiring = wiring_of("counselling")
    added = sa.MetaData()
    diary = sa.Table("diary", added, sa.Column("id", sa.Uuid), sa.Column("text", sa.Text))
    sealed = sa.Table("letters", added, sa.Column("person_id", sa.Uuid), sa.Column("text", sa.LargeBinary))
    assert unaccounted(wiring, {**tables_of(wiring), "diary": diary, "letters": sealed}) == ["diary", "letters.text"]


def test_a_table_that_does_not_say_how_it_is_told_is_refused_before_anybody_asks() -> None:
    metadata = service_metadata()
    sa.Table("diary", metadata, sa.Column("id", sa.Uuid), sa.Column("text", sa.Text))
    with pytest.raises(LookupError, match="diary"):
        Teller("anybody", metadata, (), Holdings())


@pytest.mark.parametrize("service", NAMES)
def test_no_explanation_is_of_something_that_is_not_there(service: str) -> None:
    wiring = wiring_of(service)
    tables = tables_of(wiring)
    columns = {f"{table.name}.{column.name}" for table in tables.values() for column in table.columns}
    explained = {**wiring.holdings.untold, **wiring.holdings.linked, **wiring.holdings.opens}
    assert set(explained) <= set(tables) | columns
    listing = (*wiring.holdings.members.items(), *wiring.holdings.going_on.items())
    assert {f"{table}.{column}" for table, column in listing} <= columns
    assert all(why.strip() for why in wiring.holdings.untold.values())
    # An aggregate is somebody's by what the log says, so it cannot be left out without a word.
    aggregates = {aggregate.table.name for aggregate in wiring.aggregates}
    assert not aggregates & (set(wiring.holdings.linked) | KERNEL_UNTOLD.keys())


def test_the_kernels_tables_are_all_explained() -> None:
    assert set(service_metadata().tables) | {"person_keys"} == set(KERNEL_UNTOLD)


def names_in(kind: Any) -> Iterator[str]:
    """The names of all fields in a state or an event, and in the parts of it."""
    if get_origin(kind) is not None:
        for argument in get_args(kind):
            yield from names_in(argument)
    elif isinstance(kind, type) and (dataclasses.is_dataclass(kind) or issubclass(kind, BaseModel)):
        hints = get_type_hints(kind)
        for name, hint in hints.items():
            if name.startswith("_") or name in ("kind", "model_config"):
                continue
            yield name
            yield from names_in(hint)


def _names_of(service: str) -> set[str]:
    wiring = wiring_of(service)
    kinds = [*(aggregate.state for aggregate in wiring.aggregates), *BY_SERVICE[service]]
    columns = {
        column.name
        for name, table in tables_of(wiring).items()
        if name not in KERNEL_UNTOLD and name not in wiring.holdings.untold
        for column in table.columns
    }
    return {name for kind in kinds for name in names_in(kind)} | columns


@pytest.mark.parametrize("service", NAMES)
def test_each_field_that_names_somebody_or_something_is_sorted_in(service: str) -> None:
    known = masking.PERSONS | masking.STAFF_FIELDS | masking.THINGS | masking.OTHER_CASES | set(masking.OWNERS)
    naming = {name for name in _names_of(service) if name.endswith(("_id", "_ids", "_by"))}
    assert naming - known == set()


def test_the_words_for_others_are_not_ids() -> None:
    for word in (masking.ANOTHER_PERSON, masking.STAFF, masking.ELSEWHERE):
        with pytest.raises(ValueError):
            UUID(word)
