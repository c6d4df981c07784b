"""Operators, roles, the operation log and the seals that make its past tamper-evident."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Role(models.Model):
    """A named set of rights. Built-in roles have a code; a site adds its own."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60, unique=True)
    rights = models.JSONField(_("rights"), default=list)  # codes of operators.rights
    builtin = models.BooleanField(default=False)

    @property
    def title(self) -> str:
        """The name as people read it: a built-in role's is translated."""
        return gettext(self.name) if self.builtin else self.name

    def __str__(self) -> str:
        return self.title


class Operator(AbstractBaseUser):
    """A person who works with the console. Never deleted; made inactive."""

    username = models.CharField(_("user name"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    roles = models.ManyToManyField(Role, blank=True, related_name="operators")
    is_active = models.BooleanField(_("active"), default=True)
    must_change_password = models.BooleanField(default=False)
    language = models.CharField(_("language"), max_length=10, default="zh-hans")
    created_at = models.DateTimeField()
    last_login = None  # Django's own follows the machine's clock; this follows the site's
    last_sign_in_at = models.DateTimeField(_("last sign-in"), null=True, blank=True)
    failed_sign_ins = models.PositiveIntegerField(default=0)
    refused_until = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name or self.username


class OperationLog(models.Model):
    """One act of one operator (or of the system itself). Append-only, sealed."""

    at = models.DateTimeField(_("time"), db_index=True)
    operator = models.ForeignKey(Operator, null=True, on_delete=models.PROTECT, related_name="+")
    operator_name = models.CharField(_("operator"), max_length=60)
    action = models.CharField(_("action"), max_length=60, db_index=True)  # "vend.sell", "estate.meter.edit", ...
    subject = models.CharField(_("subject"), max_length=120, blank=True)  # what a person would search for
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    data = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True, blank=True)


class Seal(models.Model):
    """A link of the hash chain over rows of the append-only tables."""

    seq = models.BigAutoField(primary_key=True)
    table = models.CharField(max_length=60)
    row = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, unique=True)  # unique: the chain cannot fork
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["table", "row"], name="seal_once")]
