"""Follows expressions of a plan's configuration to the resources and values behind them.

A plan says `launch_template.id` is unknown; its configuration says the expression mentions
``aws_launch_template.gpu["a"].id`` or ``var.template_id``. This module walks from there: through module variables and
outputs, count indexes and for_each keys, `terraform_data`, until a resource or a constant is reached.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from gpuguard.read.configuration import (
    ConfigResource,
    Expression,
    Key,
    ModuleCall,
    ModulePath,
    module_address,
    module_path,
    parse_address,
    parse_expression,
)
from gpuguard.read.document import Document, Node

Step = str | int
Path = tuple[Step, ...]

_MAX_DEPTH = 40
"""Modules nest a handful deep; this bounds what a made-up plan can ask for."""
_MAX_TARGETS = 2_000
_MAX_SOURCES = 200
"""Attributes looked at for the value of one attribute."""
_MAX_STEPS = 10_000
"""References followed for one expression; genuine ones need a few dozen."""
_MAX_STEPS_IN_ALL = 2_000_000
"""References followed for one document. A file made to blow up ends here, and the rest counts as unknown."""
_MAX_REFERENCE = 2_000
"""Characters of one reference; longer ones stand in no configuration."""


_STEP = re.compile(r"[.\[]")


class Resolution(msgspec.Struct):
    """Where an expression leads.

    `configured` is False when the configuration has no such expression (the attribute is left to the provider, or
    stands in a dynamic block). `ended` is True when part of the trail is hidden: a local, a dynamic block, a
    data source not yet read. `exact` is False when several instances came in question and none was named.
    `sensitive` is True when the trail passes a sensitive variable or output. `guessed` is True when it passes an
    expression of several references, of which any may be what was asked for: an object that a module is given names its
    ids beside its machine types.
    """

    configured: bool = False
    ended: bool = False
    exact: bool = True
    sensitive: bool = False
    guessed: bool = False
    steps: int = 0
    constants: list[Any] = msgspec.field(default_factory=list)
    targets: list[tuple[Node, Path]] = msgspec.field(default_factory=list)

    def constant(self, value: Any) -> None:
        """Note a constant that the trail leads to; null is none."""
        if value is not None:
            self.constants.append(value)

    def nodes(self, types: Iterable[str]) -> list[Node]:
        """The distinct target resources of these types, in order."""
        wanted = set(types)
        found = {id(node): node for node, _ in self.targets if node.type in wanted}
        return list(found.values())


class _Scope(msgspec.Struct, frozen=True):
    """From where an expression is read: the module instance, the key of the block, and the block's own for_each."""

    module: ModulePath
    key: str | int | None
    block: ConfigResource | ModuleCall | None


def walk(values: Any, path: Sequence[Step]) -> Any:
    """Follow a path through decoded values; a name on a list means its first element. None when there is nothing."""
    current = values
    for step in path:
        if isinstance(current, list):
            if isinstance(step, int):
                current = current[step] if 0 <= step < len(current) else None
                continue
            current = current[0] if current else None
        if not isinstance(current, dict):
            return None
        current = current.get(step)  # keys of JSON are strings: an index finds nothing
    return current


def is_unknown(mask: Any, path: Sequence[Step]) -> bool:
    """Whether the value at a path is marked in an `after_unknown` (or `*_sensitive`) mirror."""
    current = mask
    for step in path:
        if current is True:
            return True
        if isinstance(current, list) and isinstance(step, str):
            current = current[0] if current else None
            if current is True:
                return True
        if isinstance(current, dict):
            current = current.get(step) if isinstance(step, str) else None
        elif isinstance(current, list) and isinstance(step, int):
            current = current[step] if 0 <= step < len(current) else None
        else:
            return False
    return current is True


def is_marked(mask: Any, path: Sequence[Step]) -> bool:
    """Whether anything at, above or below a path is marked in a mirror."""
    current = mask
    for step in path:
        if isinstance(current, list) and isinstance(step, str):
            current = current[0] if current else None
        if isinstance(current, dict):
            current = current.get(step) if isinstance(step, str) else None
        elif isinstance(current, list) and isinstance(step, int):
            current = current[step] if 0 <= step < len(current) else None
        else:
            return current is True
    pending = [current]
    while pending:
        current = pending.pop()
        if current is True:
            return True
        pending.extend(current.values() if isinstance(current, dict) else current if isinstance(current, list) else ())
    return False


class Resolver:
    """Follows references within one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.secret_seen = False
        """Set whenever a value is given out that is marked sensitive; whoever wants to know resets it before."""
        self._secrets: set[tuple[int, Path]] = set()
        self._guessed: set[tuple[int, Path]] = set()
        self._expressions: dict[int, dict[str, Any]] = {}
        self._values: dict[tuple[int, Path], list[Any]] = {}
        self._resolutions: dict[tuple[int, Path], Resolution] = {}
        self._scopes: dict[int, _Scope | None] = {}
        self._keys: dict[tuple[ModulePath, str], list[str | int | None]] = {}
        self._steps = 0

    def resolve(self, node: Node, path: Path) -> Resolution:
        """Where the expression at `path` of a resource leads."""
        key = (id(node), path)
        if key not in self._resolutions:
            self._resolutions[key] = self._resolve(node, path)
        return self._resolutions[key]

    def _resolve(self, node: Node, path: Path) -> Resolution:
        result = Resolution()
        scope = self._scope(node)
        if scope is None or not isinstance(scope.block, ConfigResource):
            return result
        found, hidden = self._find(self._decoded(scope.block), path, node)
        result.ended = hidden
        if found is not None:
            result.configured = True
            self._follow(found, scope, (), result, 0)
        return result

    def values(self, node: Node, path: Path) -> list[Any]:
        """The distinct values an unknown attribute may take, as far as references tell; [] when they do not."""
        key = (id(node), path)
        if key not in self._values:
            self._values[key] = []  # what refers to itself has no value
            found: list[Any] = []
            self._collect(node, path, found)
            distinct: list[Any] = []
            for value in found:
                if value is not None and value not in distinct:
                    distinct.append(value)
            self._values[key] = distinct
        self.secret_seen = self.secret_seen or key in self._secrets
        return self._values[key]

    def is_secret(self, node: Node, path: Path) -> bool:
        """Whether any of the values of an unknown attribute is marked sensitive where it comes from."""
        self.values(node, path)
        return (id(node), path) in self._secrets

    def is_guess(self, node: Node, path: Path) -> bool:
        """Whether the values of an unknown attribute are any that an expression mentions (see `Resolution.guessed`)."""
        self.values(node, path)
        return (id(node), path) in self._guessed

    def _collect(self, node: Node, path: Path, out: list[Any]) -> None:
        """Every value that the attribute may take, in the order of the references; no recursion, whatever they form."""
        pending: list[tuple[Node, Path]] = [(node, path)]
        seen: set[tuple[int, Path]] = set()
        while pending and len(seen) <= _MAX_SOURCES and self._steps <= _MAX_STEPS_IN_ALL:
            current, where = pending.pop()
            if (id(current), where) in seen or len(where) > _MAX_DEPTH:
                continue
            seen.add((id(current), where))
            self._steps += 1
            value = walk(current.after if current.after is not None else current.before, where)
            if value is not None:
                out.append(value)
                if is_marked(current.sensitive("after" if current.after is not None else "before"), where):
                    self._secrets.add((id(node), path))
            elif current.type == "terraform_data" and where[:1] == ("output",):
                pending.append((current, ("input", *where[1:])))
            else:
                resolution = self.resolve(current, where)
                if resolution.sensitive:
                    self._secrets.add((id(node), path))
                if resolution.guessed:
                    self._guessed.add((id(node), path))
                out.extend(resolution.constants)
                pending.extend((target, attribute) for target, attribute in reversed(resolution.targets) if attribute)

    def call_arguments(self, node: Node, types: Iterable[str]) -> list[Node]:
        """Resources of these types that the call of the node's module passes in, through any argument."""
        path = module_path(node.module_address)
        found: dict[int, Node] = {}
        while path:
            call = self.document.configuration.call([name for name, _ in path])
            if call is None:
                break
            scope = _Scope(path[:-1], path[-1][1], call)
            result = Resolution()
            for raw in self.document.configuration.expressions(call.expressions).values():
                expression = parse_expression(raw)
                if expression is not None:
                    self._follow(expression, scope, (), result, 0)
            for target in result.nodes(types):
                found[id(target)] = target
            if found:
                break
            path = path[:-1]
        return list(found.values())

    def provider_key(self, node: Node) -> str | None:
        """Key of the provider block that a resource uses."""
        scope = self._scope(node)
        return (
            scope.block.provider_config_key if scope is not None and isinstance(scope.block, ConfigResource) else None
        )

    def provider_values(self, node: Node, path: Path) -> list[Any]:
        """Values of an argument of the resource's provider block: constants, variables, references. [] if not told."""
        providers = self.document.configuration.providers
        short = node.provider_name.rsplit("/", 1)[-1]
        own = [
            key
            for key, block in providers.items()
            if node.provider_name in (block.full_name, block.name) or block.name == short
        ]
        key = own[0] if len(own) == 1 else self.provider_key(node)
        block = providers.get(key) if key else None
        if block is None:
            return []
        expressions = self.document.configuration.expressions(block.expressions)
        found, _ = self._find(expressions, path, None)
        if found is None:
            return []
        result = Resolution()
        # A provider block inside a module is keyed by the module's address without instance keys.
        module = tuple((name, None) for name, _ in module_path(block.module_address))
        self._follow(found, _Scope(module, None, None), (), result, 0)
        self.secret_seen = self.secret_seen or result.sensitive
        values = list(result.constants)
        for target, attribute in result.targets:
            values.extend(self.values(target, attribute) if attribute else ())
        return [value for value in values if value is not None]

    # -- inside -----------------------------------------------------------------------------------------------------

    def _scope(self, node: Node) -> _Scope | None:
        key = id(node)
        if key not in self._scopes:
            self._scopes[key] = self._scope_of(node)
        return self._scopes[key]

    def _scope_of(self, node: Node) -> _Scope | None:
        if not self.document.configuration.known:
            return None
        path = module_path(node.module_address)
        block = self.document.configuration.resource(
            tuple(name for name, _ in path), node.type, node.name, data=node.mode == "data"
        )
        return _Scope(path, node.index, block)

    def _decoded(self, block: ConfigResource) -> dict[str, Any]:
        key = id(block)
        if key not in self._expressions:
            self._expressions[key] = self.document.configuration.expressions(block.expressions)
        return self._expressions[key]

    def _find(self, expressions: Any, path: Path, node: Node | None) -> tuple[Expression | None, bool]:
        """The expression at a path, and whether a dynamic block may hide it."""
        if len(path) == 1:  # most questions are of top-level attributes, which no dynamic block hides
            return parse_expression(expressions.get(path[0])), False
        current = expressions
        actual = (node.after if node.after is not None else node.before) if node is not None else None
        for position, step in enumerate(path):
            if isinstance(current, list):
                blocks = walk(actual, path[:position]) if actual is not None else None
                if isinstance(step, int):
                    if isinstance(blocks, list) and len(blocks) != len(current):
                        return None, True
                    current = current[step] if 0 <= step < len(current) else None
                    continue
                current = current[0] if current else None
            if not isinstance(current, dict):
                return None, False
            expression = parse_expression(current)
            if expression is not None:
                return expression, False
            inner = current.get(step) if isinstance(step, str) else None
            if inner is None:
                # A block that exists in the values and not in the configuration was made by a `dynamic` block.
                return None, position < len(path) - 1 and bool(walk(actual, path[: position + 1]))
            current = inner
        return parse_expression(current), False

    def _follow(self, expression: Expression, scope: _Scope, rest: Path, out: Resolution, depth: int) -> None:
        if depth > _MAX_DEPTH or len(out.targets) > _MAX_TARGETS or len(rest) > _MAX_DEPTH:
            out.ended = True
            return
        if expression.has_constant:
            out.constant(walk(expression.constant, rest) if rest else expression.constant)
            return
        references = _longest(expression.references)
        by_key = any(reference.startswith(("each.", "count.")) for reference in references)
        single = len([r for r in references if not r.startswith(("each.key", "count.", "path.", "terraform."))]) == 1
        out.guessed = out.guessed or not single
        for reference in references:
            if self._exhausted(out):
                return
            parts = parse_address(reference)
            # Only a lone reference is a plain traversal; more of them make an expression whose parts we cannot see.
            self._reference(parts, scope, rest if single else (), out, depth, by_key)

    def _exhausted(self, out: Resolution) -> bool:
        """Count one more step; True when there were too many, and what is left of the trail counts as hidden."""
        out.steps += 1
        self._steps += 1
        if out.steps <= _MAX_STEPS and self._steps <= _MAX_STEPS_IN_ALL:
            return False
        out.ended = True
        return True

    def _reference(
        self, parts: list[Step], scope: _Scope, rest: Path, out: Resolution, depth: int, by_key: bool
    ) -> None:
        head = parts[0] if parts else ""
        if head == "var" and len(parts) > 1:
            self._variable(str(parts[1]), scope, (*parts[2:], *rest), out, depth)
        elif head == "local":
            out.ended = True
        elif head == "each":
            if len(parts) > 1 and parts[1] == "value":
                self._each_value(scope, (*parts[2:], *rest), out, depth)
        elif head == "module" and len(parts) > 1:
            self._output(parts, scope, rest, out, depth, by_key)
        elif head in ("count", "path", "terraform", "self"):
            return
        elif head == "data" and len(parts) > 2:
            self._resource(str(parts[1]), str(parts[2]), parts[3:], scope, rest, out, by_key, data=True)
        elif len(parts) > 1:
            self._resource(str(head), str(parts[1]), parts[2:], scope, rest, out, by_key, data=False)

    def _variable(self, name: str, scope: _Scope, rest: Path, out: Resolution, depth: int) -> None:
        configuration = self.document.configuration
        calls = tuple(step for step, _ in scope.module)
        out.sensitive = out.sensitive or configuration.is_sensitive(calls, name)
        if not calls:
            value, _ = configuration.variable(name)
            out.constant(walk(value, rest) if rest else value)
            return
        call = configuration.call(calls)
        raw = configuration.expressions(call.expressions).get(name) if call else None
        expression = parse_expression(raw)
        if expression is None:
            value, _ = configuration.variable_default(calls, name)
            out.constant(walk(value, rest) if rest else value)
            return
        parent = _Scope(scope.module[:-1], scope.module[-1][1], call)
        self._follow(expression, parent, rest, out, depth + 1)

    def _each_value(self, scope: _Scope, rest: Path, out: Resolution, depth: int) -> None:
        if scope.block is None:
            return
        expression = self.document.configuration.expression(scope.block.for_each_expression)
        if expression is None:
            out.ended = True
        elif expression.has_constant:
            value = expression.constant
            inner = value.get(str(scope.key)) if isinstance(value, dict) else scope.key
            out.constant(walk(inner, rest) if rest else inner)
        else:
            # for_each over resources gives each.value = the instance of the same key; over a map, what it mentions.
            inner_scope = _Scope(scope.module, scope.key, None)
            for reference in _longest(expression.references):
                if self._exhausted(out):
                    return
                parts = parse_address(reference)
                # a variable or an output is the whole map, and this instance has the part under its key
                keyed = parts[:1] in (["var"], ["module"]) and scope.key is not None
                path = (Key(scope.key), *rest) if keyed and isinstance(scope.key, str) else rest
                self._reference(parts, inner_scope, path, out, depth + 1, True)

    def _output(self, parts: list[Step], scope: _Scope, rest: Path, out: Resolution, depth: int, by_key: bool) -> None:
        name, position = str(parts[1]), 2
        key: str | int | None = None
        explicit = position < len(parts) and isinstance(parts[position], Key | int)
        if explicit:
            key, position = parts[position], position + 1
        calls = (*(step for step, _ in scope.module), name)
        module = self.document.configuration.module(calls)
        if module is None:
            out.ended = True
            return
        outputs = module.outputs or {}
        if position < len(parts):
            wanted = {str(parts[position]): outputs.get(str(parts[position]))}
            rest = (*parts[position + 1 :], *rest)
        else:
            wanted = dict(outputs)
        keys = [key] if explicit else self._module_keys(scope.module, name)
        if not explicit and len(keys) > 1:
            if scope.key in keys:
                keys = [scope.key]
                out.exact = out.exact and by_key
            else:
                out.exact = False
        for output in wanted.values():
            expression = self.document.configuration.expression(output.expression) if output else None
            if expression is None:
                out.ended = True
                continue
            out.sensitive = out.sensitive or bool(output and output.sensitive)
            for instance in keys:
                if self._exhausted(out):
                    return
                # an output that is indexed by each.key is a map made from instances with the same keys
                inner = _Scope((*scope.module, (name, instance)), scope.key if by_key else None, None)
                self._follow(expression, inner, rest, out, depth + 1)

    def _module_keys(self, module: ModulePath, name: str) -> list[str | int | None]:
        known = self._keys.get((module, name))
        if known is not None:
            return known
        prefix = module_address((*module, (name, None)))
        keys: dict[str | int | None, None] = {}
        for address in self.document.modules:
            if address.startswith(prefix):
                path = module_path(address)
                if len(path) > len(module) and path[: len(module)] == module and path[len(module)][0] == name:
                    keys[path[len(module)][1]] = None
        found = self._keys[module, name] = list(keys) or [None]
        return found

    def _resource(
        self,
        type_: str,
        name: str,
        parts: list[Step],
        scope: _Scope,
        rest: Path,
        out: Resolution,
        by_key: bool,
        *,
        data: bool,
    ) -> None:
        instances = self.document.instances(module_address(scope.module), type_, name, data=data)
        attribute: Path = (*parts, *rest)
        if parts and isinstance(parts[0], Key | int):
            explicit = parts[0]
            attribute = (*parts[1:], *rest)
            instances = self.document.instances_of(module_address(scope.module), type_, name, explicit, data=data)
        elif len(instances) > 1 and rest and (named := _named(instances, rest[0])):
            instances, attribute = named, rest[1:]
        elif len(instances) > 1:
            same = self.document.instances_of(module_address(scope.module), type_, name, scope.key, data=data)
            if scope.key is not None and same:
                instances = same
                out.exact = out.exact and by_key
            else:
                out.exact = False
        if not instances and data:
            out.ended = True
        instances = instances[:_MAX_TARGETS]
        self._steps += len(instances)
        for node in instances:
            out.targets.append((node, attribute))


def _named(instances: Iterable[Node], step: Step) -> list[Node]:
    """The instances whose key the next step of a path names: of ``{for k, t in x : k => t.id}["a"]``, ``x["a"]``."""
    return [node for node in instances if node.index == step] if isinstance(step, Key | int) else []


def _longest(references: Sequence[str]) -> list[str]:
    """Drop the prefixes that Terraform lists behind each traversal (``a.b.c`` is followed by ``a.b``)."""
    kept: dict[str, None] = {}
    prefixes: set[str] = set()
    for reference in references:
        if reference in kept or reference in prefixes or len(reference) > _MAX_REFERENCE:
            continue
        kept[reference] = None
        prefixes.update(reference[: found.start()] for found in _STEP.finditer(reference))
    return list(kept)
