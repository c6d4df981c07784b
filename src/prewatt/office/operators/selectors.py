"""What may be known of operators, their rights and their acts."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from prewatt.office.operators.models import OperationLog, Operator, Role
from prewatt.office.operators.rights import RIGHTS


def rights_of(operator: Operator) -> frozenset[str]:
    """Codes of all rights of an operator's roles; none when the operator is not active."""
    if not operator.is_active or operator.pk is None:
        return frozenset()
    lists = Role.objects.filter(operators=operator).values_list("rights", flat=True)
    return rights_in(lists)


def rights_in(lists: Iterable[Iterable[str]]) -> frozenset[str]:
    """The known codes in some roles' lists: a right that a later version dropped gives nothing."""
    return frozenset(code for codes in lists for code in codes if code in RIGHTS)


def may(operator: Operator, right: str) -> bool:
    """Whether an operator has a right. Raises KeyError for a right that does not exist."""
    return RIGHTS[right].code in rights_of(operator)


def operators(operator: Operator) -> QuerySet[Operator]:
    """All operators, for whoever may see them."""
    found = Operator.objects.prefetch_related("roles").order_by("username")
    return found if may(operator, "operators.view") else found.none()


def roles(operator: Operator) -> QuerySet[Role]:
    """All roles, built-in ones first."""
    found = Role.objects.order_by("-builtin", "pk")
    return found if may(operator, "operators.view") else found.none()


def operation_log(operator: Operator) -> QuerySet[OperationLog]:
    """The operation log, newest first, for whoever may see it; everybody sees their own acts."""
    found = OperationLog.objects.select_related("operator").order_by("-pk")
    return found if may(operator, "log.view") else found.filter(operator=operator)
