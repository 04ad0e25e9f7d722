"""Manifests in text or objects: kubernetes_manifest, kubectl_manifest, helm_release."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
