"""The release alarms of `template.yaml`, as CloudWatch would have them for one function and its new version.

The local stack has none: the emulator takes no alarm on metric math, and releases are not gradual there. So the
template is read as the SAM CLI reads it, and its references are filled in with the names of the stack that runs.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from samcli.lib.cfn_language_extensions.models import TemplateProcessingContext
from samcli.lib.cfn_language_extensions.pipeline import ProcessingPipeline
from samcli.lib.cfn_language_extensions.processors import ForEachProcessor, TemplateParsingProcessor
from samcli.yamlhelper import yaml_parse

from tools.console import Problem
from tools.rehearsal.alarms import Alarm
from tools.stack.stack import ROOT

Json = dict[str, Any]


def alarms_of(resource: str, function: str, version: str) -> dict[str, Alarm]:
    """Return the alarms of a function's deployment group by their names in the template.

    Parameters
    ----------
    resource
        What the function is called in the template.
    function
        What it is called in the stack.
    version
        The version that is released.

    Raises
    ------
    Problem
        The function is not released gradually.
    """
    template = _template()
    preference = template["Resources"][resource]["Properties"].get("DeploymentPreference", {})
    if "Alarms" not in preference:
        raise Problem(f"{resource} is not released gradually: it has no alarms")
    resources = _expanded()
    names = [alarm["Ref"] for alarm in preference["Alarms"]]
    fill = _Filler(template["Mappings"], {resource: function}, {f"{resource}.Version": version})
    # Whom an alarm tells decides nothing; and who that is, nobody knows here.
    told = ("AlarmActions", "OKActions")
    return {
        name: Alarm.of(
            {key: fill.value(value) for key, value in resources[name]["Properties"].items() if key not in told}
        )
        for name in names
    }


@cache
def _template() -> Json:
    parsed: Json = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


@cache
def _expanded() -> Json:
    """Return the resources of the template with its loops expanded."""
    loops = ProcessingPipeline([TemplateParsingProcessor(), ForEachProcessor()])
    expanded: Json = loops.process_template(TemplateProcessingContext(fragment=copy.deepcopy(_template())))
    resources: Json = expanded["Resources"]
    return resources


class _Filler:
    """Fills in the functions that the alarms are written with; of others it says that they are new here."""

    def __init__(self, mappings: Json, names: dict[str, str], versions: dict[str, str]) -> None:
        self._mappings = mappings
        self._names = names
        self._versions = versions

    def value(self, node: Any) -> Any:  # noqa: C901, PLR0911 - one for each function
        """Return a value without intrinsic functions."""
        match node:
            case {"Ref": name}:
                return self._names[self.value(name)]
            case {"Fn::GetAtt": [name, "Version"]}:
                return self._versions[self.value(name)]
            case {"Fn::Sub": str(text)} if "${" not in text:
                return text
            case {"Fn::Sub": [str(text), dict(values)]}:
                for name, value in values.items():
                    text = text.replace(f"${{{name}}}", str(self.value(value)))
                return text
            case {"Fn::Join": [separator, parts]}:
                return str(separator).join(self.value(parts))
            case {"Fn::FindInMap": [name, first, second]}:
                return self._mappings[name][self.value(first)][second]
            case {"Fn::FindInMap": [name, first, second, {"DefaultValue": default}]}:
                return self._mappings[name].get(self.value(first), {}).get(second, default)
            case dict():
                return {key: self.value(value) for key, value in node.items()}
            case list():
                return [self.value(value) for value in node]
        return node
