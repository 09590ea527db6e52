"""To which account a debit went is read where the bank states it whole, in one spelling, and printed by nothing."""

import pytest

from services.reintegration.bank.accounts import Iban
from services.reintegration.bank.camt053 import Part, read_statements
from services.reintegration.bank.creditors import Creditor
from services.reintegration.bank.references import OTHERS_BLOCK
from tests.unit.reintegration.bank.answers import Account, Detail, Entry, camt053

OURS, THEIRS = Iban("BA391290079401028494"), "PK36SCBL0000001123456702"
VERSIONS = pytest.mark.parametrize("version", ["001.02", "001.08"])


def part(detail: Detail, amount: str = "-5.00", version: str = "001.08", block: str = "") -> Part:
    (statement,) = read_statements(camt053(Account([Entry(amount, [detail], block=block)]), version=version), [OURS])
    (line,) = statement.lines
    (found,) = line.parts
    return found


@VERSIONS
@pytest.mark.parametrize(
    ("detail", "found"),
    [
        (Detail(iban=THEIRS), Creditor(iban=THEIRS)), (Detail(iban="pk36 scbl 0000 0011 2345 6702"), Creditor(iban=THEIRS)),
        (Detail(account=THEIRS.lower()), Creditor(iban=THEIRS)), (Detail(account="0001-22 33"), Creditor(number="0001-2233")),
        (Detail(account="12/34", bank="<PstlAdr><Ctry>TN</Ctry></PstlAdr>"), Creditor(number="1234", bank_country="TN")),
        (Detail(account="1234", bank="<PstlAdr><Ctry>tunisia</Ctry></PstlAdr>"), Creditor(number="1234")),
        # What cannot be an IBAN is another account than any, and no reason to let it pass.
        (Detail(iban="PK00SCBL"), Creditor(iban="PK00SCBL")),
        *((Detail(account=hidden), None) for hidden in ("****1234", "XXXX1234", "  ", "/-/", "9" * 65)), (Detail(), None),
    ],
)  # fmt: skip
def test_an_account_is_read_in_one_spelling_if_the_bank_states_all_of_it(version: str, detail: Detail, found: Creditor | None) -> None:
    assert part(detail, version=version).creditor == found


@pytest.mark.parametrize(("version", "tag"), [("001.02", "BIC"), ("001.08", "BICFI")])
def test_the_banks_code_is_read_where_it_is_one(version: str, tag: str) -> None:
    read = part(Detail(account="1234", bank=f"<{tag}>INVTTNTT</{tag}>"), version=version).creditor
    assert read == Creditor(number="1234", bank_code="INVTTNTT")
    assert part(Detail(account="1234", bank=f"<{tag}>?</{tag}>"), version=version).creditor == Creditor(number="1234")


def test_of_money_that_comes_no_account_is_read() -> None:
    assert part(Detail(iban=THEIRS), "5.00").creditor is None


def test_an_account_is_printed_by_nothing() -> None:
    printed = repr(part(Detail(account="123456", bank="<BICFI>INVTTNTT</BICFI>")))
    assert "123456" not in printed
    assert "INVTTNTT" not in printed
    assert THEIRS not in repr(Creditor(iban=THEIRS))


def test_the_block_of_a_payment_is_its_own_or_that_of_the_whole_line_and_another_ones_name_is_not_kept() -> None:
    ours = "ab" * 16 + "001"
    assert part(Detail(block=ours.upper())).block == ours
    assert part(Detail(), block=ours).block == ours
    assert part(Detail(block="Kanarinka 7"), block=ours).block == OTHERS_BLOCK
    assert part(Detail(block="NOTPROVIDED")).block is None
    assert part(Detail()).block is None
