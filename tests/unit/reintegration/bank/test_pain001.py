"""The file of payments is valid by ISO 20022's own schema, adds up, and tells the bank no more than it needs."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xmlschema import XMLSchema

from services.reintegration.bank.accounts import (
    Account,
    Bank,
    Bic,
    Iban,
    NamedBank,
    OtherAccount,
    within_sepa,
)
from services.reintegration.bank.latin import latin
from services.reintegration.bank.pain001 import NAMESPACE, Instruction, Payer, Payment, block_of_each, write
from services.reintegration.bank.references import (
    identified,
    is_remittance_code,
    remittance_code,
    remittance_code_in,
)
from shared.currencies import CODES, minor_units
from shared.errors import RuleViolation
from shared.money import Money
from tests.given import reads_well
from tests.unit.reintegration.bank.examples import (
    ACCOUNTS,
    BANKS,
    DAY,
    EUROS,
    NAMES,
    NOON,
    OURS,
    attempt,
    instruction,
    payment,
    schema,
)  # fmt: skip

IN = {"": NAMESPACE}
# How SEPA says that the number of the account names the bank; Austria stands for no country here.
NOT_PROVIDED = NamedBank("NOTPROVIDED", "AT")


@cache
def iso() -> XMLSchema:
    return XMLSchema(schema())


def read(file: bytes) -> Element:
    iso().validate(file.decode())
    return fromstring(file)  # noqa: S314 -- we wrote it


def told(element: Element, path: str) -> str | None:
    return element.findtext(path, namespaces=IN)


def account_of(element: Element) -> Account:
    iban = told(element, "Id/IBAN")
    return Iban(iban) if iban else OtherAccount(told(element, "Id/Othr/Id") or "")


def bank_of(element: Element) -> Bank:
    code = told(element, "FinInstnId/BICFI")
    if told(element, "FinInstnId/Othr/Id") == "NOTPROVIDED":
        return NOT_PROVIDED
    return Bic(code) if code else NamedBank(told(element, "FinInstnId/Nm") or "", told(element, "FinInstnId/PstlAdr/Ctry") or "")


def payments_of(document: Element) -> list[Payment]:
    found = []
    for block in document.iterfind(".//PmtInf", IN):
        for transfer in block.iterfind("CdtTrfTxInf", IN):
            amount = transfer.find("Amt/InstdAmt", IN)
            creditor, bank = transfer.find("CdtrAcct", IN), transfer.find("CdtrAgt", IN)
            attempted = identified(told(transfer, "PmtId/EndToEndId"))
            assert amount is not None and creditor is not None and bank is not None and attempted is not None
            found.append(
                Payment(
                    attempt=attempted,
                    money=Money(amount=Decimal(amount.text or ""), currency=amount.attrib["Ccy"]),
                    payee=told(transfer, "Cdtr/Nm") or "",
                    account=account_of(creditor),
                    bank=bank_of(bank),
                    reference=told(transfer, "RmtInf/Ustrd") or "",
                    on=date.fromisoformat(told(block, "ReqdExctnDt/Dt") or ""),
                )
            )
    return found


def as_the_bank_reads(payment: Payment, payer: Account) -> Payment:
    return replace(payment, payee=latin(payment.payee), bank=as_it_is_read(payment.bank, payment, payer))


def as_it_is_read(bank: Bank | None, payment: Payment, payer: Account) -> Bank | None:
    if not isinstance(bank, NamedBank):
        return bank
    return NOT_PROVIDED if within_sepa(payer, payment.account, payment.money.currency) else NamedBank(latin(bank.name), bank.country)


def five_hundred() -> list[Payment]:
    amounts = {"EUR": "1250.50", "BAM": "0.05", "TRY": "48000.00", "TND": "3187.125", "XOF": "655957"}
    currencies = list(amounts)
    return [
        payment(number, amounts[currencies[number % 5]], currencies[number % 5], DAY + timedelta(number % 3)) for number in range(500)
    ]


def test_five_hundred_payments_in_five_currencies_make_a_valid_file_that_adds_up() -> None:
    payments = five_hundred()
    document = read(write(instruction(*payments, account=EUROS)))
    assert told(document, "CstmrCdtTrfInitn/GrpHdr/NbOfTxs") == "500"
    # 100 of each, whatever the currency: 125050 + 5 + 4800000 + 318712.5 + 65595700.
    assert told(document, "CstmrCdtTrfInitn/GrpHdr/CtrlSum") == "70839467.5"
    blocks = document.findall(".//PmtInf", IN)
    for block in blocks:
        amounts = [Decimal(one.text or "") for one in block.iterfind("CdtTrfTxInf/Amt/InstdAmt", IN)]
        assert told(block, "NbOfTxs") == str(len(amounts))
        assert Decimal(told(block, "CtrlSum") or "") == sum(amounts)
        assert len({one.attrib["Ccy"] for one in block.iterfind("CdtTrfTxInf/Amt/InstdAmt", IN)}) == 1
    assert sum(Decimal(told(block, "CtrlSum") or "") for block in blocks) == Decimal("70839467.5")


def test_amounts_have_the_decimals_of_their_currency() -> None:
    payments = [payment(n, amount, currency) for n, (amount, currency) in enumerate((("7", "EUR"), ("7", "TND"), ("7.00", "XOF")))]
    document = read(write(instruction(*payments)))
    assert {one.attrib["Ccy"]: one.text for one in document.iterfind(".//InstdAmt", IN)} == {"EUR": "7.00", "TND": "7.000", "XOF": "7"}


def test_a_block_is_of_one_day_one_currency_and_one_service() -> None:
    payments = [
        payment(1, "5", "EUR", account=ACCOUNTS[0]), payment(2, "5", "EUR", account=ACCOUNTS[1]), payment(3, "5", "TND", account=ACCOUNTS[1]),
        payment(4, "5", "EUR", date(2023, 5, 2), account=ACCOUNTS[0]), payment(5, "5", "EUR", account=ACCOUNTS[0]),
    ]  # fmt: skip
    ordered = instruction(*payments, account=EUROS)
    document = read(write(ordered))
    seen = [
        (told(block, "ReqdExctnDt/Dt"), told(block, "PmtTpInf/SvcLvl/Cd"), told(block, "ChrgBr"), told(block, "NbOfTxs"))
        for block in document.iterfind(".//PmtInf", IN)
    ]
    assert seen == [
        ("2023-05-02", "SEPA", "SLEV", "1"), ("2023-05-03", "NURG", "DEBT", "1"), ("2023-05-03", "SEPA", "SLEV", "2"), ("2023-05-03", "NURG", "DEBT", "1"),
    ]  # fmt: skip
    stands = {
        identified(told(transfer, "PmtId/EndToEndId")): told(block, "PmtInfId")
        for block in document.iterfind(".//PmtInf", IN)
        for transfer in block.iterfind("CdtTrfTxInf", IN)
    }
    assert block_of_each(ordered) == stands


def test_whoever_shall_share_the_charges_does() -> None:
    ordered = replace(instruction(payment(1, "5", "BAM")), charges="SHAR")
    assert told(read(write(ordered)), ".//ChrgBr") == "SHAR"


def test_the_moment_is_written_in_utc_and_one_without_a_zone_is_no_moment() -> None:
    ordered = instruction(payment(1, "5", "BAM"))
    elsewhere = replace(ordered, created_at=NOON.astimezone(timezone(timedelta(hours=4, minutes=30))))
    assert write(elsewhere) == write(ordered)
    assert told(read(write(ordered)), ".//CreDtTm") == "2023-05-02T12:00:00Z"
    with pytest.raises(ValueError):
        write(replace(ordered, created_at=datetime(2023, 5, 2, 12)))  # noqa: DTZ001


def test_nothing_in_the_file_says_what_a_payment_is_for() -> None:
    document = read(write(instruction(*five_hundred())))
    tags = {element.tag.split("}")[1] for element in document.iter()}
    assert not tags & {"Purp", "CtgyPurp", "AddtlRmtInf", "RgltryRptg", "InstrForCdtrAgt", "InstrForDbtrAgt", "UltmtDbtr", "UltmtCdtr", "Strd"}
    free = {element.text or "" for tag in ("Ustrd", "EndToEndId", "InstrId", "MsgId", "PmtInfId") for element in document.iterfind(f".//{tag}", IN)}
    assert all(re.fullmatch(r"[0-9]{4}(-[0-9]{2,4}){3}|[0-9a-f]{32}([0-9]{3})?", text) for text in free)


accounts = st.sampled_from(ACCOUNTS)
ids = st.integers(min_value=0, max_value=2**62 - 1).map(attempt)


@st.composite
def orders(draw: st.DrawFn) -> Instruction:
    payments = []
    at = draw(st.datetimes(datetime(2023, 1, 1), datetime(2024, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
    for id in draw(st.lists(ids, min_size=1, max_size=12, unique=True)):
        currency = draw(st.sampled_from(sorted(CODES)))
        amount = Decimal(draw(st.integers(min_value=1, max_value=10**13))).scaleb(-minor_units(currency))
        payments.append(
            Payment(
                attempt=id, money=Money(amount=amount, currency=currency), payee=draw(st.sampled_from(NAMES)), account=draw(accounts),
                bank=draw(st.sampled_from(BANKS)), reference=remittance_code(id), on=draw(st.dates(at.date(), at.date() + timedelta(9))),
            )
        )  # fmt: skip
    payer = Payer(draw(st.sampled_from(NAMES)), draw(st.sampled_from((OURS, EUROS, ACCOUNTS[-1]))), draw(st.sampled_from(BANKS)))
    return Instruction(draw(ids), at, draw(st.sampled_from(NAMES)), payer, payments, draw(st.sampled_from(("SHAR", "DEBT"))))


@settings(max_examples=60)
@given(orders())
def test_every_file_is_valid_says_what_was_ordered_and_is_the_same_when_written_again(ordered: Instruction) -> None:
    file = write(ordered)
    document = read(file)
    by_block = {payment.attempt: payment for payment in (as_the_bank_reads(one, ordered.payer.account) for one in ordered.payments)}
    found = payments_of(document)
    assert {payment.attempt: payment for payment in found} == by_block
    assert len(found) == len(ordered.payments)
    assert Decimal(told(document, ".//GrpHdr/CtrlSum") or "") == sum(payment.money.amount for payment in ordered.payments)
    assert identified(told(document, ".//MsgId")) == ordered.id
    debtor = document.find(".//DbtrAcct", IN)
    assert debtor is not None and account_of(debtor) == ordered.payer.account
    assert write(replace(ordered, payments=tuple(ordered.payments))) == file


def refused(ordered: Sequence[Payment], account: Account = OURS) -> str:
    with pytest.raises(RuleViolation) as found:
        write(instruction(*ordered, account=account))
    assert reads_well(found.value.sentence)
    return found.value.code


def test_a_file_without_payments_is_none() -> None:
    assert refused([]) == "no_payments"


def test_one_attempt_is_never_in_a_file_twice() -> None:
    assert refused([payment(1, "5", "BAM"), payment(1, "5", "BAM", date(2023, 6, 1))]) == "attempt_twice"


def test_a_sum_that_the_file_can_not_write_is_refused_and_the_longest_that_it_can_is_written() -> None:
    most = payment(1, "99999999999999.99", "EUR")
    assert told(read(write(instruction(most, payment(2, "0.001", "TND")))), ".//GrpHdr/CtrlSum") == "99999999999999.991"
    too_much = [payment(number, "99999999999999.999", "TND") for number in range(12)]
    assert refused(too_much) == "control_sum_too_large"


def test_a_day_that_is_over_everywhere_is_none_to_pay_on() -> None:
    # At noon it is still the day before west of the Pacific's islands, and nowhere the one before that.
    assert write(instruction(payment(1, "5", "BAM", date(2023, 5, 2))))
    assert refused([payment(1, "5", "BAM", date(2023, 5, 1))]) == "execution_day_wrong"


def test_towns_of_payee_and_bank_are_told_where_they_are_known_and_made_up_nowhere() -> None:
    bank = NamedBank("Banque d’Exemple", "SN", "Thiès")
    told_of = payment(1, "5", "XOF", account=ACCOUNTS[4], bank=bank, town="Ziguinchor", country="SN")
    document = read(write(instruction(told_of, payment(2, "5", "XOF", account=ACCOUNTS[4], bank=BANKS[2]))))
    first, second = document.iterfind(".//CdtTrfTxInf", IN)
    assert [told(first, f"{place}/PstlAdr/{tag}") for place in ("Cdtr", "CdtrAgt/FinInstnId") for tag in ("TwnNm", "Ctry")] == [
        "Ziguinchor", "SN", "Thies", "SN",
    ]  # fmt: skip
    assert [told(second, f"{place}/PstlAdr/{tag}") for place in ("Cdtr", "CdtrAgt/FinInstnId") for tag in ("TwnNm", "Ctry")] == [
        None, None, None, "SN",
    ]  # fmt: skip
    with pytest.raises(RuleViolation):
        payment(1, "5", "XOF", town="Z" * 36)
    with pytest.raises(RuleViolation):
        NamedBank("Banque d’Exemple", "SN", "Z" * 36)


def test_an_account_without_its_bank_is_paid_to_within_sepa_alone() -> None:
    document = read(write(instruction(payment(1, "5", "EUR", account=ACCOUNTS[0], bank=None), account=EUROS)))
    assert told(document, ".//CdtrAgt/FinInstnId/Othr/Id") == "NOTPROVIDED"
    assert refused([payment(1, "5", "USD", account=ACCOUNTS[0], bank=None)], EUROS) == "bank_missing"
    assert refused([payment(1, "5", "EUR", account=ACCOUNTS[0], bank=None)]) == "bank_missing"


def test_blocks_that_can_not_be_numbered_are_refused() -> None:
    days = [payment(number, "1", "BAM", DAY + timedelta(number)) for number in range(1000)]
    assert refused(days) == "too_many_blocks"
    assert write(instruction(*days[:999])).count(b"<PmtInf>") == 999


def test_a_bank_without_a_code_is_named_outside_sepa_and_known_by_the_account_within() -> None:
    bank = NamedBank("Banka za primjer", "HR")
    ours, theirs = payment(1, "5", "EUR", account=ACCOUNTS[0], bank=bank), payment(2, "5", "USD", account=ACCOUNTS[0], bank=bank)
    ordered = instruction(ours, theirs, account=EUROS)
    document = read(write(replace(ordered, payer=replace(ordered.payer, bank=bank))))
    banks = [bank_of(one) for tag in ("DbtrAgt", "CdtrAgt") for one in document.iterfind(f".//{tag}", IN)]
    assert banks == [NOT_PROVIDED, bank] * 2


def test_a_name_that_is_longer_than_sepa_takes_is_refused_there_alone() -> None:
    long = "Primjer Primjer " * 4 + "Primjer"
    assert write(instruction(payment(1, "5", "EUR", payee=long[:70], account=ACCOUNTS[0]), account=EUROS))
    assert refused([payment(1, "5", "EUR", payee=long, account=ACCOUNTS[0])], EUROS) == "name_too_long"
    assert told(read(write(instruction(payment(1, "5", "EUR", payee=long, account=ACCOUNTS[0])))), ".//Cdtr/Nm") == long


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [("0", "EUR", "amount_not_positive"), ("-1", "EUR", "amount_not_positive"), ("1.005", "EUR", "finer_than_paid"), ("0.5", "XOF", "finer_than_paid"), ("1", "XXX", "not_a_currency")],
)  # fmt: skip
def test_what_nobody_can_be_paid_is_no_payment(amount: str, currency: str, code: str) -> None:
    with pytest.raises(RuleViolation) as found:
        payment(1, amount, currency)
    assert found.value.code == code
    assert reads_well(found.value.sentence)


@pytest.mark.parametrize(
    "reference", ["", "Medical help", "RETURN-GRANT", "K7QW-2M9X-4RT", "1234-5678-9012-34", f"{remittance_code(attempt(1))} x", "\u0660" * 4],
    ids=["nothing", "health", "migration", "case", "number_thought_of", "with_words", "other_digits"],
)  # fmt: skip
def test_a_reference_that_could_say_something_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(RuleViolation) as found:
        payment(1, "5", "EUR", reference=reference)
    assert found.value.code == "reference_not_neutral"
    assert reads_well(found.value.sentence)
    assert not reference or reference not in found.value.sentence


def test_a_payee_whom_the_bank_could_not_be_told_is_refused_before_there_is_a_file() -> None:
    with pytest.raises(RuleViolation) as found:
        payment(1, "5", "EUR", payee="राम")
    assert found.value.code == "name_needs_latin"


@given(ids, st.integers(min_value=0, max_value=13), st.sampled_from("0123456789"))
def test_a_remittance_code_is_made_of_the_id_alone_and_one_wrong_digit_is_found(id: UUID, place: int, other: str) -> None:
    code = remittance_code(id)
    assert is_remittance_code(code)
    digits = [at for at, one in enumerate(code) if one != "-"]
    changed = code[: digits[place]] + other + code[digits[place] + 1 :]
    assert is_remittance_code(changed) is (changed == code)


@given(ids)
def test_what_a_bank_writes_back_is_known_as_ours_in_any_case(id: UUID) -> None:
    assert identified(id.hex.upper()) == id
    assert identified(str(id)) is None
    assert identified("NOTPROVIDED") is None
    assert identified(None) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [("{0}", 1), ("Uplata {0}/Ana", 1), ("{0} {0}", 1), ("{0} {1}", None), ("1{0}", None), ("{0}-1", None), ("1234-5678-9012-34", None), ("", None)],
    ids=["alone", "among_words", "twice", "two", "longer_before", "longer_after", "thought_of", "nothing"],
)
def test_of_the_words_that_a_bank_writes_back_only_a_code_of_ours_is_kept(words: str, expected: int | None) -> None:
    codes = [remittance_code(attempt(number)) for number in (1, 2)]
    assert remittance_code_in(words.format(*codes)) == (None if expected is None else codes[0])


def test_who_is_paid_is_not_shown_where_a_payment_is_printed() -> None:
    assert NAMES[1] not in repr(payment(1, "5", "EUR"))
