"""Write docs/resources.md from the specs: ``python -m gpuguard.extract.docs docs/resources.md``."""

import sys
from pathlib import Path

from gpuguard.extract.registry import FILES
from gpuguard.extract.spec import ResourceSpec

_HEAD = """\
# Resource types

What gpuguard reads of each Terraform type, and what it assumes where the configuration leaves something open. Made from
the specs in `gpuguard/extract/` by `make goldens`.

Only what holds a GPU is priced: its machine, the GPUs attached to it, its disks, its operating system licence, a public
IPv4 address the configuration asks for, and the control plane of a cluster that holds a GPU pool itself. Everything else
in a plan is out of scope. Templates cost nothing by themselves; what uses them names them in `via`.
"""


def render() -> str:
    """The whole page."""
    parts = [_HEAD]
    for title, file in FILES.items():
        parts.append(f"## {title}\n")
        parts.extend(_section(spec) for spec in file.SPECS)
    return "\n".join(parts)


def _section(spec: ResourceSpec) -> str:
    lines = [f"### `{spec.type}`\n"]
    reads = ", ".join(f"`{name}`" for name in spec.reads)
    lines.append(f"Read: {reads}.\n" if not spec.template else f"A template. Read: {reads}.\n")
    lines.extend(f"- {assumption}" for assumption in spec.assumes)
    lines.append(f"\nSource: {spec.source}.\n")
    return "\n".join(lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
