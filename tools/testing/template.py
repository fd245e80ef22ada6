"""The template as CloudFormation gets it: loops expanded, translated by SAM, the OpenAPI document in its place."""

import copy
import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

# The SAM CLI and its translator are imported where they are used: they take longer to load than most tests to run.

ROOT = Path(__file__).parents[2]

Json = dict[str, Any]


@cache
def source(file: str = "template.yaml") -> Json:
    """Return a template as it is written."""
    from samcli.yamlhelper import yaml_parse

    parsed: Json = yaml_parse((ROOT / file).read_text())
    return parsed


@cache
def openapi() -> Json:
    """Return the OpenAPI document as it is written."""
    document: Json = yaml.safe_load((ROOT / "openapi.yaml").read_text())
    return document


@cache
def translated(**parameters: str) -> Json:
    """Return the template after its transforms.

    Parameters
    ----------
    parameters
        Values of template parameters; the defaults count for the others.
    """
    return _by_sam(without_loops(_uploaded(), parameters), parameters)


@cache
def translated_with_values(**parameters: str) -> Json:
    """Return the template after its transforms, with the values of parameters in the place of their names.

    AWS::LanguageExtensions puts them there before SAM compares functions ("AWS::LanguageExtensions transform",
    CloudFormation Template Reference); `translated` leaves the names, to be read.

    Parameters
    ----------
    parameters
        Values of template parameters; the defaults count for the others.
    """
    defaults = {name: one["Default"] for name, one in source()["Parameters"].items()}
    template = without_loops(_uploaded(), parameters)
    template["Resources"] = _with_values(template["Resources"], defaults | parameters)
    template["Globals"] = _with_values(template["Globals"], defaults | parameters)
    return _by_sam(template, parameters)


def _uploaded() -> Json:
    """Return the template as the transforms get it."""
    template = copy.deepcopy(source())
    # CloudFormation includes the file before the SAM transform sees the template.
    template["Resources"]["RestApi"]["Properties"]["DefinitionBody"] = copy.deepcopy(openapi())
    # And `sam deploy` has uploaded the code.
    template["Globals"]["Function"]["CodeUri"] = "s3://artifacts/code.zip"
    template["Resources"]["PaymentsSandboxFunction"]["Properties"]["CodeUri"] = "s3://artifacts/sandbox.zip"
    template["Resources"]["RefundOrders"]["Properties"]["DefinitionUri"] = "s3://artifacts/refund.asl.json"
    return template


def _by_sam(template: Json, parameters: dict[str, str]) -> Json:
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    from tools.stack import apart

    # It warns of every feature of its own that no configuration of AWS's switches on.
    logging.getLogger("samtranslator.feature_toggle").setLevel(logging.ERROR)
    translator = Translator({}, Parser(), boto_session=apart.session("us-east-1"))
    result: Json = translator.translate(template, dict(parameters))
    return result


@cache
def operations() -> Json:
    """Return the template of the nested stack after its transform."""
    return without_loops(copy.deepcopy(source("operations.yaml")), {})


def without_loops(template: Json, parameters: dict[str, str]) -> Json:
    """Apply AWS::LanguageExtensions: loops, and what the values of loops decide.

    The SAM CLI's stand-in does the loops; for the rest it leaves half-filled texts behind.
    """
    from samcli.lib.cfn_language_extensions.models import TemplateProcessingContext
    from samcli.lib.cfn_language_extensions.pipeline import ProcessingPipeline
    from samcli.lib.cfn_language_extensions.processors import ForEachProcessor, TemplateParsingProcessor

    loops = ProcessingPipeline([TemplateParsingProcessor(), ForEachProcessor()])
    expanded: Json = loops.process_template(
        TemplateProcessingContext(fragment=template, parameter_values=dict(parameters))
    )
    expanded["Resources"] = _with_literals(expanded["Resources"], expanded.get("Mappings", {}))
    return expanded


def _with_literals(node: Any, mappings: Json) -> Any:
    """Fill in the functions whose arguments are known once a loop has replaced its variable."""
    match node:
        case dict():
            return _literal({key: _with_literals(value, mappings) for key, value in node.items()}, mappings)
        case list():
            return [_with_literals(value, mappings) for value in node]
    return node


def _literal(node: Json, mappings: Json) -> Any:
    match node:
        case {"Fn::FindInMap": [str(name), str(first), str(second), *rest]}:
            return mappings[name][first][second] if second in mappings[name][first] else rest[0]["DefaultValue"]
        case {"Fn::Sub": [str(text), dict(values)]} if all(isinstance(value, str | int) for value in values.values()):
            for name, value in values.items():
                text = text.replace(f"${{{name}}}", str(value))
            return _literal({"Fn::Sub": text}, mappings)
        case {"Fn::Sub": str(text)} if len(node) == 1 and "${" not in text:
            return text
    return node


def _with_values(node: Any, values: Mapping[str, Any]) -> Any:
    """Replace references to parameters, also those in texts, by their values."""
    match node:
        case {"Ref": str(name)} if name in values:
            return values[name]
        case {"Fn::Sub": str(text)}:
            return {"Fn::Sub": re.sub(r"\$\{(\w+)\}", lambda name: str(values.get(name[1], name[0])), text)}
        case dict():
            return {key: _with_values(value, values) for key, value in node.items()}
        case list():
            return [_with_values(value, values) for value in node]
    return node


def resources(kind: str, template: Json | None = None) -> dict[str, Json]:
    """Return the properties of all resources of a type, by their names in the template."""
    found = (template or translated())["Resources"]
    return {
        name: resource.get("Properties", {})
        for name, resource in found.items()
        # As it is written, a loop is among the resources.
        if isinstance(resource, dict) and resource["Type"] == kind
    }


def walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield everything in a document with the keys that lead to it."""
    yield path, node
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from walk(child, (*path, str(key)))
