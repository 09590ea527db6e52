"""The rest of a mission's work in the year: sessions with others, groups informed, people reached outside."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ops.demo_year import quotas
from ops.demo_year.identities import make_known
from ops.demo_year.people import CENTRES, COUNSELLORS, Dice, Household, Member, moment
from ops.demo_year.script import INTERPRETERS, LAST_DAY, Journey, hold_session, kind_of_interpreter
from services.counselling.domain.group_session import RecordGroupSession
from services.counselling.domain.outreach import RecordOutreach
from services.counselling.domain.session import HoldSession, MarkSessionNotHeld, ScheduleSession
from shared.contracts.counselling import SessionOutcome, Sex

WITHOUT_INTENTION: tuple[SessionOutcome, ...] = (
    "information_only", "follow_up", "no_return_wish", "referred", "stopped_by_migrant", "other_option_advised",
)  # fmt: skip
MUNICIPALITIES = ("bihac", "cazin", "velika_kladusa", "kljuc", "sarajevo", "ilidza", "hadzici", "tuzla", "mostar", "zvornik")


def sessions_with_others(dice: Dice, count: int) -> Iterable[Journey]:
    """Exactly ``count`` held individual sessions that led to no intention, some with persons known, most anonymous."""
    left = count - quotas.SESSIONS_SCHEDULED_AND_HELD
    for _ in range(quotas.PERSONS_WITHOUT_INTENTION):
        journey = _somebody_known(dice, min(dice.between(1, 3), left))
        left -= journey.sessions
        yield journey
    for _ in range(left):
        yield _anonymous_session(dice)
    for number in range(quotas.SESSIONS_NOT_HELD + quotas.SESSIONS_SCHEDULED_AND_HELD):
        yield _scheduled_session(dice, held=number < quotas.SESSIONS_SCHEDULED_AND_HELD)
    for _ in range(quotas.LEGAL_SESSIONS):
        yield _anonymous_session(dice, legal=True)


def group_sessions(dice: Dice) -> Iterable[Journey]:
    """The year's group information sessions."""
    for _ in range(quotas.GROUP_SESSIONS):
        journey, day = Journey(dice), dice.between(0, LAST_DAY)
        female, male = dice.between(0, 4), dice.between(2, 14)
        at = moment(day, dice.between(8, 14), dice.between(0, 59))
        journey.give(
            at, _counsellor(dice), dice.id(day),
            RecordGroupSession(
                site=dice.random.choice(CENTRES), language=_language(dice), held_at=at - timedelta(minutes=45),
                topics=("return_conditions", "asylum"), participants=female + male, female=female, male=male,
                children=dice.between(0, min(3, female + male)),
            ),
        )  # fmt: skip
        yield journey


def outreach(dice: Dice) -> Iterable[Journey]:
    """The year's outreach: every location at least once, and the contacts together exactly the year's."""
    contacts = _parts(dice, quotas.OUTREACH_CONTACTS, quotas.OUTREACH_VISITS)
    for number, reached in enumerate(contacts):
        place = number if number < quotas.OUTREACH_LOCATIONS else dice.between(0, quotas.OUTREACH_LOCATIONS - 1)
        journey, day = Journey(dice), dice.between(0, LAST_DAY)
        at = moment(day, dice.between(8, 14), dice.between(0, 59))
        journey.give(
            at, _counsellor(dice), dice.id(day),
            RecordOutreach(
                location=f"place_{place + 1:03}", municipality=MUNICIPALITIES[place % len(MUNICIPALITIES)],
                language=_language(dice), held_at=at - timedelta(minutes=30), contacts=reached,
            ),
        )  # fmt: skip
        yield journey


def _parts(dice: Dice, whole: int, count: int) -> list[int]:
    cuts = sorted(dice.random.sample(range(1, whole), count - 1))
    return [after - before for before, after in zip([0, *cuts], [*cuts, whole], strict=True)]


def _somebody_known(dice: Dice, sessions: int) -> Journey:
    journey = Journey(dice)
    sex: Sex = "female" if dice.random.random() < 0.15 else "male"
    member = Member(dice.id(0), sex, dice.between(1970, 2003), "principal")
    country = dice.random.choice(sorted(quotas.LANGUAGES))
    site = dice.random.choice(CENTRES)
    counsellor = dice.random.choice(COUNSELLORS[site])
    household = Household((member,), country, quotas.LANGUAGES[country], site, counsellor, "open")
    day = dice.between(0, LAST_DAY - 60)
    make_known(journey, household, day)
    for number in range(sessions):
        hold_session(journey, household, moment(day + 20 * number, 10), dice.random.choice(WITHOUT_INTENTION))
    return journey


def _anonymous_session(dice: Dice, *, legal: bool = False) -> Journey:
    journey, day = Journey(dice), dice.between(0, LAST_DAY)
    at = moment(day, dice.between(8, 14), dice.between(0, 59))
    journey.give(at, _counsellor(dice), dice.id(day), _held(dice, at, legal=legal))
    journey.sessions += not legal
    return journey


def _scheduled_session(dice: Dice, *, held: bool) -> Journey:
    journey, day = Journey(dice), dice.between(0, LAST_DAY - 5)
    counsellor, session_id, due = _counsellor(dice), dice.id(day), moment(day + 3, 10)
    order = _held(dice, due + timedelta(hours=1))
    journey.give(
        moment(day, 9), counsellor, session_id,
        ScheduleSession(
            session_type="individual", modality="in_person", site=order.site, language=order.language, scheduled_for=due
        ),
    )  # fmt: skip
    if held:
        journey.give(due + timedelta(hours=1), counsellor, session_id, order)
        journey.sessions += 1
    else:
        reason = dice.random.choice(("no_show", "cancelled_by_migrant", "cancelled_by_counsellor"))
        journey.give(due + timedelta(hours=1), counsellor, session_id, MarkSessionNotHeld(reason=reason))
    return journey


def _held(dice: Dice, at: datetime, *, legal: bool = False) -> HoldSession:
    site, language = dice.random.choice(CENTRES), _language(dice)
    interpreter = dice.random.choice(INTERPRETERS)
    return HoldSession(
        session_type="legal_information" if legal else "individual", modality="in_person", site=site, language=language,
        interpreter=interpreter, interpreter_kind=kind_of_interpreter(interpreter), present=("alone",), held_at=at,
        topics=("legal_pathways",) if legal else ("return_conditions",),
        outcome="information_only" if legal else dice.random.choice(WITHOUT_INTENTION),
    )  # fmt: skip


def _counsellor(dice: Dice) -> str:
    return dice.random.choice(COUNSELLORS[dice.random.choice(CENTRES)])


def _language(dice: Dice) -> str:
    return dice.random.choice(sorted(set(quotas.LANGUAGES.values())))
