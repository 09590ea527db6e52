"""docs/payments.md says what is refused, all of it, and writes names as they are written."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from services.reintegration.bank.latin import latin

ROOT = Path(__file__).parent.parent.parent.parent.parent
PAGE = (ROOT / "docs" / "payments.md").read_text(encoding="utf-8").split("\n## Files to and from the bank\n")[1].split("\n## ")[0]
# Of money in general; and one that is made of the kind of file.
ELSEWHERE = {"not_a_currency", "finer_than_paid", "not_pain002", "not_camt053"}


def refused() -> Iterator[str]:
    for path in (ROOT / "services" / "reintegration" / "bank").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RuleViolation" and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def test_the_page_names_every_refusal_and_no_other() -> None:
    tables = re.findall(r"^\| (`[a-z0-9_]+`(?:, `[a-z0-9_]+`)*) \|", PAGE, re.MULTILINE)
    named = {code for cell in tables for code in re.findall(r"`([a-z0-9_]+)`", cell)}
    assert named == {*refused(), *ELSEWHERE}


def test_names_on_the_page_are_written_as_it_says() -> None:
    assert {latin("Željko Đurić"), latin("Жељко Ђурић")} == {"Zeljko Duric"}
    assert "`Željko Đurić` and `Жељко Ђурић` are `Zeljko Duric`, `نور یوسف` is `Nur Yusf`" in PAGE
    assert latin("نور یوسف") == "Nur Yusf"
