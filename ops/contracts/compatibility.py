"""Whether what is published now is what was published before with something added to it, and nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
Alternatives = dict[str, dict[str, Any]]

# A bound may be loosened, for what was recorded before keeps to it all the same.
_AT_LEAST: Final = ("minimum", "exclusiveMinimum", "minItems", "minLength")
_AT_MOST: Final = ("maximum", "exclusiveMaximum", "maxItems", "maxLength")
_WRITTEN: Final = ("pattern", "format")


def not_additions(before: Mapping[str, Schema], now: Mapping[str, Schema]) -> list[str]:
    """One sentence for each change that somebody who relies on a schema, or an event that was recorded by it, would not survive.

    Events, fields that may be missing and values of a list may be added. Anything else needs a new version beside the old one.
    """
    found: list[str] = []
    for kind in sorted(before):
        if kind not in now:
            found.append(f"{kind} is gone: removed, or renamed.")
            continue
        found += [f"{kind}: {sentence}" for sentence in _differences(before[kind], now[kind])]
    return found


def _differences(before: Schema, now: Schema) -> Iterator[str]:
    yield from _of_alternatives("data", _alternatives(before, before), _alternatives(now, now), before, now)


def _of_alternatives(path: str, before: Alternatives, now: Alternatives, old: Schema, new: Schema) -> Iterator[str]:
    for kind in sorted(before.keys() - now.keys()):
        yield f"{path} can be no {kind} any more."
    for kind in sorted(now.keys() - before.keys()):
        yield f"{path} can be {kind} now, which whoever reads it does not expect."
    for kind in sorted(before.keys() & now.keys()):
        was, is_ = before[kind], now[kind]
        yield from _of_values(path, was, is_)
        if "items" in was or "items" in is_:
            yield from _of_alternatives(
                f"{path}[]", _alternatives(was.get("items", {}), old), _alternatives(is_.get("items", {}), new), old, new
            )
        if "properties" in was or "properties" in is_:
            yield from _of_fields(path, was, is_, old, new)


def _of_values(path: str, before: Schema, now: Schema) -> Iterator[str]:
    if "enum" in before and "enum" in now:
        for value in sorted(set(before["enum"]) - set(now["enum"]), key=str):
            yield f"{path} can't be {value} any more, and older events say so."
    elif "enum" in before:
        yield f"{path} can be anything now, and not one of a list."
    elif "enum" in now:
        yield f"{path} is one of a list now, and older events say other things."
    for key in _WRITTEN:
        if before.get(key) != now.get(key):
            yield f"{path} is written otherwise: its {key} was {before.get(key)} and is {now.get(key)}."
    for key in _AT_LEAST:
        if key in now and (key not in before or before[key] < now[key]):
            yield f"{path} is narrower: its {key} was {before.get(key)} and is {now[key]}."
    for key in _AT_MOST:
        if key in now and (key not in before or before[key] > now[key]):
            yield f"{path} is narrower: its {key} was {before.get(key)} and is {now[key]}."


def _of_fields(path: str, before: Schema, now: Schema, old: Schema, new: Schema) -> Iterator[str]:
    were, are = before.get("properties", {}), now.get("properties", {})
    had, has = set(before.get("required", ())), set(now.get("required", ()))
    within = "" if path == "data" else f"{path}."
    for name in were:
        if name not in are:
            yield f"{within}{name} is gone: removed, or renamed."
            continue
        yield from _of_alternatives(f"{within}{name}", _alternatives(were[name], old), _alternatives(are[name], new), old, new)
        if name in had - has:
            yield f"{within}{name} may be missing now, and whoever reads it relies on it."
        if name in has - had:
            yield f"{within}{name} has to be there now, and older events have none."
    for name in are:
        if name not in were and name in has:
            yield f"{within}{name} is new and has to be there, and older events have none: give it a default."


def _alternatives(node: Schema, root: Schema) -> Alternatives:
    """What a value can be, by its type."""
    if "$ref" in node:
        return _alternatives(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    if "anyOf" in node:
        found: Alternatives = {}
        for one in node["anyOf"]:
            for kind, facets in _alternatives(one, root).items():
                _add(found, kind, facets)
        return found
    facets = dict(node)
    if "const" in facets:
        facets["enum"] = [facets.pop("const")]
    return {str(facets["type"]): facets} if "type" in facets else {}


def _add(found: Alternatives, kind: str, facets: dict[str, Any]) -> None:
    # Two of a type are told apart by the order in which they stand.
    while kind in found:
        kind = f"another {kind}"
    found[kind] = facets
