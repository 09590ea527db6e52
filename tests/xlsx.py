"""What a spreadsheet program sees in an XLSX file, read with nothing but the standard library."""

import io
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree as ET

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass(frozen=True)
class Cell:
    """One cell: whether it is a number or a text, what it says, and how it is shown."""

    kind: str
    value: str
    shown: str


@dataclass(frozen=True)
class Sheet:
    """One sheet: its rows of cells by column, and how many rows stay at the top."""

    rows: list[dict[int, Cell]]
    frozen: int

    def values(self) -> list[list[str]]:
        width = len(self.rows[0])
        assert all(column < width for row in self.rows for column in row), "a cell without a heading"
        return [[row[column].value if column in row else "" for column in range(width)] for row in self.rows]

    def pairs(self) -> dict[str, Cell]:
        return {row[0].value: row[1] for row in self.rows}


def read(content: bytes) -> dict[str, Sheet]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    assert not any("external" in name or (name.endswith(".rels") and b"hyperlink" in part) for name, part in parts.items())
    strings = [_text(item) for item in _tree(parts, "xl/sharedStrings.xml").iter(_MAIN + "si")]
    styles = _tree(parts, "xl/styles.xml")
    named = {one.get("numFmtId"): str(one.get("formatCode")) for one in styles.iter(_MAIN + "numFmt")}
    shown = [named.get(one.get("numFmtId"), str(one.get("numFmtId"))) for one in styles.findall(f"{_MAIN}cellXfs/{_MAIN}xf")]
    names = [str(one.get("name")) for one in _tree(parts, "xl/workbook.xml").iter(_MAIN + "sheet")]
    return {
        name: _sheet(_tree(parts, f"xl/worksheets/sheet{number}.xml"), strings, shown)
        for number, name in enumerate(names, start=1)
    }


def _sheet(tree: ET.Element, strings: list[str], shown: list[str]) -> Sheet:
    assert not list(tree.iter(_MAIN + "f")), "a formula"
    pane = next(tree.iter(_MAIN + "pane"))
    rows = [
        {_column(str(cell.get("r"))): _cell(cell, strings, shown) for cell in row}
        for row in tree.iter(_MAIN + "row")
    ]
    return Sheet(rows, int(str(pane.get("ySplit"))) if pane.get("state") == "frozen" else 0)


def _cell(cell: ET.Element, strings: list[str], shown: list[str]) -> Cell:
    value = cell.findtext(_MAIN + "v") or ""
    style = shown[int(cell.get("s", "0"))]
    return Cell("text", strings[int(value)], style) if cell.get("t") == "s" else Cell("number", value, style)


def _column(reference: str) -> int:
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _text(item: ET.Element) -> str:
    return "".join(part.text or "" for part in item.iter(_MAIN + "t"))


def _tree(parts: dict[str, bytes], name: str) -> ET.Element:
    return ET.fromstring(parts[name])  # noqa: S314 -- made a moment ago by ourselves
