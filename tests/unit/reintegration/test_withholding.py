"""What is withheld of a donor's table cannot be computed from what is shown, by equations or by bounds."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reintegration.domain.withholding import MERGED, Cell, Figures, Table, Told, in_full, withheld

KINDS, PLACES = ("business", "housing", "training"), ("BA", "PK", "TN")


def table(*rows: tuple[int, ...]) -> dict[Cell, Figures]:
    return {
        (kind, place): Figures(count, Decimal(10 * count), Decimal(count))
        for kind, row in zip(KINDS, rows, strict=False) for place, count in zip(PLACES, row, strict=False) if count
    }  # fmt: skip


def counts(found: Table) -> list[list[int | None]]:
    return [[found.cells[row, column].grants for column in found.columns] for row in found.rows]


def test_a_table_of_large_counts_and_zeros_is_shown_whole() -> None:
    figures = table((7, 0, 9), (0, 12, 5))
    assert withheld(figures) == in_full(figures)
    assert withheld({}) == in_full({})
    assert withheld({}).total == Told(0, Decimal(0), Decimal(0))


def test_a_small_count_is_withheld_with_as_few_others_as_keep_it_unknown() -> None:
    found = withheld(table((3, 20, 30), (20, 30, 9), (30, 40, 8)))
    hidden = [cell for cell, told in found.cells.items() if told.grants is None]
    assert ("business", "BA") in hidden and len(hidden) == 4
    assert all(found.cells[cell] == Told(None, None, None) for cell in hidden)
    assert found.by_row["business"].grants == 53


def test_rows_of_fewer_than_five_are_put_together_and_never_alone() -> None:
    found = withheld(table((9, 9), (1, 1), (20, 20)))
    assert found.rows == ("training", MERGED)
    assert found.by_row[MERGED].grants == 20
    assert counts(withheld(table((6, 6), (2, 2), (1, 0)))) == [[6, 6], [None, None]] or withheld(table((6, 6), (2, 2), (1, 0))).rows[-1] == MERGED


def test_of_fewer_than_five_grants_in_all_nothing_is_told() -> None:
    found = withheld(table((1, 2), (1, 0)))
    assert (found.rows, found.total) == ((), Told(None, None, None))


def test_what_is_pinned_by_a_lower_bound_alone_is_withheld_too() -> None:
    # Two cells that together are two, of which none is a zero, are one each.
    found = withheld(table((1, 1, 8), (9, 9, 9)))
    assert known(found, lambda told: told.grants, 1) == []


def test_an_amount_that_a_sum_would_pin_is_shown_by_no_sum() -> None:
    figures = {cell: Figures(one.grants, Decimal(0) if cell[0] == "business" else one.committed, one.spent) for cell, one in table((2, 8), (8, 9)).items()}
    found = withheld(figures)
    assert found.by_row["business"].committed is None and found.by_row["business"].spent is not None
    assert found.total.committed == Decimal(170)


def unknown(found: Table, of: Callable[[Told], object]) -> list[Cell]:
    return [cell for cell, told in found.cells.items() if of(told) is None]


def equations(found: Table, cells: list[Cell], of: Callable[[Told], Decimal | int | None]) -> Iterator[tuple[list[int], Fraction]]:
    """Each sum that is shown as what it says of the cells that are not: coefficients, and what is left of it for them."""
    sums: list[tuple[Callable[[Cell], bool], Told]] = [
        *((lambda cell, row=row: cell[0] == row, told) for row, told in found.by_row.items()),
        *((lambda cell, column=column: cell[1] == column, told) for column, told in found.by_column.items()),
        (lambda cell: True, found.total),
    ]  # fmt: skip
    for within, told in sums:
        whole = of(told)
        if whole is not None:
            shown = sum(Fraction(of(one) or 0) for cell, one in found.cells.items() if within(cell) and of(one) is not None)
            yield [int(within(cell)) for cell in cells], Fraction(whole) - shown


def rank(rows: list[list[Fraction]]) -> int:
    rows, found = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for row in rows[found + 1 :]:
            factor = row[column] / pivot[column]
            for at in range(len(row)):
                row[at] -= factor * pivot[at]
        found += 1
    return found


def determined(found: Table, of: Callable[[Told], Decimal | int | None]) -> list[Cell]:
    """The withheld cells that the sums determine by linear algebra alone."""
    cells = unknown(found, of)
    known_sums = [[Fraction(one) for one in row] for row, _ in equations(found, cells, of)]
    units = [[Fraction(at == here) for at in range(len(cells))] for here in range(len(cells))]
    return [cell for cell, unit in zip(cells, units, strict=True) if known_sums and rank([*known_sums, unit]) == rank(known_sums)]


def known(found: Table, of: Callable[[Told], Decimal | int | None], least: int) -> list[Cell]:
    """The withheld cells that are the same in every table of whole numbers from ``least`` on which fits what is shown."""
    cells = unknown(found, of)
    sums = [(row, int(left)) for row, left in equations(found, cells, of)]
    seen: dict[Cell, set[int]] = {cell: set() for cell in cells}

    def fits(given: list[int], left: list[int]) -> bool:
        at = len(given)
        if at == len(cells):
            if any(left):
                return False
            for cell, value in zip(cells, given, strict=True):
                seen[cell].add(value)
            return all(len(values) > 1 for values in seen.values())
        touched = [number for number, (row, _) in enumerate(sums) if row[at]]
        most = min(left[number] - least * sum(sums[number][0][at + 1 :]) for number in touched)
        for value in range(least, most + 1):
            after = [one - value if number in touched else one for number, one in enumerate(left)]
            if fits([*given, value], after):
                return True
        return False

    fits([], [left for _, left in sums])
    return [cell for cell, values in seen.items() if len(values) <= 1]


tables = st.lists(st.lists(st.integers(0, 8), min_size=3, max_size=3), min_size=2, max_size=3)
amounts = st.dictionaries(st.tuples(st.sampled_from(KINDS), st.sampled_from(PLACES)), st.integers(0, 3))


@settings(max_examples=150)
@given(tables, amounts)
def test_nothing_that_is_withheld_can_be_computed_from_what_is_shown(rows: list[list[int]], spent: Mapping[Cell, int]) -> None:
    figures = {
        cell: Figures(one.grants, Decimal(one.grants % 2), Decimal(spent.get(cell, 0)))
        for cell, one in table(*map(tuple, rows)).items()
    }  # fmt: skip
    found = withheld(figures)
    if not found.rows:
        return
    whole_interior = all(told.grants is None for told in found.cells.values())
    assert determined(found, lambda told: told.grants) == []
    assert known(found, lambda told: told.grants, 0 if whole_interior else 1) == []
    shown = [told.grants for told in (*found.cells.values(), *found.by_row.values(), *found.by_column.values(), found.total)]
    assert all(count is None or count == 0 or count >= 5 for count in shown)
    for told in found.cells.values():
        if told.grants is None:
            assert (told.committed, told.spent) == (None, None)
    measures: tuple[Callable[[Told], Decimal | None], ...] = (lambda told: told.committed, lambda told: told.spent)
    for of in measures:
        # A cell that has no grants has no amounts; of amounts that are told in all alone nothing but that is told.
        cells = {cell: Told(0, Decimal(0), Decimal(0)) if told.grants == 0 else told for cell, told in found.cells.items()}
        if any(of(told) is not None for told in found.by_row.values()):
            told_of = Table(found.rows, found.columns, cells, found.by_row, found.by_column, found.total)
            hidden = {cell for cell, told in found.cells.items() if told.grants is None}
            assert hidden.isdisjoint(determined(told_of, of))
            assert hidden.isdisjoint(known(told_of, of, 0))
    assert withheld(dict(reversed(figures.items()))) == found


@settings(max_examples=100)
@given(tables)
def test_no_cell_is_withheld_that_could_be_shown(rows: list[list[int]]) -> None:
    figures = table(*map(tuple, rows))
    found, full = withheld(figures), in_full(figures)
    if found.rows != full.rows or found.columns != full.columns:
        return
    hidden = unknown(found, lambda told: told.grants)
    if len(hidden) == len(found.cells):
        return
    for cell in hidden:
        count = full.cells[cell].grants
        if count is not None and count >= 5:
            one_more = Table(found.rows, found.columns, {**found.cells, cell: full.cells[cell]}, found.by_row, found.by_column, found.total)
            assert known(one_more, lambda told: told.grants, 1) != []
