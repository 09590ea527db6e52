"""A survey as data: its questions, what each answer scores, and how answers become scores. Nothing of it is written in code.

An instrument never changes: another text, score or weight is another version. Its answers say how somebody lives, so they
stand in no refusal.
"""

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from shared.errors import RuleViolation

# The two answers that everybody may give and that count as none: they never score, not even nothing.
DECLINED: Final = "declined"
NOT_APPLICABLE: Final = "not_applicable"
COMPOSITE: Final = "composite"

# The parts of shipped surveys that tell nothing of anybody's health; whatever else a survey asks may tell of it (decision 148).
TELL_NOTHING_OF_HEALTH: Final = frozenset({"economic", "social", "help", "altogether"})

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
# What people are asked and shown, by language (ISO 639-3); in English always.
Texts = Annotated[Mapping[Language, Text], Field(min_length=1)]
# Decimals and parts of a whole are written as strings, and counted exactly.
Exact = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}|/[1-9][0-9]{0,5})?$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Option(_Part):
    """One answer that may be given, and what it scores from 0 to 1; without a score it tells something and counts as no answer."""

    code: Code
    label: Texts
    score: Exact | None = None


class SkipIf(_Part):
    """An item is not asked where an earlier one was answered so."""

    item: Code
    answered: Annotated[tuple[Code, ...], Field(min_length=1)]


class Item(_Part):
    """One question, of one dimension, answered by one option of a scale. A required one may be declined, and not be left out."""

    code: Code
    dimension: Code
    text: Texts
    scale: Code
    required: bool = True
    skip_if: SkipIf | None = None


class Weight(_Part):
    """How much an item counts by a scheme in its dimension, or in ``composite``; there a dimension where the scheme says so."""

    scheme: Code
    dimension: Code
    item: Code
    weight: Exact


class Scheme(_Part):
    """A way to count: whether the composite is made of items or of dimensions, and which share must have been answered."""

    code: Code
    composite: Literal["items", "dimensions"]
    least_answered: Exact = "2/3"


class Band(_Part):
    """What a score is called from a number on, up to the next band."""

    code: Code
    begins_at: Exact
    label: Texts


class Instrument(_Part):
    """A version of a survey. ``banner`` is shown with every score, ``source`` says where texts and scores come from."""

    code: Code
    version: Annotated[int, Field(strict=True, ge=1)]
    title: Texts
    banner: Texts
    source: Text
    licence: Text
    scales: Annotated[Mapping[Code, Annotated[tuple[Option, ...], Field(min_length=2, max_length=20)]], Field(min_length=1)]
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=200)]
    schemes: Annotated[tuple[Scheme, ...], Field(min_length=1, max_length=10)]
    weights: Annotated[tuple[Weight, ...], Field(min_length=1, max_length=4000)]
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for fault in _faults(self):
            raise ValueError(fault)
        return self

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that its items belong to, in the order of the questions."""
        return tuple(dict.fromkeys(item.dimension for item in self.items))

    @property
    def of_health(self) -> frozenset[str]:
        """The dimensions of which some question may tell of somebody's health, be it by whether it was asked."""
        found = frozenset(self.dimensions) - TELL_NOTHING_OF_HEALTH
        of_items = {item.code: item.dimension for item in self.items}
        while True:
            asked_by = {item.dimension for item in self.items if item.skip_if and of_items[item.skip_if.item] in found}
            if asked_by <= found:
                return found
            found |= asked_by

    def items_of(self, dimensions: Collection[str]) -> frozenset[str]:
        """The codes of the questions of these dimensions."""
        return frozenset(item.code for item in self.items if item.dimension in dimensions)


def read_instrument(data: Mapping[str, object]) -> Instrument:
    """An instrument from its data; refused as ``instrument_unreadable`` unless everything in it fits together."""
    try:
        return Instrument.model_validate(data)
    except ValidationError:
        raise RuleViolation(
            "instrument_unreadable", "This is not a survey as it is read here, or its items, weights and bands do not fit together."
        ) from None


def _faults(instrument: Instrument) -> Iterator[str]:
    """What is wrong with an instrument beyond the form of its parts, each by a sentence for whoever writes one."""
    texts = [instrument.title, instrument.banner, *(band.label for band in instrument.bands), *(item.text for item in instrument.items)]
    texts += [option.label for scale in instrument.scales.values() for option in scale]
    if not all("eng" in one for one in texts):
        yield "every text is there in English"
    named = [item.code for item in instrument.items]
    for of_a_kind in (named, [scheme.code for scheme in instrument.schemes], [band.code for band in instrument.bands]):
        if len(set(of_a_kind)) < len(of_a_kind):
            yield "every item, scheme and band has a code of its own"
    if COMPOSITE in instrument.dimensions:
        yield "composite is no dimension"
    yield from _faults_of_scales(instrument)
    yield from _faults_of_items(instrument)
    yield from _faults_of_weights(instrument)
    begins = [Fraction(band.begins_at) for band in instrument.bands]
    if begins[0] != 0 or begins != sorted(set(begins)) or begins[-1] > 1:
        yield "the first band begins at 0, each other one above the one before it, none above 1"


def _faults_of_scales(instrument: Instrument) -> Iterator[str]:
    for options in instrument.scales.values():
        by_code = {option.code: option for option in options}
        if len(by_code) < len(options):
            yield "every option of a scale has a code of its own"
        if any(option.score is not None and Fraction(option.score) > 1 for option in options):
            yield "a score is from 0 to 1"
        if DECLINED not in by_code:
            yield "every scale lets people decline to answer"
        if any(by_code[code].score is not None for code in (DECLINED, NOT_APPLICABLE) if code in by_code):
            yield "what was not answered has no score"


def _faults_of_items(instrument: Instrument) -> Iterator[str]:
    before: dict[str, Item] = {}
    for item in instrument.items:
        if item.scale not in instrument.scales:
            yield "every item has a scale that is there"
        skip = item.skip_if
        if skip is not None:
            asked = before.get(skip.item)
            known = {option.code for option in instrument.scales.get(asked.scale, ())} if asked else set()
            if not known.issuperset(skip.answered):
                yield "an item is skipped by answers of an earlier one"
        before[item.code] = item


def _faults_of_weights(instrument: Instrument) -> Iterator[str]:
    items = {item.code: item for item in instrument.items}
    schemes = {scheme.code: scheme for scheme in instrument.schemes}
    places = [(weight.scheme, weight.dimension, weight.item) for weight in instrument.weights]
    if len(set(places)) < len(places):
        yield "an item has one weight in one place"
    for weight in instrument.weights:
        scheme, item = schemes.get(weight.scheme), items.get(weight.item)
        if scheme is None or Fraction(weight.weight) == 0:
            yield "a weight is above 0, and of a scheme that is there"
        elif weight.dimension == COMPOSITE and scheme.composite == "dimensions":
            if weight.item not in instrument.dimensions:
                yield "a composite of dimensions weighs dimensions"
        elif item is None or weight.dimension not in {COMPOSITE, item.dimension}:
            yield "an item is weighed in its dimension or in the composite"
        elif all(option.score is None for option in instrument.scales.get(item.scale, ())):
            yield "what scores nothing is not weighed"
    for scheme in instrument.schemes:
        if not 0 < Fraction(scheme.least_answered) <= 1:
            yield "the share that must be answered is above 0 and at most 1"
        weighed = {weight.dimension for weight in instrument.weights if weight.scheme == scheme.code}
        if weighed != {COMPOSITE, *instrument.dimensions}:
            yield "every scheme weighs every dimension, the composite, and nothing else"
