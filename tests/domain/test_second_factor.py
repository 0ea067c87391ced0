"""Does the second factor let in whom it should, once, and nobody else, on both databases?"""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import select, update

from dashboard import clock, models
from dashboard.database import db, transaction
from dashboard.domain import (
    half_sign_ins,
    password_changes,
    profile,
    proving,
    second_factor,
    second_factor_rule,
    second_factor_setup,
    sessions,
    token_families,
    users,
)
from dashboard.domain.errors import Conflict, Forbidden, Invalid, NotFound
from dashboard.domain.sealing import Seal, Unreadable
from dashboard.domain.second_factor import Check, Demand, Verdict
from dashboard.domain.users import User
from dashboard.models import HalfSignIn, RecoveryCode, Requirement, Role, SecondFactor
from tests.factories import PASSWORD, make_user
from tests.support.authenticator import SEAL, Authenticator, switch_on


def check(user: User, typed: str, seal: Seal = SEAL) -> Verdict:
    return second_factor.check(user.id, typed, seal).verdict


def set_row(user: User, **values: object) -> None:
    with transaction() as session:
        session.execute(update(SecondFactor).where(SecondFactor.user_id == user.id).values(**values))


def code_of(refusal: pytest.ExceptionInfo[Conflict]) -> str:
    return refusal.value.code


def test_a_code_lets_in_once_and_none_before_it_afterwards(any_context: Flask) -> None:
    user = make_user()
    phone = switch_on(user)
    before, now, after = phone.code(-1), phone.code(), phone.code(1)

    taken = [check(user, f" {now[:3]} {now[3:]} "), check(user, now), check(user, before), check(user, after)]

    assert taken == [Verdict.RIGHT, Verdict.WRONG, Verdict.WRONG, Verdict.RIGHT]
    assert check(user, phone.code(3)) is Verdict.WRONG
    assert second_factor.demand(user) is Demand.CODE


def test_of_two_who_send_the_same_code_at_once_one_is_too_late(any_context: Flask) -> None:
    user = make_user()
    code = switch_on(user).code()
    ready, found = Barrier(2), []

    def send() -> None:
        with any_context.app_context():
            ready.wait()
            found.append(check(user, code))

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [Verdict.RIGHT, Verdict.WRONG]


def test_a_recovery_code_is_good_once_for_its_own_user_however_it_is_typed(app_context: Flask) -> None:
    ann, bob = make_user(), make_user()
    codes, others = switch_on(ann).recovery_codes, switch_on(bob).recovery_codes

    taken = [check(ann, f" {codes[0].upper().replace('-', ' ')} "), check(ann, codes[0]), check(ann, others[0])]
    standing = second_factor.standing(ann.id)

    assert len(set(codes)) == 10
    assert taken == [Verdict.RIGHT, Verdict.WRONG, Verdict.WRONG]
    assert standing is not None
    assert standing.codes_left == 9
    kept = db.session.scalars(select(RecoveryCode.code_hash)).all()
    assert not {*codes, *others} & set(kept)


def test_guessing_is_braked_longer_and_longer_and_a_recovery_code_goes_through(app_context: Flask) -> None:
    user = make_user()
    phone = switch_on(user)
    waits = []
    for _ in range(12):
        found = second_factor.check(user.id, phone.wrong_code, SEAL)
        if found.verdict is Verdict.BLOCKED:
            waits.append(round(found.wait_seconds / 60))
            assert check(user, phone.code()) is Verdict.BLOCKED
            set_row(user, blocked_until=clock.now())

    through = [check(user, phone.wrong_code), check(user, "nonsense"), check(user, phone.recovery_codes[0])]

    assert waits == [1, 2, 4, 8]
    assert through == [Verdict.WRONG, Verdict.BLOCKED, Verdict.RIGHT]
    assert check(user, phone.code()) is Verdict.RIGHT


def test_the_pause_never_exceeds_an_hour_and_the_owner_learns_of_the_tries(app_context: Flask) -> None:
    user = make_user()
    phone = switch_on(user)
    set_row(user, wrong_codes=5_000)

    wrong, blocked = (second_factor.check(user.id, phone.wrong_code, SEAL) for _ in range(2))
    set_row(user, blocked_until=None)
    right = second_factor.check(user.id, phone.code(), SEAL)

    assert wrong.verdict is Verdict.WRONG
    assert 59 * 60 < blocked.wait_seconds <= 60 * 60
    assert right == Check(Verdict.RIGHT, wrong_before=5_001)
    assert second_factor.check(user.id, phone.next_code, SEAL).wrong_before == 0


def test_the_secret_is_kept_sealed_for_its_own_user_and_key(app_context: Flask) -> None:
    ann, bob = make_user(), make_user()
    phone, others = switch_on(ann), switch_on(bob)
    sealed = db.session.get_one(SecondFactor, ann.id).sealed_secret

    other_key = check(ann, phone.code(), Seal("another key of more than thirty-two characters"))
    set_row(bob, sealed_secret=sealed)

    assert phone.secret not in sealed
    assert other_key is Verdict.UNREADABLE
    assert check(bob, phone.code()) is Verdict.UNREADABLE
    assert check(bob, others.recovery_codes[0]) is Verdict.RIGHT
    assert "thirty-two" not in repr(Seal("another key of more than thirty-two characters"))
    with pytest.raises(Unreadable):
        SEAL.open("another purpose", sealed)


def test_an_offer_is_for_one_user_runs_out_and_takes_a_right_code_only(app_context: Flask) -> None:
    ann, bob = make_user(), make_user()
    offer = second_factor_setup.offer(ann, SEAL)
    phone = Authenticator(offer.secret)

    with pytest.raises(Conflict) as not_his:
        second_factor_setup.confirm(bob.id, offer.sealed, phone.code(), SEAL)
    with pytest.raises(Invalid, match="code_wrong"):
        second_factor_setup.confirm(ann.id, offer.sealed, phone.wrong_code, SEAL)
    with pytest.raises(Conflict) as forged:
        second_factor_setup.offered(ann, "x" + offer.sealed, SEAL)
    assert second_factor.demand(ann) is Demand.NOTHING
    second_factor_setup.confirm(ann.id, offer.sealed, phone.code(), SEAL)
    with pytest.raises(Conflict) as again:
        second_factor_setup.confirm(ann.id, offer.sealed, phone.next_code, SEAL)

    assert [*map(code_of, (not_his, forged, again))] == [
        *("second_factor_offer_over", "second_factor_offer_over", "second_factor_exists")
    ]
    assert offer.address.startswith(f"otpauth://totp/Vestnik:{ann.name}?secret={offer.secret}&issuer=Vestnik")
    assert second_factor_setup.offered(ann, offer.sealed, SEAL) == offer


def test_switching_on_and_off_ends_every_other_sign_in(any_context: Flask) -> None:
    user, other = make_user(), make_user()
    mine, stolen, others = (sessions.begin(each.id, remember=True) for each in (user, user, other))
    half = half_sign_ins.begin(user.id, remember=False)
    family = token_families.begin(user.id)
    offer = second_factor_setup.offer(user, SEAL)

    second_factor_setup.confirm(user.id, offer.sealed, Authenticator(offer.secret).code(), SEAL, kept_session=mine)

    assert sessions.resume(mine, touch=False) == user
    assert sessions.resume(stolen, touch=False) is None
    assert half_sign_ins.resume(half) is None
    assert token_families.rotate(family.family_id, family.serial) is None
    assert sessions.resume(others, touch=False) == other
    second_factor.switch_off(user)
    assert sessions.resume(mine, touch=False) is None
    assert second_factor.standing(user.id) is None
    with pytest.raises(NotFound):
        second_factor_setup.renew_codes(user.id)


def test_new_recovery_codes_put_the_old_ones_out_of_use(app_context: Flask) -> None:
    user = make_user()
    old = switch_on(user).recovery_codes

    new = second_factor_setup.renew_codes(user.id)

    assert [check(user, old[0]), check(user, new[0])] == [Verdict.WRONG, Verdict.RIGHT]


def test_a_half_sign_in_is_good_once_for_ten_minutes_and_for_active_users(any_context: Flask) -> None:
    user = make_user()
    token, late = half_sign_ins.begin(user.id, remember=True), half_sign_ins.begin(user.id, remember=False)

    password_hash = db.session.get_one(models.User, user.id).password_hash
    half = half_sign_ins.resume(token)
    with transaction() as session:
        session.execute(update(models.User).values(is_active=False))
    while_inactive = half_sign_ins.resume(token)
    with transaction() as session:
        session.execute(update(models.User).values(is_active=True))
    with transaction() as session:
        session.execute(update(models.User).values(password_hash="changed"))
    with_another_password = half_sign_ins.resume(token)
    with transaction() as session:
        session.execute(update(models.User).values(password_hash=password_hash))
    used = [half_sign_ins.use_up(token), half_sign_ins.use_up(token)]
    with transaction() as session:
        session.execute(update(HalfSignIn).values(created_at=clock.now() - half_sign_ins.LASTS))

    assert half == half_sign_ins.Half(user, is_remembered=True)
    assert while_inactive is None
    assert with_another_password is None
    assert [half_sign_ins.resume(forged) for forged in ("", "x", f"{user.id}.", f"{'9' * 30}.x")] == [None] * 4
    assert used == [True, False]
    assert half_sign_ins.resume(late) is None
    assert sessions.resume(token, touch=False) is None
    half_sign_ins.begin(user.id, remember=False)
    assert len(db.session.scalars(select(HalfSignIn.id)).all()) == 1


def test_who_must_have_one_is_told_by_role_and_signed_out_until_they_have(any_context: Flask) -> None:
    chief, careless = make_user(Role.ADMINISTRATOR), make_user(Role.ADMINISTRATOR)
    operator = make_user()
    make_user(Role.ADMINISTRATOR, is_active=False)
    with pytest.raises(Conflict) as not_yet:
        second_factor_rule.change(chief.actor, Requirement.ADMINISTRATORS)
    switch_on(chief)
    tokens = [sessions.begin(user.id, remember=False) for user in (chief, careless, operator)]
    programs = [token_families.begin(user.id) for user in (chief, careless, operator)]

    second_factor_rule.change(chief.actor, Requirement.ADMINISTRATORS)
    demands = [second_factor.demand(user) for user in (chief, careless, operator)]
    left_in = [sessions.resume(token, touch=False) is not None for token in tokens]
    at_work = [token_families.rotate(each.family_id, each.serial) is not None for each in programs]
    rule = second_factor_rule.current(chief.actor)
    second_factor_rule.change(chief.actor, Requirement.EVERYBODY)

    assert code_of(not_yet) == "second_factor_first"
    assert demands == [Demand.CODE, Demand.SET_UP, Demand.NOTHING]
    assert left_in == at_work == [True, False, True]
    assert rule == second_factor_rule.Rule(Requirement.ADMINISTRATORS, 3, 1, 2, 1)
    assert second_factor.demand(operator) is Demand.SET_UP
    assert sessions.resume(tokens[2], touch=False) is None
    assert token_families.member(programs[2].family_id) is None
    with pytest.raises(Conflict) as kept:
        second_factor.switch_off(chief)
    assert code_of(kept) == "second_factor_required"
    for forbidden in (operator.actor, make_user(Role.VIEWER).actor):
        with pytest.raises(Forbidden):
            second_factor_rule.change(forbidden, Requirement.OFF)
        with pytest.raises(Forbidden):
            second_factor_rule.current(forbidden)


def test_an_administrator_resets_anothers_and_never_their_own(app_context: Flask) -> None:
    chief, user = make_user(Role.ADMINISTRATOR), make_user(name="Анна")
    token = sessions.begin(user.id, remember=False)
    switch_on(chief)
    switch_on(user)

    with pytest.raises(Forbidden):
        second_factor.reset(user.actor, chief.id)
    with pytest.raises(Conflict) as own:
        second_factor.reset(chief.actor, chief.id)
    with pytest.raises(NotFound):
        second_factor.reset(chief.actor, 0)
    second_factor.reset(chief.actor, user.id)
    with pytest.raises(Conflict) as missing:
        second_factor.reset(chief.actor, user.id)

    assert [code_of(own), code_of(missing)] == ["second_factor_own", "second_factor_missing"]
    assert second_factor.demand(user) is Demand.NOTHING
    assert sessions.resume(token, touch=False) is None
    assert second_factor.reset_by_name(chief.name.upper()).id == chief.id
    with pytest.raises(NotFound):
        second_factor.reset_by_name("nobody")


def test_before_a_door_is_rebuilt_password_and_code_are_asked_again(app_context: Flask) -> None:
    user = make_user()
    proving.prove(user, PASSWORD, "", SEAL)
    phone = switch_on(user)
    code = phone.code()

    for password, typed, problem in (
        ("wrong", code, "password_wrong"),
        (PASSWORD, phone.wrong_code, "code_wrong"),
    ):
        with pytest.raises(Invalid, match=problem):
            proving.prove(user, password, typed, SEAL)

    proving.prove(user, PASSWORD, code, SEAL)
    with pytest.raises(Invalid, match="code_wrong"):
        proving.prove(user, PASSWORD, code, SEAL)


def test_who_has_no_password_signs_in_by_none_and_is_asked_for_none(app_context: Flask) -> None:
    user = make_user()
    with transaction() as session:
        session.execute(update(models.User).values(password_hash=""))

    tried = [users.authenticate(user.name, password) for password in ("", "nobody's password", PASSWORD)]

    assert tried == [None, None, None]
    assert not users.has_password(user.id)
    assert password_changes.recipient(user.email) is None
    proving.prove(user, "", "", SEAL)
    assert profile.change(user, "Ben", user.email, "", tells=False).name == "Ben"
    with pytest.raises(Invalid):
        password_changes.change(user, "", "a horse of their own", "", tells=False)
    with pytest.raises(NotFound):
        second_factor.check(user.id, "123456", SEAL)


def test_an_offer_runs_out(app_context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user()
    offer = second_factor_setup.offer(user, SEAL)
    later = clock.now() + second_factor_setup.OFFER_LASTS + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)

    with pytest.raises(Conflict) as over:
        second_factor_setup.confirm(user.id, offer.sealed, Authenticator(offer.secret).code(), SEAL)

    assert code_of(over) == "second_factor_offer_over"
