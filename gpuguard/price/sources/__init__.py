"""The price APIs that `catalog refresh` can ask. One module each; this is the list of them."""

from gpuguard.price.sources.base import Source


def sources() -> tuple[Source, ...]:
    """All price APIs, in the order they are asked. Only a refresh imports them."""
    from gpuguard.price.sources import aws, aws_spot, azure, gcp, linode, oci, vultr

    return (
        *aws.SOURCES,
        aws_spot.SOURCE,
        *azure.SOURCES,
        *gcp.SOURCES,
        linode.SOURCE,
        oci.SOURCE,
        vultr.SOURCE,
    )
