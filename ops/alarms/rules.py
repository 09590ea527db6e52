"""The alert rules as they stand in the file that Prometheus reads, and what of them holds for some figures."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from ops.settings import PROJECT, CannotStart

RULES: Final = PROJECT / "deploy/prometheus/alerts.yaml"
_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_TERM: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)(?:\{([^{}]*)\})? (>=|<=|==|!=|>|<) (-?[0-9]+(?:\.[0-9]+)?)")
_LABEL: Final = re.compile(r'([a-zA-Z_]+)="([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure of one process; its labels name the process too, as ``job``."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Term:
    """A figure and the bound that it must not pass."""

    name: str
    labels: Mapping[str, str]
    op: str
    bound: float

    def holds(self, sample: Sample) -> bool:
        """Whether this figure is meant and beyond the bound; a figure that is no number is beyond none."""
        meant = sample.name == self.name and self.labels.items() <= sample.labels.items()
        return meant and _OPERATORS[self.op](sample.value, self.bound)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what is wrong when one of its terms holds for ``seconds``, and what to do first."""

    name: str
    terms: tuple[Term, ...]
    seconds: int
    severity: str
    what: str
    do: str
    runbook: str

    def met(self, samples: Iterable[Sample]) -> list[Sample]:
        """The figures for which it holds at this moment."""
        return [sample for sample in samples if any(term.holds(sample) for term in self.terms)]


def terms_of(expression: str) -> tuple[Term, ...] | None:
    """The terms of an expression of the simple kind; None for any other, which only Prometheus can judge."""
    terms = []
    for part in expression.split(" or "):
        found = _TERM.fullmatch(part)
        if found is None:
            return None
        labels = dict(_LABEL.findall(found[2] or ""))
        if ",".join(f'{name}="{value}"' for name, value in labels.items()) != (found[2] or ""):
            return None
        terms.append(Term(found[1], labels, found[3], float(found[4])))
    return tuple(terms)


def read_rules(path: Path = RULES) -> Sequence[Rule]:
    """The rules that mail is sent for; raises `CannotStart` where the file is missing or says something else."""
    try:
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        told = [one for group in groups for one in group["rules"] if one["labels"].get("mail") != "no"]
        return [_rule(one) for one in told]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError):
        raise CannotStart("alert_rules", f"the alert rules in {path} cannot be read") from None


def _rule(told: Mapping[str, object]) -> Rule:
    labels, says = told["labels"], told["annotations"]
    terms = terms_of(str(told["expr"]))
    if terms is None or not isinstance(labels, dict) or not isinstance(says, dict):
        raise ValueError("not a rule that mail is sent for")
    waits = str(told.get("for", "0s"))
    seconds = int(waits[:-1]) * _SECONDS[waits[-1]]
    return Rule(str(told["alert"]), terms, seconds, labels["severity"], says["what"], says["do"], says["runbook"])
