"""Every template of the portal can be read, mirrors by itself, and carries no style or script of its own."""

import re

import pytest

from services.portal.wording import word
from services.portal.words import HERE, _environment, money, thousandths

TEMPLATES = sorted(path.name for path in (HERE / "templates").glob("*.html"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_can_be_read(name: str) -> None:
    assert _environment().get_template(name) is not None


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_no_inline_style_or_script(name: str) -> None:
    text = (HERE / "templates" / name).read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert "|safe" not in text.replace(" ", "")


def test_the_sheet_knows_no_left_and_right_but_for_numbers() -> None:
    text = (HERE / "static" / "portal.css").read_text(encoding="utf-8")
    physical = re.findall(r"[^\n;{]*\b(?:left|right)\b[^\n;}]*", text.replace("--right", "").replace("var(--right)", ""))
    assert [rule.strip() for rule in physical if "text-align: right" not in rule] == []


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("1250.00", "1,250.00 EUR"), ("0.5", "0.50 EUR"), ("1234567", "1,234,567.00 EUR"), ("1.2345", "1.2345 EUR")],
)
def test_an_amount_is_written_with_its_currency(amount: str, shown: str) -> None:
    assert money(amount, "EUR") == shown
    assert money({"amount": amount, "currency": "EUR"}) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("819946", "XOF", "819,946 XOF"), ("819946.00", "XOF", "819,946 XOF"), ("0.5", "XOF", "0.5 XOF"),
        ("4187.775", "TND", "4,187.775 TND"), ("12.5", "TND", "12.500 TND"), ("0.00", "BAM", "0.00 BAM"),
    ],
)  # fmt: skip
def test_an_amount_has_the_decimals_of_its_currency_and_hides_none(amount: str, currency: str, shown: str) -> None:
    assert money(amount, currency) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("1.250", "TND", " (1 whole and 250 thousandths)"), ("1250", "TND", " (1,250 whole and 0 thousandths)"),
        ("0.5", "KWD", " (0 whole and 500 thousandths)"), ("1.25", "EUR", ""), ("1250", "XOF", ""),
    ],
)  # fmt: skip
def test_an_amount_in_thousandths_is_said_in_words(amount: str, currency: str, said: str) -> None:
    assert thousandths({"amount": amount, "currency": currency}) == said


def test_a_code_without_a_word_of_its_own_reads_well_enough() -> None:
    assert (word("cash_instalment"), word("not_feasible")) == ("cash instalment", "not feasible")


@pytest.mark.parametrize(("told", "shown"), [({"papers": ["aaaa1"]}, (1, 1)), ({}, (0, 0))])
def test_a_grant_says_which_papers_the_hash_of_its_version_covers(told: dict[str, list[str]], shown: tuple[int, int]) -> None:
    paper = {
        "kind": "quotation", "filed_at": "2023-05-02T10:15:00Z", "filed_as": "receiving_office", "tranche": None,
        "media_type": "application/pdf", "size": 1234, "sha256": "ab" * 32,
    }  # fmt: skip
    state = {"evidence": [{"evidence_id": "aaaa1", **paper}, {"evidence_id": "bbbb2", **paper}], **told}
    page = _environment().get_template("grant_evidence.html").render(
        state=state, found={"id": "g", "actions": []}, short=str, moment=str, who_is=str
    )
    assert (page.count("<td>yes</td>"), page.count("<td>filed later</td>")) == shown
