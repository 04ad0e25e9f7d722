"""The price APIs that `catalog refresh` can ask. One module each; this is the list of them."""

from gpuguard.price.sources.base import Source


def sources() -> tuple[Source, ...]:
    """All price APIs, in the order they are asked. Only a refresh imports them."""
    from gpuguard.price.sources.aws import SOURCES as AWS
    from gpuguard.price.sources.aws_spot import SOURCE as AWS_SPOT
    from gpuguard.price.sources.azure import SOURCES as AZURE
    from gpuguard.price.sources.gcp import SOURCES as GCP
    from gpuguard.price.sources.linode import SOURCE as LINODE
    from gpuguard.price.sources.oci import SOURCE as OCI
    from gpuguard.price.sources.vultr import SOURCE as VULTR

    return (*AWS, AWS_SPOT, *AZURE, *GCP, LINODE, OCI, VULTR)
