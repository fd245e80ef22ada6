"""The release alarms of `template.yaml`, as CloudWatch would have them for one function and its new version.

The local stack has none: the emulator takes no alarm on metric math, and releases are not gradual there. So the
SAM CLI's reading of the template is filled in with the names of the stack that runs.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from samcli.lib.cfn_language_extensions.api import create_default_intrinsic_resolver
from samcli.lib.cfn_language_extensions.models import TemplateProcessingContext
from samcli.lib.cfn_language_extensions.pipeline import ProcessingPipeline
from samcli.lib.cfn_language_extensions.processors import ForEachProcessor, TemplateParsingProcessor
from samcli.lib.cfn_language_extensions.resolvers import IntrinsicFunctionResolver
from samcli.yamlhelper import yaml_parse

from tools.console import Problem
from tools.rehearsal.alarms import Alarm
from tools.stack.stack import ROOT


def alarms_of(resource: str, function: str, version: str) -> dict[str, Alarm]:
    """Return the alarms of a function (by its names in the template and in the stack), by their names in the template.

    Raises
    ------
    Problem
        The function is not released gradually.
    """
    template = yaml_parse((ROOT / "template.yaml").read_text())
    preference = template["Resources"][resource]["Properties"].get("DeploymentPreference", {})
    if "Alarms" not in preference:
        raise Problem(f"{resource} is not released gradually: it has no alarms")
    values = {resource: function, f"{resource}.Version.Version": version}
    context = TemplateProcessingContext(fragment=template, parameter_values=values)
    ProcessingPipeline([TemplateParsingProcessor(), ForEachProcessor()]).process_template(context)
    resolver = create_default_intrinsic_resolver(context).register_resolver(_Attribute)
    # It would leave attributes to CloudFormation.
    resolver.set_preserve_functions(set())
    alarms = {alarm["Ref"]: context.fragment["Resources"][alarm["Ref"]] for alarm in preference["Alarms"]}
    return {name: Alarm.of(resolver.resolve_value(_watched(alarm))) for name, alarm in alarms.items()}


class _Attribute(IntrinsicFunctionResolver):  # type: ignore[misc] # the SAM CLI has no types
    """Resolves `Fn::GetAtt` by the context's values, whose names are `Resource.Attribute`."""

    FUNCTION_NAMES: ClassVar = ["Fn::GetAtt"]

    def resolve(self, value: dict[str, Any]) -> Any:
        return self.context.parameter_values[".".join(self.parent.resolve_value(value["Fn::GetAtt"]))]


def _watched(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """Return an alarm's properties without those it tells: they decide nothing, and their topic is not known here."""
    return {name: value for name, value in alarm["Properties"].items() if name not in ("AlarmActions", "OKActions")}
