"""Rights and roles: nobody grants what they lack, and nobody takes over a stronger account."""

from __future__ import annotations

import pytest

from prewatt.core.errors import Refusal
from prewatt.office.operators import selectors, services
from prewatt.office.operators.errors import FormRefusal
from prewatt.office.operators.models import OperationLog, Operator, Role
from prewatt.office.operators.rights import BUILTIN_ROLES, DOORS, RIGHTS
from tests.office import factories as make

pytestmark = pytest.mark.django_db


def role(code: str) -> Role:
    return Role.objects.get(code=code)


def test_every_right_has_a_label_and_a_door_and_belongs_to_the_administrator() -> None:
    assert all(right.code == code and right.label and right.door in DOORS for code, right in RIGHTS.items())
    assert BUILTIN_ROLES[0].rights == frozenset(RIGHTS)
    assert all(builtin.rights <= frozenset(RIGHTS) for builtin in BUILTIN_ROLES)


def test_builtin_roles_are_made_once_and_brought_up_to_date() -> None:
    services.ensure_builtin_roles(at=make.AT)
    Role.objects.filter(code="cashier").update(rights=["vend.sell", "estate.edit"])
    services.ensure_builtin_roles(at=make.AT)
    assert Role.objects.count() == len(BUILTIN_ROLES)
    assert "estate.edit" not in role("cashier").rights
    lines = OperationLog.objects.count()
    services.ensure_builtin_roles(at=make.AT)
    assert OperationLog.objects.count() == lines


def test_an_operator_may_what_their_roles_allow_and_nothing_when_inactive() -> None:
    cashier = make.make_operator("cashier")
    assert selectors.may(cashier, "vend.sell")
    assert not selectors.may(cashier, "operators.edit")
    with pytest.raises(KeyError):
        selectors.may(cashier, "vend.give-away")
    cashier.is_active = False
    assert selectors.rights_of(cashier) == frozenset()


def test_a_right_that_no_longer_exists_gives_nothing() -> None:
    operator = make.make_operator(None)
    Role.objects.filter(operators=operator).update(rights=["gone.for-ever", "wall.view"])
    assert selectors.rights_of(operator) == {"wall.view"}


def personnel() -> Operator:
    """Somebody who may edit operators and roles, and sell, but no more."""
    operator = make.make_operator(None, username="personnel")
    rights = ["operators.view", "operators.edit", "roles.edit", "vend.sell", "vend.view", "wall.view"]
    mine = services.save_role(instance=None, name="人事", rights=rights, by=None, at=make.AT)
    return services.edit_operator(operator=operator, name="人事", roles=[mine], by=None, at=make.AT)


def test_nobody_grants_what_they_lack() -> None:
    by = personnel()
    services.ensure_builtin_roles(at=make.AT)
    fields = {"name": "新人", "password": make.PASSWORD, "by": by, "at": make.AT}
    with pytest.raises(FormRefusal) as refused:
        services.create_operator(username="friend", roles=[role("administrator")], **fields)
    assert list(refused.value.errors) == ["roles"]
    with pytest.raises(FormRefusal):
        services.save_role(instance=None, name="后门", rights=["log.view"], by=by, at=make.AT)
    with pytest.raises(FormRefusal):
        services.edit_operator(operator=by, name="人事", roles=[role("administrator")], by=by, at=make.AT)
    small = services.save_role(instance=None, name="看墙", rights=["wall.view"], by=by, at=make.AT)
    made = services.create_operator(username="friend", roles=[small], **fields)
    assert selectors.rights_of(made) == {"wall.view"}


def test_nobody_takes_over_a_stronger_account() -> None:
    by, boss = personnel(), make.make_operator("administrator")
    for act in (
        lambda: services.reset_password(operator=boss, by=by, at=make.AT),
        lambda: services.set_active(operator=boss, active=False, by=by, at=make.AT),
        lambda: services.edit_operator(operator=boss, name="x", roles=list(by.roles.all()), by=by, at=make.AT),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == "outranked"


def test_a_role_that_holds_more_cannot_be_emptied_by_somebody_who_lacks_it() -> None:
    by = personnel()
    strong = services.save_role(instance=None, name="强", rights=["log.view"], by=None, at=make.AT)
    with pytest.raises(FormRefusal):
        services.save_role(instance=strong, name="强", rights=["wall.view"], by=by, at=make.AT)


def test_a_builtin_role_is_fixed() -> None:
    services.ensure_builtin_roles(at=make.AT)
    with pytest.raises(Refusal) as refused:
        services.save_role(instance=role("cashier"), name="x", rights=[], by=None, at=make.AT)
    assert refused.value.code == "builtin-role"


def test_the_last_administrator_stays() -> None:
    boss = make.make_operator("administrator")
    with pytest.raises(Refusal):
        services.set_active(operator=boss, active=False, by=None, at=make.AT)
    with pytest.raises(FormRefusal):
        services.edit_operator(operator=boss, name="x", roles=[role("cashier")], by=None, at=make.AT)
    other = make.make_operator("administrator")
    with pytest.raises(Refusal) as refused:
        services.set_active(operator=boss, active=False, by=boss, at=make.AT)
    assert refused.value.code == "self-inactive"
    services.set_active(operator=boss, active=False, by=other, at=make.AT)
    assert not Operator.objects.get(pk=boss.pk).is_active


def test_the_log_tells_what_changed_and_never_a_password() -> None:
    boss = make.make_operator("administrator")
    made = services.create_operator(
        username="new", name="新", password="a-very-long-secret", roles=[role("cashier")], by=boss, at=make.AT
    )
    services.edit_operator(operator=made, name="新名", roles=[role("finance")], by=boss, at=make.AT)
    entry = OperationLog.objects.get(action="operators.edit")
    assert (entry.operator, entry.operator_name) == (boss, boss.name)
    assert entry.data["before"]["roles"] == ["cashier"]
    assert entry.data["after"]["roles"] == ["finance"]
    assert "secret" not in str(list(OperationLog.objects.values()))


def test_the_log_is_for_those_who_may_see_it_and_ones_own_acts_for_everybody() -> None:
    auditor, cashier = make.make_operator("auditor"), make.make_operator("cashier")
    services.record(by=cashier, at=make.AT, action="own.act")
    assert selectors.operation_log(auditor).count() == OperationLog.objects.count()
    assert [entry.action for entry in selectors.operation_log(cashier)] == ["own.act"]
    assert not selectors.operators(cashier).exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", ""), ("username", "BOSS"), ("name", " "), ("password", "short"), ("password", "password123")],
)
def test_a_bad_field_of_an_operator_is_named(field: str, value: str) -> None:
    make.make_operator(username="boss")
    with pytest.raises(FormRefusal) as refused:
        make.make_operator(**{field: value})
    assert list(refused.value.errors) == [field]
