"""Hatch build hook: a wheel carries the console's assets and compiled catalogues, though git does not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own config class is not public
    """Builds the assets before the files of a wheel are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (hatch calls it so)
        sys.path.insert(0, str(Path(self.root, "tools")))
        import assets

        assets.build(Path(self.root))
