"""Forms of operators and roles. What the asker may not give is shown, greyed, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from prewatt.office.estate.models import UnitGroup
from prewatt.office.operators.models import Role
from prewatt.office.operators.rights import RIGHTS
from prewatt.web.console.estate.groups import tree
from prewatt.web.console.listing.forms import KitForm


class GuardedBoxes(forms.CheckboxSelectMultiple):
    """Tick boxes of which some cannot be ticked by whoever looks at them."""

    shut: Collection[str] = ()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if str(value) in self.shut:
            option["attrs"]["disabled"] = True
        return option


class TreeBoxes(forms.CheckboxSelectMultiple):
    """Tick boxes of groups, each as far in as it lies."""

    depths: Mapping[str, int] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["depth"] = self.depths.get(str(value), 0)
        return option


class RoleChoice(forms.ModelMultipleChoiceField):  # type: ignore[type-arg] # has no __class_getitem__
    """Roles, each with how many rights it brings."""

    def label_from_instance(self, obj: Any) -> str:
        count = len(RIGHTS.keys() & set(obj.rights))
        words = ngettext("%(n)d right", "%(n)d rights", count) % {"n": count}
        return _("%(role)s (%(rights)s)") % {"role": obj.title, "rights": words}


class OperatorForm(KitForm):
    """An operator's account: who, with which roles, for which part of the site."""

    sections = (
        ("", ("username", "name", "phone", "language")),
        (gettext_lazy("What may be done"), ("roles",)),
        (gettext_lazy("In which buildings"), ("groups",)),
    )
    username = forms.CharField(
        label=gettext_lazy("user name"), max_length=40, help_text=gettext_lazy("For signing in. It cannot be changed.")
    )
    name = forms.CharField(
        label=gettext_lazy("full name"), max_length=60, help_text=gettext_lazy("As slips and logs show it.")
    )
    phone = forms.CharField(label=gettext_lazy("phone"), max_length=20, required=False)
    language = forms.ChoiceField(label=gettext_lazy("language"), choices=[("zh-hans", "简体中文"), ("en", "English")])
    roles = RoleChoice(Role.objects.none(), label=gettext_lazy("roles"), widget=GuardedBoxes)
    groups = forms.ModelMultipleChoiceField(
        UnitGroup.objects.none(),
        label=gettext_lazy("only these buildings"), required=False, widget=TreeBoxes,
        help_text=gettext_lazy("Each with everything below it. None chosen: the whole site."),
    )  # fmt: skip

    def __init__(self, *args: Any, rights: Collection[str], roles: Any, groups: Any, new: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        every = list(roles)
        shut = {str(role.pk) for role in every if RIGHTS.keys() & set(role.rights) - set(rights)}
        box, scope = self.fields["roles"], self.fields["groups"]
        assert isinstance(box, RoleChoice)
        assert isinstance(scope, forms.ModelMultipleChoiceField)
        assert isinstance(box.widget, GuardedBoxes)
        box.queryset, scope.queryset = roles, groups
        box.widget.shut = shut
        if shut:
            box.help_text = _("A role in grey has rights that you do not have, so you cannot give it.")
        if not new:
            del self.fields["username"]
            del self.fields["language"]
        ordered = tree(groups)
        assert isinstance(scope.widget, TreeBoxes)
        scope.widget.depths = {str(group.pk): min(group.depth, 4) for group in ordered}  # type: ignore[attr-defined]
        scope.widget.choices = [(group.pk, group.name) for group in ordered]
        if not ordered:
            del self.fields["groups"]


class RoleForm(KitForm):
    """A role's name and rights."""

    name = forms.CharField(label=gettext_lazy("name"), max_length=60)
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("rights"), required=False, choices=[(code, code) for code in RIGHTS]
    )
