"""A statement is kept on the account of its number and currency, however whoever registered it spelled that."""

from itertools import permutations

import pytest

from services.reintegration.bank.accounts import OtherAccount
from services.reintegration.bank.camt053 import read_statements
from services.reintegration.domain.bank_files import KnownAccount, of_statements
from tests.unit.reintegration.bank.answers import Account, Entry, camt053
from tests.unit.reintegration.examples import ref

OPEN = KnownAccount(ref(71), OtherAccount("12-345/6"), "EUR")
CLOSED = KnownAccount(ref(72), OtherAccount("123 456"), "EUR")
DOLLARS = KnownAccount(ref(73), OtherAccount("123456"), "USD")


@pytest.mark.parametrize(("currency", "counts"), [("EUR", OPEN), ("USD", DOLLARS)])
def test_of_one_number_the_account_of_the_currency_counts_and_the_first_of_these(currency: str, counts: KnownAccount) -> None:
    file = camt053(Account([Entry("-1.00", currency=currency)], number="<Othr><Id>12.34.56</Id></Othr>", currency=currency))
    for known in permutations((OPEN, CLOSED, DOLLARS)):
        found = read_statements(file, [one.account for one in known])
        ((statement,), _) = of_statements(ref(70), found, (OPEN, CLOSED, DOLLARS))
        assert statement.own_account_id == counts.own_account_id
