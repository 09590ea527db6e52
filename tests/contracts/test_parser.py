"""AsyncAPI's own parser finds nothing wrong with the document of events, and everything in it; it is locked and installed once."""

import json
import os
from copy import deepcopy
from pathlib import Path

import pytest

from ops.contracts.asyncapi import VERSION, document, kinds_of
from ops.contracts.described import described_events
from ops.contracts.parser import DECLARED, parsed
from ops.contracts.writing import FOLDER
from ops.npm import DECLARING
from ops.settings import PROJECT, CannotStart

# The parser is fetched where it is not there yet.
pytestmark = pytest.mark.timeout(400)
TOLD = PROJECT / FOLDER / "asyncapi.json"


def test_the_lock_holds_a_hash_for_every_package_and_no_address() -> None:
    lock = json.loads((PROJECT / DECLARED / "package-lock.json").read_bytes())
    assert all(entry["integrity"].startswith("sha512-") for name, entry in lock["packages"].items() if name)
    assert lock["packages"]["node_modules/@asyncapi/parser"]["version"] == lock["packages"][""]["dependencies"]["@asyncapi/parser"]
    assert not any("://" in (PROJECT / DECLARED / name).read_text() for name in DECLARING)


def test_the_official_parser_finds_nothing_wrong_and_what_is_no_document_it_refuses(tmp_path: Path) -> None:
    events = described_events()
    dangling, strange, empty = deepcopy(document(events)), deepcopy(document(events)), {"asyncapi": VERSION}
    channel = "avrr.returns.case.opened"
    dangling["channels"][channel]["messages"]["lost"] = {"$ref": "#/components/messages/lost"}
    strange["operations"][f"returns.sends.{channel}"]["action"] = "shout"
    faulty = [tmp_path / f"{name}.json" for name in ("dangling", "strange", "empty")]
    for path, told in zip(faulty, (dangling, strange, empty), strict=True):
        path.write_text(json.dumps(told))
    found, *refused = parsed([TOLD, *faulty])
    assert found.wrong == []
    assert (found.version, found.channels) == (VERSION, len(kinds_of(events)))
    assert set(found.messages) == kinds_of(events).keys()
    assert (found.sends, found.receives) == (len(kinds_of(events)), sum(len(one.followed_by) for one in events))
    assert [bool(one.wrong) for one in refused] == [True, True, True]
    assert any(channel in sentence for sentence in refused[0].wrong)


def test_where_the_parser_cannot_be_fetched_one_line_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "parser"
    nowhere = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_cache": str(tmp_path / "none")}
    with pytest.raises(CannotStart, match=r"AsyncAPI's parser can't be fetched: npm gives E") as refused:
        parsed([TOLD], folder=folder, environment={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **nowhere})
    assert "\n" not in refused.value.sentence and "127.0.0.1" not in refused.value.sentence


def test_a_parser_that_another_lock_left_is_fetched_anew(tmp_path: Path) -> None:
    folder = tmp_path / "parser"
    folder.mkdir()
    (folder / "installed.json").write_text(json.dumps({"made_from": "another", "node": "/bin/sh"}))
    with pytest.raises(CannotStart, match="can't be fetched"):
        parsed([TOLD], folder=folder, environment={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "npm_config_registry": "http://127.0.0.1:9/"})
    assert not (folder / "installed.json").exists()
