"""``./run profile``: check a register profile, try it on a meter, or show the ones that come with the house."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from prewatt.meters import registry
from prewatt.meters.profile import Problem, Profile, ProfileError, load


def main(argv: list[str]) -> int:
    """Run the verb. 0: done; 1: a profile has a mistake; 2: wrong usage."""
    parser = argparse.ArgumentParser(prog="./run profile", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="check profile files: every mistake with file, field and reason")
    check.add_argument("file", nargs="+", type=Path)
    check.add_argument("--json", action="store_true", help="one JSON list of what was found")
    listing = verbs.add_parser("list", help="profiles that come with the house")
    listing.add_argument("--json", action="store_true")
    _add_try(verbs)
    options = parser.parse_args(argv)
    if options.verb == "check":
        return _check(options.file, options.json)
    return _try(options) if options.verb == "try" else _list(options.json)


def _add_try(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    attempt = verbs.add_parser("try", help="read every block of a profile from one meter and show what it says")
    attempt.add_argument("file", type=Path)
    attempt.add_argument(
        "--link", required=True, help="tcp://host:port (transparent), mbap://host:port (Modbus TCP), serial:DEVICE"
    )
    attempt.add_argument("--unit", type=int, default=1, help="address on the line (1 to 247)")
    attempt.add_argument("--serial", default="", help="of a DL/T 645 meter: its 12 digits, by which it is called")
    attempt.add_argument("--baud", type=int, default=0, help="what the profile says when not given")
    attempt.add_argument("--parity", choices=("N", "E", "O"), default="")
    attempt.add_argument("--pt", type=int, default=1, help="voltage transformer, where the meter does not tell it")
    attempt.add_argument("--ct", type=int, default=1, help="current transformer ratio, the same")
    attempt.add_argument("--json", action="store_true")


def _try(options: argparse.Namespace) -> int:
    from prewatt.main import trial

    ratios = {"pt": options.pt, "ct": options.ct}
    wanted = trial.Trial(
        options.file, options.link, options.unit, options.serial, options.baud, options.parity, ratios, options.json
    )
    try:
        return trial.run(wanted)
    except ProfileError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.file}: {error.strerror or error}", file=sys.stderr)
        return 1


def _check(files: list[Path], as_json: bool) -> int:
    results = [(file, *_problems(file)) for file in files]
    if as_json:
        listed = [
            {
                "file": str(file),
                "ok": not problems,
                "errors": [{"field": one.field, "reason": one.reason} for one in problems],
            }
            for file, _, problems in results
        ]
        print(json.dumps(listed, ensure_ascii=False))
    else:
        for file, profile, problems in results:
            for one in problems:
                print(f"{file}: {one.field}: {one.reason}", file=sys.stderr)
            if profile is not None:
                print(f"{file}: {_summary(profile)}")
    return 1 if any(problems for _, _, problems in results) else 0


def _problems(file: Path) -> tuple[Profile | None, tuple[Problem, ...]]:
    try:
        return load(file), ()
    except ProfileError as error:
        return None, error.problems
    except OSError as error:
        return None, (Problem("file", error.strerror or str(error)),)


def _list(as_json: bool) -> int:
    profiles = [registry.get(name) for name in registry.names()]
    if as_json:
        listed = [
            {
                "name": one.name,
                "title": one.title,
                "phases": one.phases,
                "purse": one.purse,
                "credit_class": one.credit_class,
                "capabilities": sorted(one.capabilities),
            }
            for one in profiles
        ]
        print(json.dumps(listed, ensure_ascii=False))
    else:
        for one in profiles:
            print(f"{one.name:<22}{_summary(one)}")
    return 0


def _summary(profile: Profile) -> str:
    """One line: what it is, and how much of it anybody has proven."""
    proofs = [field.proof.verified for block in profile.blocks for field in block.fields]
    counts = ", ".join(f"{proofs.count(kind)} {kind}" for kind in ("device", "public", "no") if kind in proofs)
    purse = f"{profile.purse} purse" if profile.purse else "no purse"
    credit = f"class {profile.credit_class}" if profile.credit_class else "takes no credit"
    return f"{profile.title}; {profile.phases} phase(s), {purse}, {credit}; fields verified: {counts}"
