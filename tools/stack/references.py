"""Finds names that a template uses and does not have: a mistyped ``!Ref``, a condition that is gone.

AWS refuses such a template. The emulator deploys it, and cfn-lint, which takes five seconds to load, overlooks what SAM
leaves out while releases are not gradual. Resources that SAM makes are named as SAM offers them
(``GetOrderFunction.Alias``), but for a function's URL and, in ``DependsOn``, its alias. A loop lists its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.console import Problem, problems_reported, say
from tools.stack.deployment import TEMPLATE

# The sections that have what a function, or an attribute of a resource, names.
_USES = {
    "Ref": ("Resources", "Parameters"),
    "Fn::Sub": ("Resources", "Parameters"),
    "Fn::GetAtt": ("Resources",),
    "DependsOn": ("Resources",),
    "Fn::If": ("Conditions",),
    "Condition": ("Conditions",),
    "Fn::FindInMap": ("Mappings",),
}
# "Get AWS values using pseudo parameters", AWS CloudFormation User Guide
_PSEUDO_PARAMETERS = {
    f"AWS::{name}"
    for name in ("AccountId", "NotificationARNs", "NoValue", "Partition", "Region", "StackId", "StackName", "URLSuffix")
}
_PLACEHOLDER = re.compile(r"\$\{([^!}]+)\}")
_LOOP = "Fn::ForEach::"


class _Placed(dict[str, Any]):
    """A mapping of a YAML file, with its place (``template.yaml:12``)."""

    place = ""


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """Reads templates: functions in their long form, mappings with their places."""


def _placed(node: yaml.Node, content: Any) -> _Placed:
    mapping = _Placed(content)
    mapping.place = f"{Path(node.start_mark.name).name}:{node.start_mark.line + 1}"
    return mapping


def _mapping(loader: Any, node: yaml.MappingNode) -> _Placed:
    return _placed(node, loader.construct_pairs(node, deep=True))


def _function(loader: Any, name: str, node: yaml.Node) -> _Placed:
    match node:
        case yaml.MappingNode():
            argument = _mapping(loader, node)
        case yaml.SequenceNode():
            argument = loader.construct_sequence(node, deep=True)
        case _:
            argument = loader.construct_scalar(node)
    return _placed(node, {name if name in ("Ref", "Condition") else f"Fn::{name}": argument})


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("!", _function)


def require_none(template: Path = TEMPLATE) -> None:
    """Raise a ``Problem`` that names all dangling references of a template, if it has any."""
    if found := dangling(template):
        raise Problem("; ".join(found))


def dangling(template: Path = TEMPLATE) -> list[str]:
    """Return the dangling references of a template, of the files that it includes, and of its nested templates.

    Raises
    ------
    Problem
        A file is not YAML; the message has the line.
    """
    document = _read(template)
    resources = document["Resources"]
    known = {section: set(document.get(section, {})) for sections in _USES.values() for section in sections}
    known["Parameters"] |= _PSEUDO_PARAMETERS
    known["Resources"] |= {f"{name}Url" for name, one in resources.items() if "FunctionUrlConfig" in str(one)}
    alias = document.get("Globals", {}).get("Function", {}).get("AutoPublishAlias")
    known["Resources"] |= {
        f"{name}Alias{alias}" for name, one in resources.items() if alias and one["Type"] == "AWS::Serverless::Function"
    }
    found = [
        f"{place}: {name} is not in {' or '.join(sections)}"
        for place, name, sections in _names(document)
        if not any(name in known[section] for section in sections)
    ]
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Application":
            found += dangling(template.parent / resource["Properties"]["Location"])
    return list(dict.fromkeys(found))


def _read(file: Path) -> Any:
    """Return a template with its includes in their places, and its loops expanded."""
    with file.open("rb") as stream:
        try:
            document = _Loader(stream).get_single_data()
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise Problem(f"{file.name}:{line}: {error.problem}") from None
    return _expanded(document, file.parent, {})


def _expanded(node: Any, folder: Path, values: Mapping[str, str]) -> Any:
    """Return a node without loops and includes; ``values`` has those of the loops around it, by their variables."""
    match node:
        case list(nodes):
            return [_expanded(value, folder, values) for value in nodes]
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::Sub": str(text)} if not _PLACEHOLDER.search(_filled(text, values)):
            return _filled(text, values)
        case {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": location}}}:
            return _read(folder / location)
        case _Placed():
            return _expanded_mapping(node, folder, values)
    return _filled(node, values) if isinstance(node, str) else node


def _expanded_mapping(node: _Placed, folder: Path, values: Mapping[str, str]) -> _Placed:
    expanded = _Placed()
    expanded.place = node.place
    for key, value in node.items():
        if key.startswith(_LOOP):
            variable, rounds, body = value
            for one in rounds:
                expanded |= _expanded(body, folder, {**values, variable: one})
        else:
            expanded[_filled(key, values)] = _expanded(value, folder, values)
    return expanded


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


def _names(node: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield each name that is used: the place, the name, and the sections that may have it."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _names(child)
    if isinstance(node, _Placed):
        for use in filter(_USES.__contains__, node):
            yield from ((node.place, name.partition(".")[0], _USES[use]) for name in _named(use, node[use]))


def _named(use: str, argument: Any) -> Iterable[str]:
    match use, argument:
        case "Fn::Sub", [str(text), dict(own)]:
            return [name for name in _PLACEHOLDER.findall(text) if name not in own]
        case "Fn::Sub", str(text):
            return _PLACEHOLDER.findall(text)
        case "DependsOn", list(names):
            return names
        case _, [str(name), *_] | str(name):
            return [name]
    return []  # an IAM statement's Condition


def main() -> int:
    """Print the dangling references of ``template.yaml``; return 0 if there are none."""
    found = dangling()
    for line in found:
        say(line)
    return 1 if found else 0


if __name__ == "__main__":
    with problems_reported():
        raise SystemExit(main())
