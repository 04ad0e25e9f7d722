"""Packaging hook: a wheel or an editable install gets a freshly built price catalog."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogBuildHook(BuildHookInterface):  # type: ignore[type-arg, misc, unused-ignore] # hatchling is only there while packaging
    """Run `gpuguard.price.build` before the files of a wheel are gathered."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # type: ignore[explicit-override, unused-ignore] # Python 3.12 has typing.override
        """Build the catalog in place. `version` is ``standard`` or ``editable``; a source archive takes none."""
        if self.target_name != "wheel":
            return
        # Loaded by path: the packaging environment has none of gpuguard's dependencies, and importing the package
        # could need them some day.
        path = Path(self.root) / "gpuguard" / "price" / "build.py"
        spec = importlib.util.spec_from_file_location("gpuguard_catalog_build", path)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        module.build()
