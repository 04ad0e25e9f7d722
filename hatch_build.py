"""Packaging hook: a wheel or an editable install gets a freshly built price catalog."""

import importlib
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogBuildHook(BuildHookInterface):  # type: ignore[type-arg, misc, unused-ignore] # hatchling is only there while packaging
    """Run `gpuguard.price.build` before the files of a wheel are gathered."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # type: ignore[explicit-override, unused-ignore] # Python 3.12 has typing.override
        """Build the catalog in place. `version` is ``standard`` or ``editable``; a source archive takes none."""
        if self.target_name != "wheel":
            return
        # The packaging environment has none of gpuguard's dependencies; what building the catalog imports needs none.
        sys.path.insert(0, self.root)
        try:
            importlib.import_module("gpuguard.price.build").build()
        finally:
            sys.path.remove(self.root)
