"""gpuguard: the cost guardrail for GPUs in Terraform pull requests."""

__version__ = "0.1.0"
