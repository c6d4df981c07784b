"""Faults of the simulated building on demand, and the truth inside a simulated meter beside what the books say."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from prewatt.core.errors import Refusal
from prewatt.field.simulator.client import SimulatorClient
from prewatt.office.operators.services import record
from prewatt.office.readings import selectors as readings
from prewatt.web.console.base.access import ConsoleRequest, right
from prewatt.web.console.base.refusals import said
from prewatt.web.console.demo.kinds import KINDS, Kind, Target, as_fault, whole_seconds

View = Callable[..., HttpResponse]


def only_in_demo(view: View) -> View:
    """A real site has no such page."""

    @wraps(view)
    def guarded(request: ConsoleRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.site.demo:
            raise Http404("only a demo site has a simulator")
        return view(request, *args, **kwargs)

    return guarded


@right("demo.faults")
@require_safe
@only_in_demo
def faults(request: ConsoleRequest) -> HttpResponse:
    """What can go wrong, what is wrong now, and a look inside a meter."""
    simulator = _simulator()
    context: dict[str, Any] = {"kinds": KINDS, "away": "", "meters": [], "lines": [], "gateways": []}
    try:
        context["meters"] = simulator.meters()
        context["lines"] = [line["name"] for line in simulator.lines()]
        context["gateways"] = sorted({line["gateway"] for line in simulator.lines()})
        context |= _active(simulator, request, context["meters"])
    except Refusal as refusal:
        context["away"] = said(refusal)
    context |= _inside(request, simulator, request.GET.get("meter", ""))
    return render(request, "console/demo/faults.html", context)


@right("demo.faults")
@require_safe
@only_in_demo
def active(request: ConsoleRequest) -> HttpResponse:
    """The list of faults that hold now."""
    simulator = _simulator()
    try:
        context = _active(simulator, request, simulator.meters())
    except Refusal as refusal:
        context = {"away": said(refusal)}
    return render(request, "console/demo/active.html", context)


@right("demo.faults")
@require_safe
@only_in_demo
def inside(request: ConsoleRequest) -> HttpResponse:
    """What a meter really holds, beside what the console believes."""
    return render(request, "console/demo/inside.html", _inside(request, _simulator(), request.GET.get("meter", "")))


@right("demo.faults")
@require_POST
@only_in_demo
def make(request: ConsoleRequest) -> HttpResponse:
    """Make a fault at a meter, a line or a gateway, for so many seconds."""
    simulator = _simulator()
    kind = next((one for one in KINDS if one.key == request.POST.get("kind")), KINDS[0])
    try:
        target = _target(request, simulator, kind)
        seconds = whole_seconds(request.POST.get("seconds", ""))
        simulator.fault(kind.key, target, seconds, when=request.POST.get("when", "") if kind.at_purchase else "")
        record(
            by=request.user, at=request.clock.now(), action="demo.fault", subject=target, summary=str(kind.key),
            data={"kind": kind.key, "seconds": seconds},
        )  # fmt: skip
        messages.success(request, _("%(kind)s at %(target)s.") % {"kind": kind.title, "target": target})
    except Refusal as refusal:
        messages.error(request, said(refusal))
    return HttpResponseRedirect(reverse("demo:faults"))


@right("demo.faults")
@require_POST
@only_in_demo
def clear(request: ConsoleRequest) -> HttpResponse:
    """End one fault, or all."""
    kind, target = request.POST.get("kind") or None, request.POST.get("target") or None
    try:
        gone = _simulator().clear(kind, target)
        record(
            by=request.user, at=request.clock.now(), action="demo.clear", subject=target or "*", summary=kind or "*",
            data={"ended": gone},
        )  # fmt: skip
        messages.success(request, _("The building is whole again.") if kind is None else _("The fault has ended."))
    except Refusal as refusal:
        messages.error(request, said(refusal))
    return HttpResponseRedirect(reverse("demo:faults"))


def _simulator() -> SimulatorClient:
    return SimulatorClient(settings.PREWATT_HOME.simulator_socket)


def _target(request: ConsoleRequest, simulator: SimulatorClient, kind: Kind) -> str:
    wanted = request.POST.get(kind.target.value, "").strip()
    if kind.target is not Target.METER:
        return wanted
    return _serial(wanted, simulator.meters())


def _serial(wanted: str, meters: list[dict[str, Any]]) -> str:
    """A meter's serial from what a person typed: serial, name, or unit number."""
    for meter in meters:
        if wanted in {meter["serial"], meter["name"]}:
            return str(meter["serial"])
    near = [meter for meter in meters if wanted and meter["name"].startswith(f"{wanted} ")]
    if len(near) == 1:
        return str(near[0]["serial"])
    raise Refusal(
        "no-such-meter", "There is no meter “%(name)s” in the simulator. Choose one from the list.", name=wanted
    )


def _active(simulator: SimulatorClient, request: ConsoleRequest, meters: list[dict[str, Any]]) -> dict[str, Any]:
    names = {meter["serial"]: meter["name"] for meter in meters}
    now_ms = int(request.clock.now().timestamp() * 1000)
    found = [as_fault(fault, names, now_ms) for fault in simulator.faults()]
    unpowered = [meter for meter in meters if not meter["powered"]]
    return {"active": found, "unpowered": unpowered, "away": ""}


def _inside(request: ConsoleRequest, simulator: SimulatorClient, wanted: str) -> dict[str, Any]:
    """The simulated truth and the console's own view of one meter, row by row."""
    if not wanted:
        return {"inside": None}
    try:
        truth = simulator.inspect(_serial(wanted, simulator.meters()))
    except Refusal as refusal:
        return {"inside": None, "unseen": said(refusal)}
    believed = next((tile for tile in readings.wall(request.user) if tile.serial == truth["serial"]), None)
    return {"inside": truth, "believed": believed, "wanted": wanted}
