"""Nobody of whom it was noted that they are a child alone is ready without a determination, whatever age they stated."""

from typing import Final

from alembic import op

revision = "returns_15"
down_revision = "returns_14"
branch_labels = None
depends_on = None

_GATED: Final = "status NOT IN ('ready_to_travel', 'cleared_to_board')"
# Whoever stands ready without it is found over by the next look.
_OVER: Final = "holds_until < '2000-01-01 00:00:00+00'"
_TRAVELLING: Final = '@.travel == "expected"'
_SCREENED: Final = (
    "@.voluntariness.free == true && @.voluntariness.informed == true && @.voluntariness.capable == true "
    "&& @.voluntariness.legal_consequences_explained == true && @.voluntariness.alternatives_explained == true "
    '&& (@.voluntariness.interpreter == "none" || @.voluntariness.interpreter == "professional") '
    '&& (@.voluntariness.company == "nobody" '
    '|| (@.voluntariness.company == "guardian" && @.voluntariness.child_heard != null)) '
    "&& @.fear.fears_return == false && @.vulnerability != null && !(exists (@.alerts[*])) "
    '&& (!(@.vulnerability.indicators[*] == "vot_identified" || @.vulnerability.indicators[*] == "vot_presumed") '
    '|| @.trafficking.risk == "acceptable")'
)
_FOR_RETURN: Final = (
    '@.best_interests.outcome == "return" && @.best_interests.agreed[*] == "child" '
    '&& @.best_interests.agreed[*] == "family" && @.best_interests.agreed[*] == "guardian"'
)
_NOT_ALONE: Final = (
    '!(@.vulnerability.indicators[*] == "separated" || @.vulnerability.indicators[*] == "uasc" '
    '|| @.vulnerability.indicators[*] == "unaccompanied")'
)
_DETERMINED: Final = '@.best_interests.procedure == "determination"'


def _among(persons: str, screened: str) -> str:
    return (
        f"jsonb_path_query_array(persons, '$[*] ? ({persons}).person_id') "
        f"<@ jsonb_path_query_array(screening, '$[*] ? ({screened}).person_id')"
    )


def _condition(of_everybody: str, of_children: str) -> str:
    children = f'{_TRAVELLING} && @.age_group != "adult"'
    return f"{_among(_TRAVELLING, of_everybody)} AND {_among(children, of_children)}"


_NOW: Final = _condition(f"{_SCREENED} && ({_NOT_ALONE} || ({_FOR_RETURN} && {_DETERMINED}))", _FOR_RETURN)
_BEFORE: Final = _condition(_SCREENED, f"{_FOR_RETURN} && ({_NOT_ALONE} || {_DETERMINED})")


def upgrade() -> None:
    op.execute(f"UPDATE cases SET holds_until = 'epoch' WHERE NOT ({_GATED}) AND ({_NOW}) IS NOT TRUE")
    _limit(_NOW)


def downgrade() -> None:
    _limit(_BEFORE)


def _limit(condition: str) -> None:
    op.drop_constraint(op.f("ck_cases_everybody_screened"), "cases")
    op.create_check_constraint(
        op.f("ck_cases_everybody_screened"), "cases", f"{_GATED} OR {_OVER} OR ({condition}) IS TRUE"
    )
