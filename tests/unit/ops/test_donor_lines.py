"""The table of donor lines tells whole amounts on a narrow terminal, and which line does not reconcile."""

from dataclasses import replace
from decimal import Decimal
from io import StringIO

from rich.console import Console

from ops.demo_year.donors import Taken
from ops.donor_lines import DonorLine, as_table
from shared.money import Money

LINE = DonorLine(
    "DONOR-1", "USD", 15, Decimal(145_000), Decimal("119063.41"), Decimal("119063.41"), Decimal(0), Decimal("25936.59"),
    Taken(Money(amount=Decimal(145_000), currency="USD"), Decimal("119063.41"), Decimal("119063.41"), 15),
)  # fmt: skip


def printed(*lines: DonorLine) -> str:
    console = Console(file=StringIO(), width=80)
    console.print(as_table(list(lines)))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_no_amount_is_cut_short_at_80_columns() -> None:
    text = printed(LINE)
    assert all(amount in text for amount in ("145,000.00", "119,063.41", "0.00", "25,936.59", "equal"))
    assert "…" not in text


def test_a_line_that_says_something_else_than_the_orders_differs() -> None:
    for wrong in (
        replace(LINE, granted=Decimal(145_001)), replace(LINE, approved=Decimal("119063.42")),
        replace(LINE, spent=Decimal("119063.40")), replace(LINE, committed=Decimal("0.01")), replace(LINE, available=Decimal(0)),
    ):  # fmt: skip
        assert not wrong.reconciles
        assert "DIFFERS" in printed(wrong)
