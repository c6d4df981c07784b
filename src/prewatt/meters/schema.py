"""From the text of a profile to the frozen profile, refusing every mistake by file, field and reason."""

from __future__ import annotations

import tomllib

from prewatt.meters import family, schema_blocks, schema_orders
from prewatt.meters.reader import Table
from prewatt.meters.shape import Option, Problem, Profile, ProfileError
from prewatt.meters.vocabulary import CAPABILITIES, CREDIT_CLASSES, PURSES

SCHEMA = 1
MAX_PROFILE_BYTES = 200_000
_IDENTITIES = ("serial", "purchase-log", "none")


def read(content: bytes, *, file: str, name: str | None) -> Profile:
    """The profile that ``content`` describes. ``name``: what it must be called. Raises ProfileError."""
    if len(content) > MAX_PROFILE_BYTES:
        raise ProfileError(file, (Problem("file", f"is larger than {MAX_PROFILE_BYTES} bytes"),))
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProfileError(file, (Problem("file", f"is not TOML: {error}"),)) from None
    problems: list[Problem] = []
    document = family.grown(document, problems)
    profile = _profile(Table(document, "", problems), name)
    if problems:
        raise ProfileError(file, tuple(problems))
    return profile


def _profile(top: Table, name: str | None) -> Profile:
    if top.number("schema", low=0) != SCHEMA:
        top.wrong("schema", f"this program reads schema {SCHEMA}")
    called = top.text("name")
    if name is not None and called and called != name:
        top.wrong("name", f"{called!r} does not fit its file, {name!r}")
    origins = top.table("sources")
    sources = {key: origins.text(key) for key in origins.names()}
    purse = top.text("purse", "none", among=(*PURSES, "none"))
    options = _options(top, tuple(sources))
    codec = top.text("codec", among=("modbus", "dlt645"))
    context = schema_blocks.Context(sources=tuple(sources), purse=purse, options=options, codec=codec)
    blocks = schema_blocks.blocks(top, context)
    phases = top.number("phases", low=1, high=3)
    credit_class = top.text("credit_class", "none", among=(*CREDIT_CLASSES, "none"))
    state = top.table("state")
    sweep = state.texts("sweep", among=[block.name for block in blocks])
    state.close()
    evidence, identity = _evidence(top, [block.name for block in blocks])
    profile = Profile(
        name=called,
        title=top.text("title"),
        maker=top.text("maker"),
        models=top.texts("models"),
        model_code=top.number("model_code") if top.has("model_code") else None,
        phases=phases,
        codec=codec,
        framing=top.texts("framing", among=("dlt645",) if codec == "dlt645" else ("rtu", "mbap")),
        purse=None if purse == "none" else purse,
        credit_class=None if credit_class == "none" else credit_class,
        returns_credit=top.flag("returns_credit"),
        capabilities=frozenset(top.texts("capabilities", among=CAPABILITIES)),
        line=_line(top),
        blocks=blocks,
        sweep=sweep,
        evidence=evidence,
        identity=identity,
        credit=schema_orders.credit(top, context),
        log=schema_orders.log(top, context),
        modes=schema_orders.modes(top, context),
        settings=schema_orders.settings(top, context),
        options=options,
        sources=sources,
        experimental=top.flag("experimental", False),
        absolute=schema_orders.absolute(top, context),
        ratios=_ratios(top),
        _by_name={block.name: block for block in blocks},
    )
    top.close()
    if not top.problems:
        _consistent(top, profile)
    return profile


def _options(top: Table, sources: tuple[str, ...]) -> dict[str, Option]:
    options: dict[str, Option] = {}
    if not top.has("options"):
        return options
    inner = top.table("options")
    for key in inner.names():
        entry = inner.table(key)
        allowed = entry.texts("allowed")
        options[key] = Option(entry.text("value", among=allowed), allowed, entry.proof(sources))
        entry.close()
    return options


def _ratios(top: Table) -> dict[str, str]:
    """Where the ratios of transformers come from: the meter's own registers, or the estate."""
    if not top.has("ratios"):
        return {}
    inner = top.table("ratios")
    found = {name: inner.text(name, among=("meter", "estate")) for name in ("pt", "ct") if inner.has(name)}
    inner.close()
    return found


def _line(top: Table) -> dict[str, int | str]:
    line = top.table("line")
    setting: dict[str, int | str] = {
        "baud": line.number("baud", low=300, high=115_200),
        "parity": line.text("parity", among=("N", "E", "O")),
    }
    line.close()
    return setting


def _evidence(top: Table, blocks: list[str]) -> tuple[tuple[str, ...], str]:
    if not top.has("evidence"):
        return (), "none"
    inner = top.table("evidence")
    found = inner.texts("blocks", among=blocks), inner.text("identity", among=_IDENTITIES)
    inner.close()
    return found


def _consistent(top: Table, profile: Profile) -> None:
    """What the sections promise must be there: a profile may not claim what it cannot do."""
    swept = {one.name for name in profile.sweep for one in profile.block(name).fields}
    bits = {bit for name in profile.sweep for one in profile.block(name).fields for bit, _ in one.bits}
    proving = {one.name for name in profile.evidence for one in profile.block(name).fields}
    phases = "abc"[: profile.phases]
    needs = {
        "reads-energy": ("energy" in swept, "state.sweep", "the sweep reads no field 'energy'"),
        "reads-credit": ("credit" in swept, "state.sweep", "the sweep reads no field 'credit'"),
        "purchase-count": ("purchase_number" in swept, "state.sweep", "the sweep reads no field 'purchase_number'"),
        "time-of-use": ("flat" in swept, "state.sweep", "the sweep reads no energy by band"),
        "contactor": (
            "relay_open" in bits or all(f"relay_{one}" in bits for one in phases),
            "state.sweep",
            "a phase has no bit 'relay_'",
        ),
        "clock": ("clock" in swept, "state.sweep", "the sweep reads no field 'clock'"),
        "serial": ("serial" in proving, "evidence.blocks", "no block of it holds 'serial'"),
        "purchase-total": ("total_purchased" in proving, "evidence.blocks", "no block of it holds 'total_purchased'"),
        "accepts-credit": (profile.credit is not None, "credit", "is missing"),
        "purchase-log": (profile.log is not None, "log", "is missing"),
        "modes": (profile.modes is not None, "modes", "is missing"),
        "settings": (bool(profile.settings), "setting", "is missing"),
    }
    for capability, (there, place, reason) in needs.items():
        if profile.can(capability) and not there:
            top.wrong(place, f"{reason}, but capability '{capability}' is claimed")
    for capability, there in (
        ("accepts-credit", profile.credit is not None),
        ("modes", profile.modes is not None),
        ("purchase-log", profile.log is not None),
    ):
        if there and not profile.can(capability):
            top.wrong("capabilities", f"lacks '{capability}', whose section is there")
    _credit_consistent(top, profile, proving)
    _scales_consistent(top, profile, swept)
    _experiment_consistent(top, profile)


def _scales_consistent(top: Table, profile: Profile, swept: set[str]) -> None:
    """A value may only depend on what the same poll reads, or on the estate."""
    for block in profile.blocks:
        beside = {one.name for one in block.fields} | swept
        for one in block.fields:
            place = f"block[{block.name}].fields[{one.name}]"
            for key, name in (("decimal", one.decimal), ("sign", one.sign[0] if one.sign else "")):
                if name and name not in beside:
                    top.wrong(f"{place}.{key}", f"the sweep reads no field {name!r}")
            for name in one.ratios:
                if name not in profile.ratios:
                    top.wrong("ratios", f"does not say where {name!r} comes from, which {place} is multiplied with")
    for name, source in profile.ratios.items():
        if source == "meter" and name not in swept:
            top.wrong(f"ratios.{name}", f"comes from the meter, but the sweep reads no field {name!r}")


def _experiment_consistent(top: Table, profile: Profile) -> None:
    if (profile.absolute or profile.credit_class == "B") and not profile.experimental:
        top.wrong("experimental", "must be true: setting remaining credit gives back what was used meanwhile")
    if profile.credit_class == "B" and not profile.absolute:
        top.wrong("absolute", "is missing, but credit_class is B")
    if profile.codec == "dlt645" and profile.credit_class not in ("C", None):
        top.wrong("credit_class", "a DL/T 645 meter takes credit only with a signer: its profile is class C")
    if profile.codec == "dlt645" and (profile.credit or profile.log or profile.settings):
        top.wrong("codec", "sections credit, log and setting are of Modbus registers")


def _credit_consistent(top: Table, profile: Profile, proving: set[str]) -> None:
    if not profile.sweep:
        top.wrong("state.sweep", "is empty: nothing would be read")
    if profile.identity == "serial" and not profile.can("serial"):
        top.wrong("evidence.identity", "is 'serial', but the capability 'serial' is not claimed")
    if profile.identity == "purchase-log" and profile.log is None:
        top.wrong("evidence.identity", "is 'purchase-log', but there is no section 'log'")
    if profile.returns_credit and profile.credit and not profile.credit.amount_type.startswith("i"):
        top.wrong("credit.amount", f"{profile.credit.amount_type} holds no negative amount, but returns_credit is true")
    if profile.credit and profile.purse is None:
        top.wrong("purse", "is missing, but the section 'credit' is there")
    if profile.credit_class == "A" and not profile.credit:
        top.wrong("credit", f"is missing, but credit_class is {profile.credit_class}")
    if profile.credit_class == "A" and not {"credit", "purchase_number"} <= proving:
        top.wrong("evidence.blocks", "a class A meter proves a credit by 'credit' and 'purchase_number'")
    if profile.credit_class == "A" and profile.identity == "none":
        top.wrong("evidence.identity", "a class A meter must be told by its serial or its purchase log")
