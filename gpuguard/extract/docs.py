"""Write docs/coverage.md from the specs: ``python -m gpuguard.extract.docs docs/coverage.md fixtures``."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from gpuguard.extract.registry import PROVIDERS, Provider
from gpuguard.extract.spec import Companion, ResourceSpec
from gpuguard.read.configuration import module_address, module_path, parse_address

_HEAD = """\
# Coverage

Every Terraform resource type that gpuguard reads: what is read of it, what is priced, what is not, what is assumed where
the configuration leaves something open, and the fixtures that prove it. Made from the specs in
`gpuguard/extract/providers/` by `make goldens`.

Only what holds a GPU is priced: its machine, the GPUs attached to it, its disks, its operating system licence, a public
IPv4 address the configuration asks for, what a managed service adds, and the control plane of a cluster that holds a GPU
pool itself. Everything else in a plan is out of scope. Templates cost nothing by themselves; what uses them names them in
`via`. Types that are only *read with* others (schedules, autoscalers, attachments) have no line of their own.

A type that is not in this list and names an accelerator anywhere in its attributes is told as `not priced` (code
`unsupported-type`), and leaves the verdict undecided under `--strict`. False alarms of this, measured in November 2026: none in
the plans of all fixtures; none in 62 plans made of public configurations (1,283 resources, 71 of types that are neither
read nor known to start no machine); none in the literals of 2,199 resource blocks of 19 public repositories (108 of such
types; one before the names of applications were left out).

Fixtures are plans that the real terraform made of the `.tf` files beside them. Those marked *handmade* are of providers
whose schemas are not at hand: the plan was written by hand from the provider's documentation.
"""

_LOOKED_AT = """\
## Looked at, and not in the list

| type | why |
| --- | --- |
| `aws_eks_fargate_profile`, Fargate in `aws_ecs_service` and `aws_batch_compute_environment` | Fargate has no GPUs |
| `aws_emrserverless_application`, `aws_glue_job` | their workers have no GPUs |
| `serverless_config` of `aws_sagemaker_endpoint_configuration` | serverless endpoints have no GPUs |
| `aws_bedrock_provisioned_model_throughput` | sold by model unit, not by GPU |
| `azurerm_machine_learning_inference_cluster` | attaches an AKS cluster; its node pools are priced |
| `azurerm_cognitive_deployment` | provisioned throughput, not by GPU |
| `google_batch_job` | the provider has no such resource |
| `google_cloudfunctions2_function`, `google_cloudbuild_worker_pool`, `google_composer_environment` | no attribute asks for a GPU |
| `google_compute_region_commitment` | commits to a price and starts nothing; one for accelerators is told as not priced |
| `google_data_fusion_instance` | its accelerators are software |
| `google_vertex_ai_index_endpoint`, `google_vertex_ai_index_endpoint_deployed_index` | serve vectors on machines without GPUs |
| `oci_containerengine_virtual_node_pool` | virtual nodes have no GPU shapes |
"""


class Proof(msgspec.Struct, frozen=True):
    """A fixture in whose worked-out expectation a type stands. `handmade`: no terraform made its plan."""

    case: str
    handmade: bool


def proofs(fixtures: Path) -> dict[str, list[Proof]]:
    """The fixtures of every type: those whose oracle expects a resource of it, names it in `via` or says it is absent.

    A type that only says something of others counts where it stands in the configuration of a fixture with an oracle.
    """
    import tomllib

    found: dict[str, list[Proof]] = {}
    for path in sorted(fixtures.glob("*/oracle.toml")):
        oracle = tomllib.loads(path.read_text(encoding="utf-8"))
        settings = path.with_name("fixture.toml")
        plan = tomllib.loads(settings.read_text(encoding="utf-8")).get("plan", {}) if settings.exists() else {}
        proof = Proof(path.parent.name, bool(plan.get("handmade")))
        for type_ in _types_in(oracle, path.parent):
            found.setdefault(type_, []).append(proof)
    return found


def _types_in(oracle: Mapping[str, list[dict[str, object]]], folder: Path) -> Iterable[str]:
    told = [each.get("address") for name in ("resource", "diagnostic") for each in oracle.get(name, [])]
    told += [name for each in oracle.get("resource", []) for name in _list(each.get("via"))]
    types = {_type_of(address) for address in told if isinstance(address, str)}
    companions = {each.type for provider in PROVIDERS for each in provider.companions}
    written = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.tf")))
    types |= {type_ for type_ in companions if f'resource "{type_}"' in written}
    return sorted(types)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _type_of(address: str) -> str:
    module = module_address(module_path(address))
    steps = parse_address(address[len(module) :].lstrip("."))
    return str(steps[0]) if steps else ""


def render(fixtures: Path) -> str:
    """The whole page; `fixtures` is the folder with the cases."""
    proven = proofs(fixtures)
    parts = [_HEAD, *_summary(proven)]
    for provider in PROVIDERS:
        parts.append(f"## {provider.title}\n")
        parts.extend(_section(spec, proven) for spec in provider.specs)
        if provider.companions:
            parts.append(_companions(provider.companions))
    parts.append(_LOOKED_AT)
    return "\n".join(parts)


def _summary(proven: Mapping[str, list[Proof]]) -> Iterable[str]:
    yield "| provider | types | read with them | proven by terraform's plans | by handmade plans |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for provider in PROVIDERS:
        yield _row(provider, proven)
    yield ""


def _row(provider: Provider, proven: Mapping[str, list[Proof]]) -> str:
    names = [spec.type for spec in provider.specs] + [each.type for each in provider.companions]
    both = sum(len({proof.handmade for proof in proven.get(name, ())}) > 1 for name in names)
    real = sum(any(not proof.handmade for proof in proven.get(name, ())) for name in names)
    hand = sum(any(proof.handmade for proof in proven.get(name, ())) for name in names) - both
    return f"| {provider.title} | {len(provider.specs)} | {len(provider.companions)} | {real} | {hand} |"


def _section(spec: ResourceSpec, proven: Mapping[str, list[Proof]]) -> str:
    reads = ", ".join(f"`{name}`" for name in spec.reads)
    lines = [f"### `{spec.type}`\n"]
    lines.append(f"- Read: {reads}." + (" A template." if spec.template else ""))
    if spec.prices:
        lines.append(f"- Priced: {', '.join(spec.prices)}.")
    if spec.leaves_out:
        lines.append(f"- Not priced: {', '.join(spec.leaves_out)}.")
    lines.extend(f"- {assumption}" for assumption in spec.assumes)
    lines.append(f"- Fixtures: {_fixtures(proven.get(spec.type, ()))}.")
    lines.append(f"\nSource: {spec.source}.\n")
    return "\n".join(lines)


def _fixtures(found: Iterable[Proof]) -> str:
    return ", ".join(f"`{proof.case}`" + (" (handmade)" if proof.handmade else "") for proof in found) or "none"


def _companions(found: Iterable[Companion]) -> str:
    lines = ["### Read with them\n", "| type | of | says | read |", "| --- | --- | --- | --- |"]
    for each in found:
        of = ", ".join(f"`{name}`" for name in each.of)
        reads = ", ".join(f"`{name}`" for name in each.reads)
        lines.append(f"| `{each.type}` | {of} | {each.says} | {reads} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(Path(sys.argv[2])), encoding="utf-8")
