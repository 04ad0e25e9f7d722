"""What the specs of several providers share."""

import re
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.spec import Extracted, Extractor, Machine, MachineReader, TemplateLink
from gpuguard.extract.view import SENSITIVE, Link, View
from gpuguard.model.usage import Disk, Units


def string_tags(view: View, path: str) -> dict[str, str]:
    """A map of tags or labels, known strings only; sensitive ones are shown as such."""
    value = view.known(path)
    if not isinstance(value, dict):
        return {}
    hidden = view.is_sensitive_map(path)
    return {
        str(key): SENSITIVE if hidden or view.is_sensitive_key(path, str(key)) else item
        for key, item in sorted(value.items())
        if isinstance(item, str)
    }


def sensitive_keys(view: View, *paths: str) -> frozenset[str]:
    """Keys whose value any of these maps marks: what is sensitive in `tags` stands unmarked in `tags_all`."""
    return frozenset(
        str(key)
        for path in paths
        if isinstance(value := view.known(path), dict)
        for key in value
        if view.is_sensitive_map(path) or view.is_sensitive_key(path, str(key))
    )


def without(tags: dict[str, str], hidden: frozenset[str]) -> dict[str, str]:
    """The tags with the values of `hidden` keys masked."""
    return {key: SENSITIVE if key in hidden else value for key, value in tags.items()}


def single(read: MachineReader) -> Extractor:
    """One machine per resource."""

    def extract(view: View) -> Extracted:
        machine = read(view)
        return Extracted((machine.pool(Units.fixed(1)),), via=machine.via)

    return extract


def as_template(read: MachineReader) -> Extractor:
    """A template by itself: one unit without its references, so that an unused one can be told."""

    def extract(view: View) -> Extracted:
        return Extracted((read(view).pool(Units.fixed(1)),))

    return extract


def followed_machine(view: View, link: TemplateLink, read: MachineReader) -> Machine | None:
    """The machine of the template behind a link; None when the trail ends without a candidate.

    Several candidates (the trail is hidden and more than one template fits) give all their machine types, and the
    dearest is priced: on demand if one of them is, on Windows if one of them is, with the most disk.
    """
    found = view.follow(link.paths, link.types, link.by)
    if not found.views:
        found = view.of_same_key(link.paths, link.types)
    if not found.views:
        return None
    machines = [_read(template, read) for template in found.views]
    machine = replace(machines[0], assumed=bool(found.assumed) or len(machines) > 1)
    if len(machines) > 1:
        dear = next((other for other in machines if other.purchase_model == "on_demand"), machine)
        machine = replace(
            machine,
            sensitive=any(other.sensitive for other in machines),
            options=tuple(dict.fromkeys(option for other in machines for option in other.options)),
            purchase_model=dear.purchase_model,
            spot_max_price=dear.spot_max_price,
            os=next((other.os for other in machines if other.os != "linux"), "linux"),
            disks=max((other.disks for other in machines), key=disk_size),
            accelerated=any(other.accelerated for other in machines),
            via=tuple(name for other in machines for name in other.via),
        )
    _tell_assumption(view, found)
    return machine


def _read(template: View, read: MachineReader) -> Machine:
    """What a template holds, read once however many use it; each user gets the notes on it."""
    known = template.context.machines
    key = (read, id(template.node), template.side)
    if key not in known:
        alone = View(template.context, template.node, template.side, [])
        known[key] = read(alone), alone.notes
    machine: Machine = known[key][0]
    notes = known[key][1]
    template.notes.extend(note for note in notes if note not in template.notes)
    return machine


def disk_size(disks: Iterable[Disk]) -> Decimal:
    """All disks of a machine together, in GiB; unknown sizes count as nothing."""
    return sum(((disk.size_gib or Decimal(0)) * disk.count for disk in disks), Decimal(0))


def _tell_assumption(view: View, found: Link) -> None:
    if len(found.views) > 1:
        names = ", ".join(other.address for other in found.views[:3]) + (" …" if len(found.views) > 3 else "")
        view.note(
            "warning",
            "ambiguous-template",
            f"the plan does not say which template it uses; the dearest of {len(found.views)} is taken: {names}",
        )
    elif found.assumed:
        view.note(
            "info",
            "assumed-template",
            f"the plan hides which template it uses; {found.views[0].address}, {found.assumed}, is assumed",
        )


def listed_tags(view: View, path: str = "tags") -> dict[str, str]:
    """Tags that are a list of texts: ``team:ml`` and ``team=ml`` name a key and its value, a bare word is a key."""
    value = view.known(path)
    if not isinstance(value, list):
        return {}
    if view.is_sensitive(path):
        return {SENSITIVE: ""} if value else {}
    pairs = (re.split("[:=]", item, maxsplit=1) for item in value if isinstance(item, str) and item)
    return {pair[0].strip(): pair[1].strip() if len(pair) > 1 else "" for pair in sorted(pairs)}


def text_behind(view: View, link: TemplateLink, attribute: str) -> str | None:
    """An attribute of the resource behind a reference (the region of a node pool's cluster), if it is told.

    Where the plan hides the reference, it is that of all resources of these types, if they agree.
    """
    found = {text for other in view.follow(link.paths, link.types, link.by).views if (text := other.string(attribute))}
    if not found and all(view.known(path) is None for path in link.paths):
        memo = view.context.machines
        key = ((text_behind, link.types, attribute), id(view.context.document), view.side)
        if key not in memo:
            values = (node.values(view.side) or {} for node in view.context.document.current(*link.types))
            memo[key] = {text for each in values if isinstance(text := each.get(attribute), str) and text}, []
        found = memo[key][0]
    return next(iter(found)) if len(found) == 1 else None
