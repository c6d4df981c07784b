"""``./run profile``: check a register profile before it meets a meter, or show the ones that come with the house."""

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
    options = parser.parse_args(argv)
    return _check(options.file, options.json) if options.verb == "check" else _list(options.json)


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
