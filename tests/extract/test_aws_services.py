"""Desktops, streaming, games and builds on GPUs.

Unit prices used here, us-east-1: stream.graphics.g4dn.xlarge 1.00 an hour on Windows and 0.844 on Linux; a GRAPHICS_G4DN
desktop 537 a month, or 22 a month and 1.54 an hour; gamelift g5g.xlarge 0.511; EC2 g5.xlarge 1.006 and as spot 0.4507,
g4dn.xlarge 0.526, g6.xlarge 0.8048; gp3 0.08 a GiB and month.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, found, plan, ref, report, resource

D = Decimal
US = {"aws": {"region": const("us-east-1")}, "awscc": {"region": const("us-east-1")}}


def us(*blocks: Block) -> Json:
    return plan(*blocks, providers=US)


def units(side: State, pool: int = 0) -> tuple[float | None, ...]:
    size = side.pools[pool].units
    return size.min, size.expected, size.max


# -- AppStream ------------------------------------------------------------------------------------------------------------


def streaming(**values: Any) -> Block:
    own = {
        "name": "cad",
        "instance_type": "stream.graphics.g4dn.xlarge",
        "image_name": "AppStream-Graphics-G4dn-WinServer2022",
        "fleet_type": "ALWAYS_ON",
        "compute_capacity": [{"desired_instances": 2}],
    }
    return resource("aws_appstream_fleet.a", own | values)


def test_an_always_on_fleet_runs_its_instances(tmp_path: Path) -> None:
    side = after(us(streaming()), tmp_path)
    assert (units(side), side.gpus.expected, side.monthly.expected) == ((2, 2, 2), 2, D("1.00") * 2 * 730)
    assert (side.pools[0].sku, side.pools[0].gpu.model if side.pools[0].gpu else None) == (
        "stream.graphics.g4dn.xlarge",
        "T4",
    )


def test_linux_is_cheaper(tmp_path: Path) -> None:
    side = after(us(streaming(image_name="AppStream-AmazonLinux2-2024")), tmp_path)
    assert side.monthly.expected == D("0.844") * 2 * 730


def test_an_on_demand_fleet_counts_all_hours_until_the_usage_file_tells(tmp_path: Path) -> None:
    document = us(streaming(fleet_type="ON_DEMAND"))
    assert after(document, tmp_path).monthly.expected == D("1.00") * 2 * 730
    assert "all-hours-counted" in codes(report(document, tmp_path))


def test_capacity_in_sessions_is_shared_by_instances(tmp_path: Path) -> None:
    side = after(us(streaming(max_sessions_per_instance=4, compute_capacity=[{"desired_sessions": 9}])), tmp_path)
    assert units(side) == (3, 3, 3)


def test_a_scalable_target_bounds_a_fleet(tmp_path: Path) -> None:
    own = {
        "scalable_dimension": "appstream:fleet:DesiredCapacity",
        "resource_id": "fleet/cad",
        "min_capacity": 1,
        "max_capacity": 10,
    }
    side = after(us(streaming(), resource("aws_appautoscaling_target.a", own)), tmp_path, "aws_appstream_fleet.a")
    assert units(side) == (1, 2, 10)


def test_graphics_pro_is_a_g3_and_design_a_share_of_a_gpu(tmp_path: Path) -> None:
    pro = after(us(streaming(instance_type="stream.graphics-pro.4xlarge")), tmp_path)
    assert (pro.pools[0].gpu.model if pro.pools[0].gpu else None, pro.monthly.expected) == ("M60", D("2.05") * 2 * 730)
    design = after(us(streaming(instance_type="stream.graphics-design.large")), tmp_path)
    assert (design.gpus.expected, design.monthly.expected) == (0.25, D("0.25") * 2 * 730)


def test_a_newer_graphics_type_is_unpriced_and_not_passed_over(tmp_path: Path) -> None:
    document = us(streaming(instance_type="stream.graphics.g6.xlarge"))
    side = after(document, tmp_path)
    assert (side.monthly.expected, side.gpus.expected) == (None, 2)
    assert "unpriced" in codes(report(document, tmp_path))


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(streaming(instance_type="stream.standard.large"), id="a plain fleet"),
        pytest.param(streaming(instance_type="stream.memory.z1d.large"), id="much memory"),
        pytest.param(streaming(fleet_type="ELASTIC"), id="an elastic fleet"),
        pytest.param(streaming(instance_type=None), id="no type"),
        pytest.param(
            resource("aws_appstream_image_builder.b", {"instance_type": "stream.standard.medium"}), id="a builder"
        ),
    ],
)
def test_streaming_without_graphics_is_no_line(block: Block, tmp_path: Path) -> None:
    result = report(us(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_an_image_builder_runs(tmp_path: Path) -> None:
    own = {"name": "b", "instance_type": "stream.graphics.g4dn.xlarge", "image_name": "AppStream-Graphics-G4dn"}
    assert after(us(resource("aws_appstream_image_builder.b", own)), tmp_path).monthly.expected == D("1.00") * 730


# -- WorkSpaces -----------------------------------------------------------------------------------------------------------


def desktop(compute: str | None = "GRAPHICS_G4DN", mode: str | None = "ALWAYS_ON", **values: Any) -> Block:
    properties = {
        "compute_type_name": compute,
        "running_mode": mode,
        "root_volume_size_gib": 100,
        "user_volume_size_gib": 100,
    }
    return resource(
        "aws_workspaces_workspace.a", {"bundle_id": "wsb-1", "workspace_properties": [properties], **values}
    )


def bundle(compute: str, name: str = "Graphics.g4dn with Windows 10") -> Block:
    return data("data.aws_workspaces_bundle.b", {"id": "wsb-1", "name": name, "compute_type": [{"name": compute}]})


def test_a_desktop_that_is_always_on_is_paid_by_the_month(tmp_path: Path) -> None:
    side = after(us(desktop()), tmp_path)
    assert (side.gpus.expected, side.monthly.expected, side.monthly.max) == (1, D(537), D(537))
    assert side.pools[0].gpu is not None
    assert side.pools[0].gpu.model == "T4"


def test_a_desktop_that_stops_is_paid_by_the_hour_and_a_fee(tmp_path: Path) -> None:
    document = us(desktop(mode="AUTO_STOP"))
    assert after(document, tmp_path).monthly.expected == D("1.54") * 730 + 22
    assert "all-hours-counted" in codes(report(document, tmp_path))


def test_the_usage_file_tells_the_hours_of_a_desktop(tmp_path: Path) -> None:
    from gpuguard.extract.usage_file import load_usage

    path = tmp_path / "usage.yml"
    path.write_text('version: 1\nresources:\n  "aws_workspaces_*":\n    hours_per_month: 160\n')
    side = after(us(desktop(mode="AUTO_STOP")), tmp_path, usage=load_usage(str(path)))
    assert (side.monthly.expected, side.monthly.max) == (D("1.54") * 160 + 22, D("1.54") * 730 + 22)


def test_the_bundle_decides_where_the_desktop_does_not_say(tmp_path: Path) -> None:
    one = "aws_workspaces_workspace.a"
    assert after(us(desktop(None), bundle("GRAPHICSPRO_G4DN")), tmp_path, one).monthly.expected == 959
    linux = bundle("GRAPHICS_G4DN", "Graphics.g4dn with Ubuntu 22.04")
    assert after(us(desktop(None), linux), tmp_path, one).monthly.expected == 535
    assert found(us(desktop(None), bundle("STANDARD")), tmp_path) == {}


def test_a_bundle_that_is_not_read_may_be_any(tmp_path: Path) -> None:
    document = us(desktop(None))
    assert after(document, tmp_path).pools[0].sku is None
    assert "unknown-machine-type" in codes(report(document, tmp_path))


@pytest.mark.parametrize(
    ("compute", "gpu"),
    [
        ("GRAPHICS", "GRID-K520"),
        ("GRAPHICSPRO", "M60"),
        ("GRAPHICS_G6_XLARGE", "L4"),
        ("GRAPHICS_GR6_4XLARGE", "L4"),
        ("GRAPHICS_G6F_LARGE", "L4"),
    ],
)
def test_every_graphics_desktop_is_seen(compute: str, gpu: str, tmp_path: Path) -> None:
    side = after(us(desktop(compute)), tmp_path)
    assert side.pools[0].gpu is not None
    assert side.pools[0].gpu.model == gpu
    assert side.monthly.expected is None


@pytest.mark.parametrize("compute", ["VALUE", "STANDARD", "PERFORMANCE", "POWER", "POWERPRO", "GENERALPURPOSE_8XLARGE"])
def test_a_plain_desktop_is_no_line(compute: str, tmp_path: Path) -> None:
    result = report(us(desktop(compute), bundle("GRAPHICS_G4DN")), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


# -- GameLift -------------------------------------------------------------------------------------------------------------


def game(**values: Any) -> Block:
    return resource(
        "aws_gamelift_fleet.a", {"name": "g", "ec2_instance_type": "g5g.xlarge", "fleet_type": "ON_DEMAND", **values}
    )


def test_a_game_fleet_starts_with_one_instance(tmp_path: Path) -> None:
    document = us(game())
    assert after(document, tmp_path).monthly.expected == D("0.511") * 730
    assert "capacity-elsewhere" in codes(report(document, tmp_path))


def test_a_spot_fleet_is_priced_at_the_list_price(tmp_path: Path) -> None:
    side = after(us(game(fleet_type="SPOT")), tmp_path)
    assert (side.pools[0].purchase_model, side.monthly.expected) == ("spot", D("0.511") * 730)


def test_a_windows_build_has_another_price(tmp_path: Path) -> None:
    build = resource("aws_gamelift_build.b", {"id": "build-1", "operating_system": "WINDOWS_2016"})
    assert after(us(game(build_id="build-1"), build), tmp_path, "aws_gamelift_fleet.a").monthly.expected is None


def test_a_plain_game_fleet_is_no_line(tmp_path: Path) -> None:
    assert found(us(game(ec2_instance_type="c5.large")), tmp_path) == {}


def test_a_server_group_is_an_auto_scaling_group(tmp_path: Path) -> None:
    own = {
        "game_server_group_name": "g",
        "min_size": 1,
        "max_size": 6,
        "instance_definition": [{"instance_type": "g5.xlarge"}, {"instance_type": "c5.xlarge"}],
        "launch_template": [{"id": "lt-1"}],
    }
    template = resource(
        "aws_launch_template.t",
        {
            "id": "lt-1",
            "block_device_mappings": [{"device_name": "/dev/xvda", "ebs": [{"volume_size": 50, "volume_type": "gp3"}]}],
        },
    )
    address = "aws_gamelift_game_server_group.a"
    side = after(us(resource(address, own), template), tmp_path, address)
    assert (units(side), side.pools[0].purchase_model) == ((1, 1, 6), "spot")
    assert side.monthly.expected == D("0.4507") * 730 + 50 * D("0.08")
    fixed = after(us(resource(address, own | {"balancing_strategy": "ON_DEMAND_ONLY"}), template), tmp_path, address)
    assert fixed.monthly.expected == D("1.006") * 730 + 50 * D("0.08")


# -- builds ---------------------------------------------------------------------------------------------------------------


def project(kind: str = "LINUX_GPU_CONTAINER", size: str = "BUILD_GENERAL1_SMALL", **more: Any) -> Block:
    environment = {"type": kind, "compute_type": size, "image": "aws/codebuild/x", **more.pop("environment", {})}
    return resource("aws_codebuild_project.a", {"name": "p", "environment": [environment], **more})


def test_a_gpu_project_runs_nothing_until_it_builds(tmp_path: Path) -> None:
    document = us(project(concurrent_build_limit=3))
    side = after(document, tmp_path)
    assert (units(side), side.gpus.expected, side.gpus.max) == ((0, 0, 3), 0, 3)
    assert side.pools[0].gpu is not None
    assert side.pools[0].gpu.model == "A10G"
    assert "job-hours" in codes(report(document, tmp_path))


def test_without_a_limit_of_builds_there_is_no_ceiling(tmp_path: Path) -> None:
    document = us(project(size="BUILD_GENERAL1_LARGE"))
    side = after(document, tmp_path)
    assert (units(side), side.pools[0].gpu.per_unit if side.pools[0].gpu else None) == ((0, 0, None), 4)
    assert "unbounded-builds" in codes(report(document, tmp_path))


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(project("LINUX_CONTAINER"), id="a plain container"),
        pytest.param(project("ARM_CONTAINER", "BUILD_GENERAL1_LARGE"), id="another architecture"),
        pytest.param(project(environment={"fleet": [{"fleet_arn": "arn:aws:codebuild:x"}]}), id="on a fleet"),
        pytest.param(resource("aws_codebuild_project.a", {"environment": []}), id="no environment"),
        pytest.param(
            resource(
                "aws_codebuild_fleet.f", {"environment_type": "LINUX_CONTAINER", "compute_type": "BUILD_GENERAL1_LARGE"}
            ),
            id="a plain fleet",
        ),
    ],
)
def test_builds_without_accelerators_are_no_line(block: Block, tmp_path: Path) -> None:
    result = report(us(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize(
    ("values", "gpus"),
    [
        ({"environment_type": "LINUX_GPU_CONTAINER", "compute_type": "BUILD_GENERAL1_SMALL"}, 2),
        ({"environment_type": "LINUX_GPU_CONTAINER", "compute_type": "BUILD_GENERAL1_LARGE"}, 8),
        (
            {
                "environment_type": "LINUX_EC2",
                "compute_type": "CUSTOM_INSTANCE_TYPE",
                "compute_configuration": [{"instance_type": "g6.xlarge"}],
            },
            2,
        ),
    ],
)
def test_a_fleet_of_build_machines_runs_all_the_time(values: Json, gpus: int, tmp_path: Path) -> None:
    own = values | {"base_capacity": 2, "scaling_configuration": [{"max_capacity": 5}]}
    side = after(us(resource("aws_codebuild_fleet.f", own)), tmp_path)
    assert (units(side), side.gpus.expected) == ((2, 2, 5), gpus)


def test_an_unknown_size_of_a_gpu_build_is_told(tmp_path: Path) -> None:
    assert after(us(project(size="BUILD_GENERAL1_HUGE")), tmp_path).pools[0].sku is None


def image(type_: str, **values: Any) -> Block:
    return resource(f"{type_}.i", {"infrastructure_configuration_arn": "arn:aws:imagebuilder:1", **values})


INFRASTRUCTURE = resource(
    "aws_imagebuilder_infrastructure_configuration.c",
    {"arn": "arn:aws:imagebuilder:1", "name": "gpu", "instance_types": ["g4dn.xlarge", "g5.xlarge"]},
)


@pytest.mark.parametrize("type_", ["aws_imagebuilder_image", "aws_imagebuilder_image_pipeline"])
def test_an_image_is_built_on_one_machine_for_a_time(type_: str, tmp_path: Path) -> None:
    document = us(INFRASTRUCTURE, image(type_))
    side = after(document, tmp_path)
    assert (units(side), side.monthly.max) == ((0, 0, 1), D("1.006") * 730)
    assert found(document, tmp_path)[f"{type_}.i"].via == ("aws_imagebuilder_infrastructure_configuration.c",)


def test_an_infrastructure_nobody_uses_costs_nothing(tmp_path: Path) -> None:
    result = report(us(INFRASTRUCTURE), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unused-template"})


def test_a_small_build_machine_is_no_line(tmp_path: Path) -> None:
    small = resource(
        "aws_imagebuilder_infrastructure_configuration.c", {"arn": "arn:aws:imagebuilder:1", "instance_types": []}
    )
    result = report(us(small, image("aws_imagebuilder_image")), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def capacity(*types: str, most: object = 16, **more: Any) -> Block:
    own = {
        "instance_requirements": [{"allowed_instance_types": list(types), **more}],
        "capacity_provider_scaling_config": [{"max_vcpu_count": most}],
    }
    return resource("aws_lambda_capacity_provider.a", own)


def test_machines_of_lambda_are_bounded_by_their_vcpus(tmp_path: Path) -> None:
    assert units(after(us(capacity("g6.xlarge")), tmp_path)) == (0, 0, 4)
    assert units(after(us(capacity("g6.xlarge", most=None)), tmp_path)) == (0, 0, 100)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(capacity("m7g.large", "c7g.xlarge"), id="plain types"),
        pytest.param(capacity(), id="any type"),
        pytest.param(capacity(excluded_instance_types=["g5.xlarge"]), id="types that are excluded"),
        pytest.param(resource("aws_lambda_capacity_provider.a", {"instance_requirements": None}), id="nothing said"),
    ],
)
def test_lambda_without_accelerators_is_no_line(block: Block, tmp_path: Path) -> None:
    result = report(us(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


# -- Elastic Beanstalk ----------------------------------------------------------------------------------------------------


def setting(namespace: str, name: str, value: object) -> Json:
    return {"namespace": namespace, "name": name, "value": value, "resource": ""}


TYPES = setting("aws:ec2:instances", "InstanceTypes", "g4dn.xlarge, g5.xlarge")
SIZES = (setting("aws:autoscaling:asg", "MinSize", "2"), setting("aws:autoscaling:asg", "MaxSize", "6"))


def environment(*settings: Json, **values: Any) -> Block:
    return resource("aws_elastic_beanstalk_environment.e", {"name": "api", "setting": list(settings), **values})


def test_an_environment_runs_its_minimum_of_the_first_type(tmp_path: Path) -> None:
    side = after(us(environment(TYPES, *SIZES)), tmp_path)
    assert (side.pools[0].sku, units(side), side.monthly.expected) == ("g4dn.xlarge", (2, 2, 6), D("0.526") * 2 * 730)


def test_without_sizes_it_runs_one_to_four_and_alone_it_is_one(tmp_path: Path) -> None:
    assert units(after(us(environment(TYPES)), tmp_path)) == (1, 1, 4)
    alone = setting("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
    assert units(after(us(environment(TYPES, alone, *SIZES)), tmp_path)) == (1, 1, 1)


def test_spot_is_split_as_the_environment_says(tmp_path: Path) -> None:
    """One on demand and half of the three above it, rounded up: three on demand and one spot."""
    settings = (
        TYPES,
        setting("aws:autoscaling:asg", "MinSize", 4),
        setting("aws:autoscaling:asg", "MaxSize", 4),
        setting("aws:ec2:instances", "EnableSpot", "true"),
        setting("aws:ec2:instances", "SpotFleetOnDemandBase", "1"),
        setting("aws:ec2:instances", "SpotFleetOnDemandAboveBasePercentage", "50"),
    )
    side = after(us(environment(*settings)), tmp_path)
    assert [(pool.purchase_model, pool.units.expected) for pool in side.pools] == [("on_demand", 3), ("spot", 1)]


def test_the_older_option_and_a_root_volume_count(tmp_path: Path) -> None:
    launch = "aws:autoscaling:launchconfiguration"
    settings = (setting(launch, "InstanceType", "g5.xlarge"), setting(launch, "RootVolumeSize", "100"), *SIZES)
    assert after(us(environment(*settings)), tmp_path).monthly.expected == (D("1.006") * 730 + 100 * D("0.08")) * 2


def test_a_template_is_used_by_its_environment_whose_settings_go_first(tmp_path: Path) -> None:
    template = resource("aws_elastic_beanstalk_configuration_template.t", {"name": "gpu", "setting": [TYPES, *SIZES]})
    own = environment(setting("aws:autoscaling:asg", "MinSize", "3"), template_name="gpu")
    document = us(template, own)
    side = after(document, tmp_path)
    assert units(side) == (3, 3, 6)
    assert found(document, tmp_path)["aws_elastic_beanstalk_environment.e"].via == (
        "aws_elastic_beanstalk_configuration_template.t",
    )
    assert codes(report(us(template), tmp_path)) == {"unused-template"}


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(environment(*SIZES), id="the default type"),
        pytest.param(environment(setting("aws:ec2:instances", "InstanceTypes", "t3.large")), id="a plain type"),
        pytest.param(environment(setting("aws:ec2:instances", "InstanceTypes", "")), id="no type"),
        pytest.param(
            environment(setting("aws:elasticbeanstalk:application:environment", "GPU", "g5.xlarge")), id="a variable"
        ),
    ],
)
def test_an_environment_without_accelerators_is_no_line(block: Block, tmp_path: Path) -> None:
    result = report(us(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


# -- Parallel Computing Service -------------------------------------------------------------------------------------------


def nodes(**values: Any) -> Block:
    own = {
        "instance_configs": [{"instance_type": "g6.xlarge"}, {"instance_type": "g5.xlarge"}],
        "scaling_configuration": {"min_instance_count": 1, "max_instance_count": 8},
        "custom_launch_template": {"template_id": "lt-1", "version": "1"},
        "purchase_option": "ONDEMAND",
        "tags": {"team": "hpc"},
    }
    return resource("awscc_pcs_compute_node_group.n", own | values)


def test_a_node_group_runs_its_minimum(tmp_path: Path) -> None:
    document = us(nodes())
    side = after(document, tmp_path)
    assert (units(side), side.pools[0].sku, side.monthly.expected) == ((1, 1, 8), "g5.xlarge", D("1.006") * 730)
    assert found(document, tmp_path)["awscc_pcs_compute_node_group.n"].tags == {"team": "hpc"}
    assert "pcs-fee" in codes(report(document, tmp_path))


def test_a_node_group_may_be_spot(tmp_path: Path) -> None:
    side = after(us(nodes(purchase_option="SPOT", instance_configs=[{"instance_type": "g5.xlarge"}])), tmp_path)
    assert (side.pools[0].purchase_model, side.monthly.expected) == ("spot", D("0.4507") * 730)


def test_plain_nodes_are_no_line(tmp_path: Path) -> None:
    assert found(us(nodes(instance_configs=[{"instance_type": "c7i.large"}])), tmp_path) == {}


# -- what only apply can tell, and whatever stands there ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        ("aws_appstream_fleet", "instance_type"),
        ("aws_appstream_image_builder", "instance_type"),
        ("aws_gamelift_fleet", "ec2_instance_type"),
    ],
)
def test_an_unknown_machine_type_is_told(type_: str, path: str, tmp_path: Path) -> None:
    block = resource(
        f"{type_}.a", {"name": "x"}, unknown={path: True}, expressions={path: ref("data.aws_ssm_parameter.t.value")}
    )
    document = us(block)
    assert after(document, tmp_path).pools[0].sku is None
    assert "unknown-machine-type" in codes(report(document, tmp_path))


JUNK: list[Any] = [None, "", "x", 7, -1, 1e308, True, [], {}, [[]], [None, 3, {"a": []}], {"value": {"x": 1}}]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(
    ("block", "path"),
    [
        (streaming(), "instance_type"),
        (streaming(), "compute_capacity"),
        (streaming(), "max_sessions_per_instance"),
        (desktop(), "workspace_properties"),
        (desktop(None), "bundle_id"),
        (game(), "ec2_instance_type"),
        (resource("aws_gamelift_game_server_group.a", {"min_size": 1, "max_size": 2}), "instance_definition"),
        (project(), "environment"),
        (project(), "concurrent_build_limit"),
        (resource("aws_codebuild_fleet.f", {"environment_type": "LINUX_GPU_CONTAINER"}), "compute_type"),
        (resource("aws_codebuild_fleet.f", {"environment_type": "LINUX_EC2"}), "compute_configuration"),
        (INFRASTRUCTURE, "instance_types"),
        (capacity("g6.xlarge"), "instance_requirements"),
        (capacity("g6.xlarge"), "capacity_provider_scaling_config"),
        (environment(TYPES), "setting"),
        (nodes(), "instance_configs"),
        (nodes(), "scaling_configuration"),
        (nodes(), "tags"),
    ],
    ids=lambda value: value.address if isinstance(value, Block) else value,
)
def test_no_value_of_a_wrong_type_is_a_traceback(block: Block, path: str, junk: Any, tmp_path: Path) -> None:
    own = dict(block.after or {})
    report(us(resource(block.address, own | {path: junk}, before=own), image("aws_imagebuilder_image")), tmp_path)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("aws:ec2:instances", "InstanceTypes"),
        ("aws:autoscaling:asg", "MinSize"),
        ("aws:ec2:instances", "SpotFleetOnDemandBase"),
        ("aws:autoscaling:launchconfiguration", "RootVolumeSize"),
    ],
)
def test_no_setting_of_a_wrong_type_is_a_traceback(namespace: str, name: str, junk: Any, tmp_path: Path) -> None:
    spot = setting("aws:ec2:instances", "EnableSpot", "true")
    report(us(environment(TYPES, spot, setting(namespace, name, junk))), tmp_path)
