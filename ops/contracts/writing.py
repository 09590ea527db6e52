"""Writes what is published of the events into docs/events, unless that would take something from whoever relies on it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ops.contracts.asyncapi import document
from ops.contracts.compatibility import not_additions
from ops.contracts.described import Described, described_events
from ops.contracts.pages import envelope_page, event_page, index_page
from ops.contracts.schemas import ENVELOPE, Schema, data_schema, envelope_schema
from ops.settings import PROJECT

FOLDER: Final = Path("docs/events")
SCHEMAS: Final = FOLDER / "schemas"


def published_schemas(root: Path = PROJECT) -> dict[str, Schema]:
    """The schemas as they are published, by their types."""
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((root / SCHEMAS).glob("*.json"))}


def schemas_now(events: tuple[Described, ...]) -> dict[str, Schema]:
    """The schemas as the code has them, by their types."""
    return {ENVELOPE: envelope_schema()} | {one.kind: data_schema(one) for one in events}


def files_now(events: tuple[Described, ...]) -> dict[Path, str]:
    """Everything that belongs into the folder, by its path below the project."""
    return {
        FOLDER / "README.md": index_page(events),
        FOLDER / "envelope.md": envelope_page(),
        FOLDER / "asyncapi.json": _written(document(events)),
        **{SCHEMAS / f"{kind}.json": _written(schema) for kind, schema in schemas_now(events).items()},
        **{FOLDER / f"{one.kind}.md": event_page(one) for one in events},
    }


def write_contracts(tell: Callable[[str], None], root: Path = PROJECT) -> int:
    """Writes the folder anew; 1, and nothing is written, where a change is no addition, with a sentence for each."""
    events = described_events(root)
    refused = not_additions(published_schemas(root), schemas_now(events))
    if refused:
        for sentence in refused:
            tell(sentence)
        tell("Nothing was written: contracts only get additions. Record what has to be otherwise as a v2 beside the v1.")
        return 1
    files = files_now(events)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for path in (root / FOLDER).rglob("*"):
        if path.is_file() and path.relative_to(root) not in files:
            path.unlink()
    tell(f"{len(events)} events are described in {FOLDER}.")
    return 0


def _written(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
