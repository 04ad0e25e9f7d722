"""``gpuguard schema report|config|policy|usage``."""

import argparse
import json
import sys
from typing import Any

from gpuguard.errors import ExitCode


def run(arguments: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    sys.stdout.write(json.dumps(_schema(arguments.of), indent=2, ensure_ascii=False) + "\n")
    return ExitCode.PASS


def _schema(of: str) -> dict[str, Any]:
    if of == "report":
        from gpuguard.report.json import schema

        return schema()
    if of == "config":
        from gpuguard.config import schema as config_schema

        return config_schema()
    if of == "policy":
        from gpuguard.decide import schema as policy_schema

        return policy_schema()
    from gpuguard.extract.usage_file import schema as usage_schema

    return usage_schema()
