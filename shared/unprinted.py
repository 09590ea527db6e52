"""What is printed without its values, wherever it may come to be printed: a name in a traceback is a name told."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict


class Unprinted(BaseModel):
    """A frozen value that prints none of its fields and names none in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()
