"""The surveys that come with the product: examples, each of which says so. A mission loads the official ones that it holds."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from services.reintegration.domain.instruments import Instrument, read_instrument

_NAMES = ("rss_demo_equal_weights", "satisfaction_demo")


@cache
def shipped() -> Mapping[str, Instrument]:
    """The instruments of this folder by their codes."""
    folder = files(__name__)
    read = (read_instrument(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))) for name in _NAMES)
    return {instrument.code: instrument for instrument in read}
