"""What the AWS types share: region, tags, operating system."""

from base64 import b64decode
from collections.abc import Iterable

from gpuguard.extract.common import sensitive_keys, string_tags, without
from gpuguard.extract.view import SENSITIVE, Context, View
from gpuguard.model.usage import OperatingSystem, Unknown


def region(view: View) -> str | Unknown | None:
    """Own `region` (provider 6), else what this side is or was in (ARN, zone, subnet), else the provider's."""
    own = view.text("region")
    if isinstance(own, str):
        return own
    for place in _places(view):
        found = region_of(view.context, place)
        if found:
            return found
    if isinstance(own, Unknown):
        return own
    values = view.context.resolver.provider_values(view.node, ("region",))
    names = {value for value in values if isinstance(value, str) and value}
    return names.pop() if len(names) == 1 else _region_of_provider(view)


def region_of(context: Context, place: object) -> str | None:
    """The region of an ARN, a zone or a region's own name."""
    if not isinstance(place, str) or not place:
        return None
    parts = place.split(":")
    return context.region_of_zone("aws", parts[3] if parts[0] == "arn" and len(parts) > 4 else place)


_SUBNETS = ("subnet_id", "vpc_zone_identifier", "subnet_ids", "subnets")


def _places(view: View) -> Iterable[object]:
    yield view.known("arn")
    yield view.string("availability_zone")
    yield view.string("placement.availability_zone")
    zones = view.known("availability_zones")
    yield from zones if isinstance(zones, list) else ()
    for path in _SUBNETS:
        subnets = view.known(path)
        # of a list the first ones are enough: all lie in one region
        paths = [f"{path}.{index}" for index in range(len(subnets[:3]))] if isinstance(subnets, list) else []
        link = view.follow((path, *paths), ("aws_subnet",), ("id",))
        for subnet in () if link.assumed else link.views[:1]:
            yield subnet.known("region")
            yield subnet.known("arn")
            yield subnet.string("availability_zone")
            yield subnet.string("availability_zone_id")


_MOST_SUBNETS = 20


def only_zone(view: View) -> str | None:
    """The one zone in which a resource starts its machines; None where there are several, or only apply can tell."""
    own = view.string("availability_zone")
    if own:
        return own
    zones = view.known("availability_zones")
    names = set(zones) if isinstance(zones, list) and all(isinstance(zone, str) for zone in zones) else set()
    for path in _SUBNETS if not names else ():
        listed = view.known(path)
        count = len(listed) if isinstance(listed, list) else 0
        if count > _MOST_SUBNETS:
            return None
        for each in [f"{path}.{index}" for index in range(count)] or [path]:
            link = view.follow((each,), ("aws_subnet",), ("id",))
            found = {None} if link.assumed else {subnet.string("availability_zone") for subnet in link.views}
            if not found and view.get(each) is not None:
                return None  # a subnet that the plan does not describe
            names |= found
    return names.pop() if len(names) == 1 else None


_TELLING = ("aws_instance", "aws_subnet", "aws_vpc", "aws_launch_template", "aws_ebs_volume", "aws_eks_cluster")


def _region_of_provider(view: View) -> str | None:
    """The region that all speaks for which the same provider block manages and reads, where its own is hidden."""
    resolver = view.context.resolver
    key = resolver.provider_key(view.node)
    known = view.context.provider_regions
    if key not in known:
        document = view.context.document
        sources = [
            node
            for node in (*document.data("aws_region"), *document.data("aws_availability_zones"))
            if not any(resolver.resolve(node, (name,)).configured for name in ("region", "name", "endpoint"))
        ]
        others = [*document.current(*_TELLING), *document.data("aws_ami"), *document.data("aws_subnet")]
        known[key] = None
        for nodes, attributes in ((sources, ("region", "name", "id")), (others, ("arn", "availability_zone"))):
            found = {
                region_of(view.context, values.get(attribute))
                for node in nodes
                if resolver.provider_key(node) == key
                for values in (node.before, node.after)
                if values
                for attribute in attributes
            } - {None}
            if found:
                known[key] = found.pop() if len(found) == 1 else None
                break
    return known[key]


def tags(view: View) -> dict[str, str]:
    """`tags_all` (it holds the provider's default_tags), else `tags`; groups have `tag` blocks."""
    found = string_tags(view, "tags_all") or string_tags(view, "tags")
    found = without(found, sensitive_keys(view, "tags", "tags_all"))
    for block in view.blocks("tag"):
        key, value = block.string("key"), block.string("value")
        if key and value is not None:
            found[key] = SENSITIVE if block.is_sensitive("value") else value
    return found


def os_named(text: str) -> OperatingSystem:
    """The operating system that a name speaks of; Linux where it names none with a licence of its own."""
    lowered = text.lower()
    if "windows" in lowered:
        return "windows"
    if "red hat" in lowered or "rhel" in lowered:
        return "rhel"
    return "sles" if "suse" in lowered else "linux"


_NAMING_FILTERS = ("name", "platform", "platform-details")


def operating_system(view: View, path: str) -> OperatingSystem:
    """Operating system of the image: signs of Windows on the resource, else what the image is called and found by."""
    if view.flag("get_password_data") or _windows_script(view):
        return "windows"
    told = [view.string(path) or ""]  # resolve:ssm:/aws/service/ami-windows-latest/…
    for source in view.follow((path,), ("aws_ami", "aws_ssm_parameter"), ("id", "value", "insecure_value")).views:
        told.append(source.string("name") or "")
        told.append(source.string("platform_details") or source.string("platform") or "")
        for wanted in source.blocks("filter"):
            values = wanted.texts("values")
            if wanted.string("name") in _NAMING_FILTERS and isinstance(values, list):
                told.extend(values)
    return os_named(" ".join(told))


def _windows_script(view: View) -> bool:
    """Whether user data is for Windows: plain on instances, base64 on templates."""
    for path in ("user_data", "user_data_base64"):
        text = view.string(path) or ""
        for script in (text, _decoded(text[:64])):
            if script.lstrip().lower().startswith(("<powershell>", "<script>")):
                return True
    return False


def _decoded(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode("utf-8", "ignore")
    except ValueError:
        return ""
