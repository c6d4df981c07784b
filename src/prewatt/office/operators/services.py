"""Writes about operators: who may work here, and with which rights.

Nobody grants what they lack, and nobody gets more power by taking over the account of somebody who has more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_noop as _

from prewatt.core.errors import Refusal
from prewatt.office.operators.errors import FormRefusal, Problem
from prewatt.office.operators.log import record
from prewatt.office.operators.models import Operator, Role
from prewatt.office.operators.rights import BUILTIN_ROLES, RIGHTS
from prewatt.office.operators.selectors import rights_in, rights_of
from prewatt.office.operators.sign_in import sign_in, sign_out

__all__ = [
    "change_password",
    "create_operator",
    "edit_operator",
    "ensure_builtin_roles",
    "generated_password",
    "record",
    "reset_password",
    "save_role",
    "set_active",
    "set_language",
    "sign_in",
    "sign_out",
]

# letters and digits that cannot be mistaken for each other on paper
CLEAR = "abcdefghjkmnpqrstuvwxyz23456789"
REQUIRED = Problem(_("This field is needed."))
LACKING = _("You cannot give a right that you do not have: %(rights)s")


def generated_password() -> str:
    """A password of about 69 bits that can be read out on the telephone."""
    return "-".join(get_random_string(5, CLEAR) for _group in range(3))


def ensure_builtin_roles(*, at: datetime) -> None:
    """Make the built-in roles, or bring their rights to this version's."""
    for builtin in BUILTIN_ROLES:
        wanted = {"name": builtin.name, "rights": sorted(builtin.rights), "builtin": True}
        with transaction.atomic():
            role, made = Role.objects.get_or_create(code=builtin.code, defaults=wanted)
            if not made and (role.rights != wanted["rights"] or role.name != builtin.name or not role.builtin):
                Role.objects.filter(pk=role.pk).update(**wanted)
                made = True
            if made:
                record(by=None, at=at, action="operators.role.builtin", subject=builtin.code)


@transaction.atomic
def create_operator(
    *,
    username: str,
    name: str,
    password: str,
    roles: Collection[Role],
    by: Operator | None,
    at: datetime,
    phone: str = "",
    language: str = "zh-hans",
    must_change_password: bool = True,
) -> Operator:
    """A new operator. ``by`` None is set-up. Raises FormRefusal with a message a field."""
    username, name = username.strip(), name.strip()
    errors: dict[str, Problem] = {}
    if not username:
        errors["username"] = REQUIRED
    elif Operator.objects.filter(username__iexact=username).exists():
        errors["username"] = Problem(_("There is an operator of this name already."))
    if not name:
        errors["name"] = REQUIRED
    _judge_roles(roles, by, errors)
    operator = Operator(username=username, name=name, phone=phone.strip(), language=language, created_at=at)
    _judge_password(password, operator, "password", errors)
    if errors:
        raise FormRefusal(errors)
    operator.password = make_password(password)
    operator.must_change_password = must_change_password
    operator.save(force_insert=True)
    operator.roles.set(roles)
    record(
        by=by,
        at=at,
        action="operators.create",
        subject=username,
        summary=name,
        data={"roles": sorted(role.code for role in roles)},
    )
    return operator


@transaction.atomic
def edit_operator(
    *, operator: Operator, name: str, roles: Collection[Role], by: Operator | None, at: datetime, phone: str = ""
) -> Operator:
    """Change an operator's name, phone and roles. Raises FormRefusal."""
    _must_outrank(by, operator)
    errors: dict[str, Problem] = {}
    if not name.strip():
        errors["name"] = REQUIRED
    _judge_roles(roles, by, errors)
    if not errors and _would_be_headless(operator, roles):
        errors["roles"] = Problem(_("Somebody must stay who can edit operators and roles."))
    if errors:
        raise FormRefusal(errors)
    before = {"name": operator.name, "phone": operator.phone, "roles": _codes(operator.roles.all())}
    operator.name, operator.phone = name.strip(), phone.strip()
    operator.save(update_fields=["name", "phone"])
    operator.roles.set(roles)
    after = {"name": operator.name, "phone": operator.phone, "roles": _codes(roles)}
    record(
        by=by,
        at=at,
        action="operators.edit",
        subject=operator.username,
        summary=operator.name,
        data={"before": before, "after": after},
    )
    return operator


@transaction.atomic
def set_active(*, operator: Operator, active: bool, by: Operator | None, at: datetime) -> None:
    """Let an operator in, or out. Nobody is ever deleted. Raises Refusal."""
    _must_outrank(by, operator)
    if not active:
        if by is not None and by.pk == operator.pk:
            raise Refusal("self-inactive", "You cannot make yourself inactive. Ask another administrator.")
        if _would_be_headless(operator, ()):
            raise Refusal("last-administrator", "Somebody must stay who can edit operators and roles.")
    operator.is_active = active
    operator.save(update_fields=["is_active"])
    record(by=by, at=at, action="operators.activate" if active else "operators.deactivate", subject=operator.username)


@transaction.atomic
def reset_password(
    *, operator: Operator, by: Operator | None, at: datetime, make: Callable[[], str] = generated_password
) -> str:
    """Give an operator a new password, which they must change when they sign in. Returns it; it is kept nowhere."""
    _must_outrank(by, operator)
    fresh = make()
    operator.password = make_password(fresh)
    operator.must_change_password = True
    operator.failed_sign_ins, operator.refused_until = 0, None
    operator.save(update_fields=["password", "must_change_password", "failed_sign_ins", "refused_until"])
    record(by=by, at=at, action="operators.reset-password", subject=operator.username)
    return fresh


@transaction.atomic
def change_password(*, operator: Operator, old: str, new: str, at: datetime) -> None:
    """An operator's own new password. Raises FormRefusal; every other session of theirs ends with it."""
    errors: dict[str, Problem] = {}
    if not check_password(old, operator.password):
        errors["old"] = Problem(_("This is not your present password."))
    elif old == new:
        errors["new"] = Problem(_("The new password must differ from the old one."))
    _judge_password(new, operator, "new", errors)
    if errors:
        raise FormRefusal(errors)
    operator.password = make_password(new)
    operator.must_change_password = False
    operator.save(update_fields=["password", "must_change_password"])
    record(by=operator, at=at, action="operators.change-password", subject=operator.username)


def set_language(*, operator: Operator, language: str) -> None:
    """Remember which language an operator reads."""
    operator.language = language
    operator.save(update_fields=["language"])


@transaction.atomic
def save_role(
    *, instance: Role | None, name: str, rights: Collection[str], by: Operator | None, at: datetime, code: str = ""
) -> Role:
    """Make or change a role of the site's own. Raises FormRefusal; a built-in role is fixed."""
    if instance is not None and instance.builtin:
        raise Refusal("builtin-role", "A built-in role cannot be changed. Make a role of your own instead.")
    name = name.strip()
    errors: dict[str, Problem] = {}
    if not name:
        errors["name"] = REQUIRED
    elif Role.objects.filter(name__iexact=name).exclude(pk=instance.pk if instance else 0).exists():
        errors["name"] = Problem(_("There is a role of this name already."))
    unknown = sorted(set(rights) - RIGHTS.keys())
    held = set(rights) | set(instance.rights if instance else ())
    lacking = _lacking(by, held)
    if unknown:
        errors["rights"] = Problem(_("There is no such right: %(rights)s"), {"rights": ", ".join(unknown)})
    elif lacking:
        errors["rights"] = Problem(LACKING, {"rights": ", ".join(lacking)})
    if errors:
        raise FormRefusal(errors)
    before = list(instance.rights) if instance else []
    if instance is None:
        role = Role(code=code or _free_code(), name=name, rights=sorted(rights))
        role.save(force_insert=True)
    else:
        role = instance
        role.name, role.rights = name, sorted(rights)
        role.save(update_fields=["name", "rights"])
    record(
        by=by,
        at=at,
        action="operators.role.edit" if instance else "operators.role.create",
        subject=role.code,
        summary=name,
        data={"before": before, "after": role.rights},
    )
    return role


def _free_code() -> str:
    newest = Role.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return f"role-{newest + 1}"


def _codes(roles: Iterable[Role]) -> list[str]:
    return sorted(role.code for role in roles)


def _lacking(by: Operator | None, rights: Collection[str]) -> list[str]:
    """Those of some rights that ``by`` does not have. Set-up (None) has them all."""
    return [] if by is None else sorted(set(rights) & RIGHTS.keys() - rights_of(by))


def _judge_roles(roles: Collection[Role], by: Operator | None, errors: dict[str, Problem]) -> None:
    lacking = _lacking(by, rights_in(role.rights for role in roles))
    if not roles:
        errors["roles"] = Problem(_("Choose at least one role."))
    elif lacking:
        errors["roles"] = Problem(LACKING, {"rights": ", ".join(lacking)})


def _judge_password(password: str, operator: Operator, field: str, errors: dict[str, Problem]) -> None:
    try:
        validate_password(password, operator)
    except ValidationError as error:
        errors.setdefault(field, Problem(" ".join(error.messages)))


def _must_outrank(by: Operator | None, operator: Operator) -> None:
    """Whoever changes an account could sign in with it: so they must already hold all its rights."""
    held = rights_in(Role.objects.filter(operators=operator).values_list("rights", flat=True))
    if by is not None and by.pk != operator.pk and _lacking(by, held):
        raise Refusal("outranked", "This operator has rights that you do not have. Ask an administrator.")


def _would_be_headless(operator: Operator, roles: Collection[Role]) -> bool:
    """Whether this is the last active one who can edit operators and roles, and would lose that with these roles."""
    needed = {"operators.edit", "roles.edit"}
    held = rights_in(Role.objects.filter(operators=operator).values_list("rights", flat=True))
    if not needed <= held or needed <= rights_in(role.rights for role in roles):
        return False
    others = Operator.objects.filter(is_active=True).exclude(pk=operator.pk).prefetch_related("roles")
    return not any(needed <= rights_in(role.rights for role in other.roles.all()) for other in others)
