"""The portal's own words in the language of whoever reads: marked where they stand, translated when they are shown."""

import gettext
from contextvars import ContextVar
from typing import Final

# There is no other language than the words' own yet.
_OWN: Final = gettext.NullTranslations()
READERS: Final[ContextVar[gettext.NullTranslations]] = ContextVar("translations", default=_OWN)


def _(text: str) -> str:
    """The text itself, marked as one that people read, so that Babel finds it where Python holds it."""
    return text


def translated(text: str, **values: object) -> str:
    """A marked text in the reader's language, with values in place of its ``%(name)s``.

    A text of a service or one that somebody typed is not in any catalogue and stays as it is.
    """
    # In a catalogue the empty text is the head of it.
    found = READERS.get().gettext(text) if text else ""
    return found % values if values else found


def counted(one: str, several: str, number: int) -> str:
    """The form that goes with this number in the reader's language."""
    return READERS.get().ngettext(one, several, number)
