"""What the command line says of a restore besides its payments: what nobody knows, what the bank's files know, and stops."""

from datetime import timedelta
from uuid import UUID

from ops.after_restore.payments import _besides
from services.reintegration.domain.lost_payments import LostPayments
from services.reintegration.lost_bank_queries import BankKnows, MissingStatement
from shared.contracts.lost_payments import LostStop
from tests.given import NOON

STOP = LostStop(event_id=UUID(int=1), kind="avrr.reintegration.grant.suspended.v1", subject=UUID(int=5), recorded_at=NOON, by="staff:x")
DO = "bring the bank's statements of these days before you clear, and ask the bank for orders that it still holds"
NOTHING = BankKnows(lines_waiting=0, files_waiting=False, lines=[], statements_missing=[])


def test_where_no_source_outlived_a_restore_it_is_said_that_nobody_can_say_how_much_was_lost() -> None:
    (said,) = _besides(LostPayments((), NOON), NOTHING)
    assert said.startswith("nobody can say how many entries between the beginning and 2023-05-02 12:00:00 UTC are known to nobody: ")


def test_what_nobody_knows_is_said_with_its_days_its_statements_and_lines_and_each_stop() -> None:
    state = LostPayments((), NOON, unknown=3, since=NOON - timedelta(hours=1), stops=(STOP,))
    missing = MissingStatement(id=UUID(int=7), currency="EUR", account="…8494")
    said = list(_besides(state, BankKnows(lines_waiting=2, files_waiting=True, lines=[], statements_missing=[missing])))
    assert said == [
        f"at least 3 entries between 2023-05-02 11:00:00 and 2023-05-02 12:00:00 UTC are known to nobody: {DO}",
        f"statement missing of the lost days: own account {UUID(int=7)}",
        "lines of the bank's that name payments which nobody here knows: 2 wait, and a file that nobody confirmed has some",
        f"stop that was lost, to be stated again: {STOP.kind} {UUID(int=5)} 2023-05-02 12:00:00 by staff:x ({UUID(int=1)})",
    ]
    assert next(_besides(LostPayments((), NOON, unknown=1), NOTHING)).startswith("at least 1 entries between the beginning and ")
