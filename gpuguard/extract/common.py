"""What the specs of several providers share."""

from dataclasses import replace

from gpuguard.extract.spec import Extracted, Extractor, Machine, MachineReader, TemplateLink
from gpuguard.extract.view import SENSITIVE, Link, View
from gpuguard.model.usage import Units


def string_tags(view: View, path: str) -> dict[str, str]:
    """A map of tags or labels, known strings only; sensitive ones are shown as such."""
    value = view.known(path)
    if not isinstance(value, dict):
        return {}
    hidden = view.is_sensitive(path)
    return {
        str(key): SENSITIVE if hidden or view.is_sensitive_key(path, str(key)) else item
        for key, item in sorted(value.items())
        if isinstance(item, str)
    }


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
    dearest is priced.
    """
    found = view.follow(link.paths, link.types, link.by)
    if not found.views:
        return None
    machines = [read(template) for template in found.views]
    machine = machines[0]
    if len(machines) > 1:
        options = tuple(dict.fromkeys(option for other in machines for option in other.options))
        machine = replace(machine, options=options, via=tuple(name for other in machines for name in other.via))
    _tell_assumption(view, found)
    return machine


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
