"""What the bank of the invented year sends is read as any bank's: it adds up, and says of each payment what became of it."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ops.demo_year.invented_bank import Booked, rejection, statement
from services.reintegration.bank.accounts import Iban
from services.reintegration.bank.camt053 import read_statements
from services.reintegration.bank.pain002 import read_status_report
from services.reintegration.bank.references import block_identification

OURS = "BA391290079401028494"
DAY = date(2023, 3, 1)
LINES = st.builds(
    Booked, st.sampled_from(["DBIT", "CRDT"]), st.decimals("0.01", "9999.99", places=2), st.sampled_from(["R-1", "R-2"]),
    st.none() | st.uuids(), st.none() | st.just("AC04"),
)  # fmt: skip


@given(st.lists(LINES, max_size=5), st.decimals("-9999.99", "9999.99", places=2))
def test_a_statement_says_each_line_and_closes_with_what_is_left(lines: list[Booked], opening: Decimal) -> None:
    (read,) = read_statements(statement("S-1", OURS, "EUR", opening, DAY, lines), [Iban(OURS)])
    assert (read.id, read.opening.amount, read.closing.amount, read.closed_on) == ("S-1", opening, opening + sum(line.signed for line in lines), DAY)
    assert [(line.signed, line.bank_reference, line.booked_on, line.parts[0].attempt, line.parts[0].reasons) for line in read.lines] == [
        (line.signed, line.reference, DAY, line.attempt_id, () if line.reason is None else (line.reason,)) for line in lines
    ]


def test_one_payment_of_a_file_is_rejected_and_nothing_said_of_the_others() -> None:
    file_id, attempt_id, another = UUID(int=1), UUID(int=2), UUID(int=3)
    block = block_identification(file_id, 1)
    report = read_status_report(rejection("R-1", file_id, block, attempt_id, "AC04", DAY))
    assert (report.id, report.instruction) == ("R-1", file_id)
    assert report.of(attempt_id, block).failed
    assert report.of(attempt_id, block).reasons == ("AC04",)
    assert report.of(another, block).code is None
