"""Who a session belongs to. Passwords are judged by ``services.sign_in`` alone; this only finds the operator again."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from prewatt.office.operators.models import Operator


class OperatorBackend(BaseBackend):
    """Gives a session its operator, as long as that operator is active."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        del request, credentials

    def get_user(self, user_id: Any) -> Operator | None:
        return Operator.objects.filter(pk=user_id, is_active=True).first()
