"""AWS: which attributes of which Terraform types start accelerators, one module a group of services.

Attribute names are those of the AWS provider 5.x and 6.x (https://registry.terraform.io/providers/hashicorp/aws).
"""

MODULES = {
    "compute": (
        "aws_instance",
        "aws_spot_instance_",
        "aws_launch_",
    ),
    "groups": (
        "aws_autoscaling_group",
        "aws_eks_",
    ),
    "fleets": (
        "aws_ec2_fleet",
        "aws_spot_fleet_",
    ),
    "reservations": (
        "aws_ec2_capacity_",
        "aws_ec2_host",
    ),
    "batch": ("aws_batch_",),
    "containers": ("aws_ecs_",),
    "sagemaker": (
        "aws_sagemaker_",
        "awscc_sagemaker_",
    ),
    "emr": ("aws_emr_",),
    "services": (
        "aws_appstream_",
        "aws_codebuild_",
        "aws_elastic_beanstalk_",
        "aws_gamelift_",
        "aws_imagebuilder_",
        "aws_lambda_",
        "aws_workspaces_",
        "awscc_pcs_",
    ),
}
"""The modules, and how the types begin that each describes: a module is loaded where a document holds one of them."""
