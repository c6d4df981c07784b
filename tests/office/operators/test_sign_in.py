"""Signing in: right password, wrong password, and a delay that grows and ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from prewatt.office.operators import services
from prewatt.office.operators.errors import FormRefusal, SignInRefused
from prewatt.office.operators.models import OperationLog, Operator
from prewatt.office.operators.sign_in import LONGEST_DELAY_S, delay_after
from tests.office import factories as make

pytestmark = pytest.mark.django_db


def refused(username: str, password: str, at: datetime, address: str | None = None) -> SignInRefused:
    with pytest.raises(SignInRefused) as caught:
        services.sign_in(username=username, password=password, at=at, address=address)
    return caught.value


def test_the_right_password_signs_in_and_is_logged() -> None:
    operator = make.make_operator("cashier")
    at = make.AT + timedelta(hours=1)
    found = services.sign_in(username=f" {operator.username} ", password=make.PASSWORD, at=at, address="10.0.0.7")
    assert (found.pk, found.last_sign_in_at) == (operator.pk, at)
    entry = OperationLog.objects.get(action="operators.sign-in")
    assert (entry.operator, entry.address, entry.at) == (operator, "10.0.0.7", at)
    assert found.password.startswith("argon2$argon2id$")


def test_the_delay_grows_with_each_wrong_password_and_then_ends() -> None:
    operator = make.make_operator("cashier")
    at = make.AT
    waits = []
    for _time in range(6):
        assert refused(operator.username, "wrong", at).code == "sign-in-wrong"
        again = Operator.objects.get(pk=operator.pk)
        assert again.refused_until is not None
        waits.append(round((again.refused_until - at).total_seconds()))
        at = again.refused_until
    assert waits == [0, 0, 5, 10, 20, 40]
    refused(operator.username, "wrong", at)
    early = refused(operator.username, make.PASSWORD, at + timedelta(seconds=79))
    assert (early.code, early.wait_s) == ("sign-in-wait", 1)
    services.sign_in(username=operator.username, password=make.PASSWORD, at=at + timedelta(seconds=80))
    assert Operator.objects.get(pk=operator.pk).failed_sign_ins == 0


def test_nobody_is_locked_out_for_ever() -> None:
    assert delay_after(10_000) == LONGEST_DELAY_S == 900


def test_a_name_that_does_not_exist_is_answered_like_a_wrong_password() -> None:
    operator = make.make_operator("cashier")
    unknown = refused("nobody", "wrong", make.AT)
    known = refused(operator.username, "wrong", make.AT)
    assert (unknown.code, unknown.message) == (known.code, known.message)


def test_an_inactive_operator_is_answered_like_a_wrong_password() -> None:
    operator = make.make_operator("cashier")
    services.set_active(operator=operator, active=False, by=None, at=make.AT)
    assert refused(operator.username, make.PASSWORD, make.AT).code == "sign-in-wrong"


def test_one_address_gets_five_wrong_tries_a_minute_whatever_the_names() -> None:
    operator = make.make_operator("cashier")
    for second in range(5):
        refused(f"guess{second}", "wrong", make.AT + timedelta(seconds=second), "10.0.0.66")
    late = make.AT + timedelta(seconds=30)
    stopped = refused(operator.username, make.PASSWORD, late, "10.0.0.66")
    assert (stopped.code, stopped.wait_s) == ("sign-in-wait", 30)
    services.sign_in(username=operator.username, password=make.PASSWORD, at=late, address="10.0.0.7")
    over = make.AT + timedelta(seconds=61)
    services.sign_in(username=operator.username, password=make.PASSWORD, at=over, address="10.0.0.66")


def test_own_password_needs_the_old_one_and_a_good_new_one() -> None:
    operator = make.make_operator("cashier")
    with pytest.raises(FormRefusal) as wrong:
        services.change_password(operator=operator, old="wrong", new="a-fine-new-password", at=make.AT)
    assert list(wrong.value.errors) == ["old"]
    with pytest.raises(FormRefusal) as weak:
        services.change_password(operator=operator, old=make.PASSWORD, new="1234567890", at=make.AT)
    assert list(weak.value.errors) == ["new"]
    services.change_password(operator=operator, old=make.PASSWORD, new="a-fine-new-password", at=make.AT)
    services.sign_in(username=operator.username, password="a-fine-new-password", at=make.AT)


def test_a_reset_password_must_be_changed_and_ends_the_waiting() -> None:
    operator = make.make_operator("cashier")
    for second in range(4):
        refused(operator.username, "wrong", make.AT + timedelta(minutes=second))
    fresh = services.reset_password(operator=operator, by=None, at=make.AT)
    found = services.sign_in(username=operator.username, password=fresh, at=make.AT + timedelta(minutes=3, seconds=1))
    assert found.must_change_password
    assert fresh not in str(list(OperationLog.objects.values()))
