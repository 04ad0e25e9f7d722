"""What tags tell of a resource: the kind of work it does and the environment it belongs to."""

from collections.abc import Mapping

from gpuguard.model.report import Workload

_WORKLOADS: dict[str, Workload] = {
    "training": "training",
    "train": "training",
    "finetuning": "training",
    "inference": "inference",
    "serving": "inference",
    "serve": "inference",
    "development": "development",
    "dev": "development",
    "notebook": "development",
    "research": "development",
    "batch": "batch",
    "graphics": "graphics",
    "rendering": "graphics",
    "render": "graphics",
    "workstation": "graphics",
}
_WORKLOAD_KEYS = ("gpuguard:workload", "gpuguard_workload", "gpuguard-workload", "workload")
_ENVIRONMENT_KEYS = ("environment", "env", "stage")


def _find(tags: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    lowered = {key.lower(): value for key, value in sorted(tags.items(), reverse=True)}
    return next((lowered[key] for key in keys if lowered.get(key)), None)


def workload_of(tags: Mapping[str, str]) -> Workload | None:
    """The workload that a `workload` (or `gpuguard:workload`) tag names; None when it names none that is known."""
    value = _find(tags, _WORKLOAD_KEYS)
    return _WORKLOADS.get(value.lower().replace("-", "").replace("_", "").strip()) if value else None


def environment_of(tags: Mapping[str, str]) -> str | None:
    """The value of an `environment`, `env` or `stage` tag."""
    return _find(tags, _ENVIRONMENT_KEYS)
