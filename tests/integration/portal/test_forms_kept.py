"""What somebody typed outlasts a sign-in: it comes back once, to the same person, on the same page."""

import asyncpg

from ops import databases
from services.portal.sessions import COOKIE, IDLE
from services.portal.waiting import KEPT, MOST_BYTES, MOST_FORMS
from tests.integration.portal.person import FORM, People, Person, Portal
from tests.unit.ops.identity_provider import NOW

TYPED = {"reason": "changed their mind", "note": "üñí – “quoted” & <b>"}
BACK = {name: [value] for name, value in TYPED.items()}


async def too_late(people: People, portal: Portal) -> Person:
    person = people()
    await person.sign_in("counsellor-3")
    portal.hands.forward(IDLE.total_seconds())
    return person


async def test_a_form_that_was_sent_too_late_comes_back_to_the_same_person_once(people: People, portal: Portal) -> None:
    person = await too_late(people, portal)
    sent = await person.post(FORM, TYPED)
    assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?return_to=%2Fcases%2F42%2Fwithdraw")
    begun = await person.get(sent.headers["location"])
    answer = await person.back(await person.at_provider(begun, "counsellor-3"))
    assert answer.headers["refresh"] == f"0; url={FORM}"
    assert (await person.get(FORM)).json() == BACK
    assert (await person.get(FORM)).json() is None


async def test_nobody_else_sees_it_and_it_waits_for_its_own_person(people: People, portal: Portal) -> None:
    person = await too_late(people, portal)
    await person.post(FORM, TYPED)
    await person.provider.post("/end-session")
    await person.sign_in("counsellor-4", FORM)
    assert (await person.get(FORM)).json() is None
    await person.post("/sign-out")
    await person.provider.post("/end-session")
    await person.sign_in("counsellor-3", FORM)
    assert (await person.get(FORM)).json() == BACK


async def test_a_form_whose_sender_is_not_known_is_not_kept(people: People, front: databases.FrontLogins) -> None:
    stranger = people()
    assert (await stranger.post(FORM, TYPED)).status_code == 303
    await stranger.sign_in("counsellor-3")
    kept = stranger.cookies.pop(COOKIE)
    kept.set(COOKIE, "A" * 43, "A" * 43)
    stranger.cookies[COOKIE] = kept
    assert (await stranger.post(FORM, TYPED)).status_code == 303
    connection = await asyncpg.connect(front.api)
    assert await connection.fetchval("SELECT count(*) FROM kept_forms") == 0
    await connection.close()


async def test_a_session_that_the_provider_ended_still_keeps_a_form(people: People, portal: Portal) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    await person.provider.post("/end-session")
    portal.hands.forward(250)
    await person.post(FORM, TYPED)
    await person.sign_in("counsellor-3", FORM)
    assert (await person.get(FORM)).json() == BACK


async def test_a_stronger_sign_in_gives_the_form_back_to_the_same_person_under_a_new_id(
    people: People, portal: Portal
) -> None:
    person, thief = people(), people()
    await person.sign_in("counsellor-3")
    thief.cookies[COOKIE] = person.cookies[COOKIE]
    portal.hands.forward(60)
    sent = await person.post(FORM, TYPED)
    for part in ("acr_values=phr", "max_age=0"):
        assert part in sent.headers["location"]
    answer = await person.back(await person.at_provider(sent))
    assert answer.headers["refresh"] == f"0; url={FORM}"
    found = await person.who()
    assert found is not None
    assert (found["person"], found["acr"]) == ("staff:counsellor-3", "phr")
    assert found["auth_time"] != NOW.isoformat()
    assert person.secret != thief.secret
    assert await thief.who() is None
    assert (await person.get(FORM)).json() == BACK
    assert (await person.post(FORM, TYPED)).json() == BACK


async def test_a_sign_in_that_is_older_than_what_was_asked_for_is_refused(people: People, portal: Portal) -> None:
    person = people()
    await person.sign_in("finance-approver")
    portal.hands.forward(301)
    request_for_a_new_one = await person.post(FORM, TYPED)
    assert request_for_a_new_one.status_code == 200
    await person.post("/sign-out")
    await person.provider.post("/end-session")
    await person.sign_in("counsellor-3")
    portal.hands.forward(301)
    sent = await person.post(FORM, TYPED)
    answer = await person.back(await person.at_provider(sent, acr_values="pwd", max_age="3600"))
    assert answer.status_code == 400


async def test_whoever_turns_back_from_a_stronger_sign_in_is_where_they_were(people: People) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    secret = person.secret
    answer = await person.back(await person.turns_back(await person.post(FORM, TYPED)))
    assert answer.status_code == 403
    assert f'href="{FORM}"' in answer.text
    assert person.secret == secret
    assert (await person.get(FORM)).json() == BACK


async def test_somebody_else_in_a_stronger_sign_in_gets_a_start_page_and_not_the_form(people: People) -> None:
    person = people()
    await person.sign_in("counsellor-3")
    sent = await person.post(FORM, TYPED)
    answer = await person.back(await person.at_provider(sent, "coordinator", prompt="login"))
    assert answer.headers["refresh"] == "0; url=/"
    found = await person.who()
    assert found is not None and found["person"] == "staff:coordinator"
    assert (await person.get(FORM)).json() is None


async def test_what_was_typed_is_kept_for_an_hour_and_not_for_ever(people: People, portal: Portal) -> None:
    person = await too_late(people, portal)
    await person.post(FORM, TYPED)
    portal.hands.forward(KEPT.total_seconds())
    await person.sign_in("counsellor-3", FORM)
    assert (await person.get(FORM)).json() is None


async def test_nobody_fills_the_database_with_forms(portal: Portal, front: databases.FrontLogins) -> None:
    forms = portal.sessions.forms
    assert not await forms.keep("staff:a", "/big", {"note": ["x" * MOST_BYTES]})
    for number in range(MOST_FORMS + 5):
        portal.hands.forward(1)
        assert await forms.keep("staff:a", f"/{number}", {"note": [str(number)]})
        assert await forms.keep("staff:b", "/same", {"note": [str(number)]})
    connection = await asyncpg.connect(front.api)
    assert await connection.fetchval("SELECT count(*) FROM kept_forms") == MOST_FORMS + 1
    await connection.close()
    assert await forms.take("staff:a", "/4") is None
    assert await forms.take("staff:a", "/5") == {"note": ["5"]}
    assert await forms.take("staff:b", "/same") == {"note": [str(MOST_FORMS + 4)]}
