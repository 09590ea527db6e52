"""Whatever somebody does to a file of the bank's, it is read whole or refused by a code; nothing else ever happens."""

from contextlib import suppress
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reintegration.bank.accounts import Iban
from services.reintegration.bank.camt053 import read_statements
from services.reintegration.bank.pain002 import read_status_report
from services.reintegration.domain.bank_files import KnownAccount, lines_hash, of_report, of_statements
from shared.errors import RuleViolation
from tests.unit.reintegration.bank.examples import attempt
from tests.unit.reintegration.bank.mutations import REPORT, STATEMENT, mutated
from tests.unit.reintegration.examples import ref

OURS = KnownAccount(ref(71), Iban("BA391290079401028494"), "EUR")
FILE: UUID = ref(70)


@settings(max_examples=400)
@given(st.integers(0, 2**63))
def test_a_mutated_statement_is_kept_as_it_adds_up_or_refused(seed: int) -> None:
    with suppress(RuleViolation):
        statements = read_statements(mutated(STATEMENT, seed), [OURS.account])
        told, lines = of_statements(FILE, statements, [OURS])
        for statement, one in zip(statements, told, strict=True):
            assert statement.opening.amount + sum(line.signed for line in statement.lines) == one.closing
        assert len({line.id for line in lines}) == len(lines) == sum(len(line.parts) for statement in statements for line in statement.lines)
        assert lines_hash(lines)


@settings(max_examples=400)
@given(st.integers(0, 2**63))
def test_a_mutated_report_is_kept_or_refused(seed: int) -> None:
    with suppress(RuleViolation):
        lines = of_report(FILE, read_status_report(mutated(REPORT, seed)), {attempt(1): ""})
        assert all(line.attempt_id is not None and line.kind in ("rejected", "accepted") for line in lines)
