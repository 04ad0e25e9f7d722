"""What Terraform marks sensitive stands in no output: neither as a value nor as something next to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.hidden import SENSITIVE, hide
from gpuguard.model.report import Diagnostic
from tests.hostile.plans import Json, change, instance, plan, written
from tests.hostile.run import Outcome, gpuguard

HERE: dict[str, str] = {"availability_zone": "us-east-1a"}


def outputs(path: Path, address: str | None, *more: str) -> list[Outcome]:
    """Everything gpuguard can say of an input: each format, all of it, what is explained, and both ends of a diff."""
    runs = [
        gpuguard("check", path, "--format", form, "--verbose", "--show", "all", *more)
        for form in ("table", "json", "markdown")
    ]
    runs.append(gpuguard("diff", path, path, "--format", "json", *more))
    if address is not None:
        runs.append(gpuguard("explain", path, address, *more))
        runs.append(gpuguard("explain", path, address[:-1] + "x", *more))
    return runs


def assert_hidden(path: Path, address: str | None, *secrets: str, more: tuple[str, ...] = ()) -> list[Outcome]:
    runs = outputs(path, address, *more)
    assert runs[0].code in (0, 3), runs[0].err
    for run in runs:
        for secret in secrets:
            assert secret.lower() not in (run.out + run.err).lower()
    return runs


def marked(value: Json, mask: Json, type_: str = "aws_instance") -> Json:
    return plan(change(type_, "gpu", value, after_sensitive=mask))


def node_pool(**config: Json) -> Json:
    return {"location": "us-central1", "node_count": 1, "node_config": [{"machine_type": "g2-standard-4", **config}]}


MARKER = "Marker-7f3a"

TEXTS: dict[str, tuple[Json, Json, str]] = {
    "user data": ({"instance_type": "g5.xlarge", **HERE, "user_data": MARKER}, {"user_data": True}, "aws_instance"),
    "user data that is not marked": ({"instance_type": "g5.xlarge", **HERE, "user_data": MARKER}, {}, "aws_instance"),
    "a password": (
        {"size": "Standard_NC4as_T4_v3", "location": "westeurope", "admin_password": MARKER},
        {"admin_password": True},
        "azurerm_linux_virtual_machine",
    ),
    "a machine type nobody knows": ({"instance_type": MARKER, **HERE}, {"instance_type": True}, "aws_instance"),
    "a machine type near to a known one": (
        {"instance_type": "p5.48xlargest", **HERE},
        {"instance_type": True},
        "aws_instance",
    ),
    "a tag": ({"instance_type": "g5.xlarge", **HERE, "tags": {"a.b": MARKER}}, {"tags": {"a.b": True}}, "aws_instance"),
    "all tags": ({"instance_type": "g5.xlarge", **HERE, "tags": {"a": MARKER}}, {"tags": True}, "aws_instance"),
    "a tag that stands unmarked in tags_all": (
        {"instance_type": "g5.xlarge", **HERE, "tags": {"a": MARKER}, "tags_all": {"a": MARKER, "b": "c"}},
        {"tags": {"a": True}, "tags_all": {}},
        "aws_instance",
    ),
    "all tags, unmarked in tags_all": (
        {"instance_type": "g5.xlarge", **HERE, "tags": {"a": MARKER}, "tags_all": {"a": MARKER}},
        {"tags": True},
        "aws_instance",
    ),
    "an environment": (
        {"instance_type": "g5.xlarge", **HERE, "tags": {"environment": MARKER}},
        {"tags": {"environment": True}},
        "aws_instance",
    ),
    "a label that stands unmarked among the effective ones": (
        node_pool(resource_labels={"a": MARKER}) | {"effective_labels": {"a": MARKER}, "labels": {"a": MARKER}},
        {"labels": {"a": True}, "node_config": [{"resource_labels": {"a": True}}]},
        "google_container_node_pool",
    ),
    "a label of a node": (
        node_pool(labels={"a": MARKER}),
        {"node_config": [{"labels": {"a": True}}]},
        "google_container_node_pool",
    ),
    "a disk type": (
        {"instance_type": "g5.xlarge", **HERE, "root_block_device": [{"volume_type": MARKER, "volume_size": 9}]},
        {"root_block_device": [{"volume_type": True}]},
        "aws_instance",
    ),
    "an accelerator": (
        node_pool(machine_type="n1-standard-4", guest_accelerator=[{"type": f"nvidia-{MARKER}", "count": 1}]),
        {"node_config": [{"guest_accelerator": True}]},
        "google_container_node_pool",
    ),
    "a name": (
        {"instance_type": "g5.xlarge", **HERE, "host_id": MARKER, "key_name": MARKER},
        {"key_name": True},
        "aws_instance",
    ),
    "everything": (
        {"instance_type": MARKER, "region": MARKER, "tags": {"a": MARKER}, "user_data": MARKER},
        True,
        "aws_instance",
    ),
    "a mark that cannot be read": ({"instance_type": MARKER, "tags": {"a": MARKER}, **HERE}, "all", "aws_instance"),
    "a region nobody knows": ({"instance_type": "g5.xlarge", "region": MARKER}, {"region": True}, "aws_instance"),
}


@pytest.mark.parametrize(("value", "mask", "type_"), TEXTS.values(), ids=TEXTS)
def test_a_secret_text_is_nowhere(value: Json, mask: Json, type_: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(written(marked(value, mask, type_)))
    near = "p5.48xlarge" if value.get("instance_type") == "p5.48xlargest" else MARKER
    assert_hidden(path, f"{type_}.gpu", MARKER, near)


MACHINES: dict[str, tuple[str, Json, Json, str]] = {
    "an instance": ("aws_instance", {"instance_type": "p5.48xlarge", **HERE}, {"instance_type": True}, "p5.48xlarge"),
    "a node pool": (
        "google_container_node_pool",
        node_pool(machine_type="a2-highgpu-1g"),
        {"node_config": [{"machine_type": True}]},
        "a2-highgpu-1g",
    ),
    "a node pool whose block is marked": (
        "google_container_node_pool",
        node_pool(machine_type="a2-highgpu-1g"),
        {"node_config": True},
        "a2-highgpu-1g",
    ),
    "a machine with attached accelerators": (
        "google_compute_instance",
        {
            "zone": "us-central1-a",
            "machine_type": "n1-standard-8",
            "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 1}],
        },
        {"machine_type": True},
        "n1-standard-8",
    ),
    "the second of several types": (
        "aws_eks_node_group",
        {
            "instance_types": ["g5.xlarge", "g6.12xlarge"],
            "scaling_config": [{"desired_size": 1}],
            "capacity_type": "SPOT",
        },
        {"instance_types": [False, True]},
        "g6.12xlarge",
    ),
    "all of several types": (
        "aws_eks_node_group",
        {"instance_types": ["g5.xlarge", "g6.12xlarge"], "scaling_config": [{"desired_size": 1}]},
        {"instance_types": True},
        "g6.12xlarge",
    ),
    "an override": (
        "aws_autoscaling_group",
        {
            "min_size": 1,
            "max_size": 2,
            "availability_zones": ["us-east-1a"],
            "mixed_instances_policy": [
                {
                    "launch_template": [
                        {
                            "launch_template_specification": [{"launch_template_id": "lt-9"}],
                            "override": [{"instance_type": "g5.xlarge"}, {"instance_type": "g6.12xlarge"}],
                        }
                    ]
                }
            ],
        },
        {"mixed_instances_policy": [{"launch_template": [{"override": [{}, {"instance_type": True}]}]}]},
        "g6.12xlarge",
    ),
    "an Azure machine": (
        "azurerm_linux_virtual_machine",
        {"size": "Standard_NC24ads_A100_v4", "location": "westeurope"},
        {"size": True},
        "Standard_NC24ads_A100_v4",
    ),
    "an Azure node pool": (
        "azurerm_kubernetes_cluster_node_pool",
        {"vm_size": "Standard_NC24ads_A100_v4", "node_count": 1},
        {"vm_size": True},
        "Standard_NC24ads_A100_v4",
    ),
}


@pytest.mark.parametrize(("type_", "value", "mask", "machine"), MACHINES.values(), ids=MACHINES)
def test_a_sensitive_machine_type_is_priced_and_not_shown(
    type_: str, value: Json, mask: Json, machine: str, tmp_path: Path
) -> None:
    """The estimate is that of the machine; neither it nor its candidates, edits or alternatives are named."""
    path = tmp_path / "plan.json"
    path.write_bytes(written(marked(value, {}, type_)))
    region = ("--region", "aws=us-east-1", "--region", "azure=westeurope")
    plain = gpuguard("check", path, "--format", "json", *region)
    assert machine in plain.out
    path.write_bytes(written(marked(value, mask, type_)))
    runs = assert_hidden(path, f"{type_}.gpu", machine, more=region)
    assert SENSITIVE in runs[0].out
    hidden = runs[1].report
    assert hidden["summary"]["monthly_after"] == plain.report["summary"]["monthly_after"]
    assert hidden["summary"]["gpus_after"] == plain.report["summary"]["gpus_after"]


REGIONS: dict[str, tuple[Json, Json, tuple[str, ...]]] = {
    "a region": ({"region": "ap-south-1"}, {"region": True}, ("ap-south-1",)),
    "a zone": ({"availability_zone": "ap-south-1b"}, {"availability_zone": True}, ("ap-south-1b", "ap-south-1")),
    "one of several zones": (
        {"availability_zones": ["ap-south-1a"]},
        {"availability_zones": [True]},
        ("ap-south-1a", "ap-south-1"),
    ),
}


@pytest.mark.parametrize(("place", "mask", "secrets"), REGIONS.values(), ids=REGIONS)
@pytest.mark.parametrize("machine", ["g5.xlarge", "g4ad.xlarge", "p6.48xlarge"], ids=["priced", "scarce", "unknown"])
def test_a_sensitive_region_is_used_and_not_shown(
    place: Json, mask: Json, secrets: tuple[str, ...], machine: str, tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    value = {"instance_type": machine, "root_block_device": [{"volume_type": "io9", "volume_size": 9}], **place}
    path.write_bytes(written(marked(value, {})))
    plain = gpuguard("check", path, "--format", "json")
    assert secrets[-1] in plain.out
    path.write_bytes(written(marked(value, mask)))
    runs = assert_hidden(path, "aws_instance.gpu", *secrets)
    assert runs[1].report["summary"]["monthly_after"] == plain.report["summary"]["monthly_after"]


def test_a_list_of_regions_cannot_be_judged_on_a_hidden_one(tmp_path: Path) -> None:
    """Neither allowed nor denied: undecided, and the message does not tell which region it is."""
    path, pack = tmp_path / "plan.json", tmp_path / "pack.yml"
    path.write_bytes(written(marked({"instance_type": "g5.xlarge", "region": "ap-south-1"}, {"region": True})))
    pack.write_text(
        "version: 1\nname: regions\nrules:\n  - rule: allowed-regions\n    enforcement: mandatory\n    allow: ['us-*']\n"
    )
    outcome = gpuguard("check", path, "--policy", pack)
    assert outcome.code == 3, outcome
    assert "ap-south-1" not in outcome.out


def configured(expressions: Json, **root: Json) -> Json:
    block = {
        "type": "aws_instance",
        "name": "gpu",
        "mode": "managed",
        "provider_config_key": "aws",
        "expressions": expressions,
    }
    return {"root_module": {"resources": [block], **root}}


VARIABLE = {"references": ["var.machine"]}
UNKNOWN = {"instance_type": True}

TRAILS: dict[str, Callable[[], Json]] = {
    "a sensitive variable": lambda: plan(
        change("aws_instance", "gpu", HERE, after_unknown=UNKNOWN),
        variables={"machine": {"value": "p5.48xlarge"}},
        configuration=configured({"instance_type": VARIABLE}, variables={"machine": {"sensitive": True}}),
    ),
    "the default of a sensitive variable": lambda: plan(
        change("aws_instance", "gpu", HERE, after_unknown=UNKNOWN),
        configuration=configured(
            {"instance_type": VARIABLE}, variables={"machine": {"sensitive": True, "default": "p5.48xlarge"}}
        ),
    ),
    "a sensitive output of a module": lambda: plan(
        change("aws_instance", "gpu", HERE, after_unknown=UNKNOWN),
        configuration=configured(
            {"instance_type": {"references": ["module.m.machine"]}},
            module_calls={
                "m": {
                    "module": {
                        "outputs": {"machine": {"sensitive": True, "expression": {"references": ["var.machine"]}}},
                        "variables": {"machine": {"default": "p5.48xlarge"}},
                    }
                }
            },
        ),
    ),
    "a sensitive attribute of another resource": lambda: plan(
        change("aws_instance", "gpu", HERE, after_unknown=UNKNOWN),
        change("terraform_data", "machine", {"input": "p5.48xlarge"}, after_sensitive={"input": True}),
        configuration=configured({"instance_type": {"references": ["terraform_data.machine.output"]}}),
    ),
    "one of several references": lambda: plan(
        change("aws_instance", "gpu", HERE, after_unknown=UNKNOWN),
        variables={"machine": {"value": "p5.48xlarge"}, "other": {"value": "g5.xlarge"}},
        configuration=configured(
            {"instance_type": {"references": ["var.other", "var.machine"]}},
            variables={"machine": {"sensitive": True}, "other": {}},
        ),
    ),
}


@pytest.mark.parametrize("trail", TRAILS.values(), ids=TRAILS)
def test_a_machine_type_found_through_something_sensitive_is_not_shown(
    trail: Callable[[], Json], tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(written(trail()))
    runs = assert_hidden(path, "aws_instance.gpu", "p5.48xlarge")
    assert runs[1].report["summary"]["gpus_after"] in (0, 1, 8)
    assert runs[1].report["resources"]


def test_a_region_from_a_sensitive_variable_of_the_provider_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    configuration = configured(
        {"instance_type": {"constant_value": "g5.xlarge"}}, variables={"region": {"sensitive": True}}
    )
    configuration["provider_config"] = {
        "aws": {"name": "aws", "expressions": {"region": {"references": ["var.region"]}}},
    }
    value = plan(
        change("aws_instance", "gpu", {"instance_type": "g5.xlarge"}),
        variables={"region": {"value": "ap-south-1"}},
        configuration=configuration,
    )
    path.write_bytes(written(value))
    runs = assert_hidden(path, "aws_instance.gpu", "ap-south-1")
    assert SENSITIVE in runs[0].out


STATE_MARKS: dict[str, Json] = {
    "steps of a path": [[{"type": "get_attr", "value": "instance_type"}], [{"type": "get_attr", "value": "tags"}]],
    "a key of a map": [
        [{"type": "get_attr", "value": "instance_type"}],
        [{"type": "get_attr", "value": "tags"}, {"type": "index", "value": {"value": "a", "type": "string"}}],
    ],
    "something else": "instance_type and tags",
}


@pytest.mark.parametrize("marks", STATE_MARKS.values(), ids=STATE_MARKS)
def test_a_raw_state_hides_what_it_marks(marks: Json, tmp_path: Path) -> None:
    attributes: dict[str, Any] = {
        "instance_type": "p5.48xlarge",
        "tags": {"a": MARKER},
        "tags_all": {"a": MARKER},
        **HERE,
    }
    instances = [{"attributes": attributes, "sensitive_attributes": marks}]
    resources = [{"mode": "managed", "type": "aws_instance", "name": "gpu", "instances": instances}]
    path = tmp_path / "terraform.tfstate"
    path.write_bytes(written({"version": 4, "resources": resources}))
    runs = assert_hidden(path, "aws_instance.gpu", MARKER, "p5.48xlarge")
    assert runs[1].report["summary"]["gpus_after"] == 8


def test_the_old_side_of_a_change_hides_what_it_marks(tmp_path: Path) -> None:
    entry = instance("gpu")
    old = {"instance_type": "p5.48xlarge", **HERE, "tags": {"a": MARKER}}
    entry["change"] |= {"actions": ["update"], "before": old, "before_sensitive": {"instance_type": True, "tags": True}}
    path = tmp_path / "plan.json"
    path.write_bytes(written(plan(entry)))
    assert_hidden(path, "aws_instance.gpu", "p5.48xlarge", MARKER)


def test_a_tag_block_of_a_group_hides_its_value(tmp_path: Path) -> None:
    after = {
        "min_size": 1,
        "max_size": 1,
        "availability_zones": ["us-east-1a"],
        "tag": [{"key": "a", "value": MARKER}, {"key": "b", "value": "shown"}],
    }
    value = plan(change("aws_autoscaling_group", "gpu", after, after_sensitive={"tag": [{"value": True}, {}]}))
    path = tmp_path / "plan.json"
    path.write_bytes(written(value))
    runs = assert_hidden(path, "aws_autoscaling_group.gpu", MARKER)
    assert "shown" in runs[1].out


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-20], id="truncated"),
        pytest.param(lambda data: data.replace(b'"after"', b'"after": 5, "after2"'), id="an unreadable side"),
        pytest.param(lambda data: data.replace(b'"actions": ["create"]', b'"actions": "create"'), id="a wrong type"),
        pytest.param(lambda data: data.replace(b'"us-east-1a"', b'"us-east-1a\xff"'), id="no UTF-8"),
        pytest.param(lambda data: data.replace(b'"us-east-1a"', b'["us-east-1a"]'), id="a list for a text"),
        pytest.param(lambda data: data.replace(b'"us-east-1a"', b'"us-east-1a'), id="an open string"),
    ],
)
def test_no_error_quotes_a_value_of_the_plan(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    data = written(
        plan(instance("gpu", MARKER, after={"user_data": MARKER, "tags": {"a": MARKER}}, after_sensitive=True))
    )
    path = tmp_path / "plan.json"
    path.write_bytes(damage(data))
    for run in outputs(path, "aws_instance.gpu"):
        assert MARKER not in run.out + run.err


def test_hiding_replaces_whole_words_in_any_case_and_leaves_addresses() -> None:
    note = Diagnostic(
        level="info",
        code="p4",
        project="p4",
        address="aws_instance.p4",
        message="P4 is not p4d nor xp4, but p4.",
        hint=None,
    )
    hidden = hide(note, frozenset({"p4"}))
    assert hidden.message == f"{SENSITIVE} is not p4d nor xp4, but {SENSITIVE}."
    assert (hidden.code, hidden.project, hidden.address) == ("p4", "p4", "aws_instance.p4")
