"""Lets Babel find the words of `wording`, which stand in tables by their codes and not each in a call."""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any


def words(
    file: IO[bytes], keywords: Collection[str], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, None, str, list[str]]]:
    """Every value of a table of texts at the top of a module, as Babel's extraction methods answer."""
    del keywords, comment_tags, options
    for statement in ast.parse(file.read()).body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Dict):
            for value in statement.value.values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.lineno, None, value.value, []
