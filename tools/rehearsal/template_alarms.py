"""The release alarms of `template.yaml`, read by the SAM CLI: the emulator takes no alarm on metric math."""

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
    """Return the alarms of a function's new version, by their names in the template.

    The function has a name there, and another in the stack. It is a `Problem` if it is not released gradually.
    """
    template = _template()
    preference = _preference(template, resource)
    if "Alarms" not in preference:
        raise Problem(f"{resource} is not released gradually: it has no alarms")
    values = {resource: function, f"{resource}.Version.Version": version}
    context = TemplateProcessingContext(fragment=template, parameter_values=values)
    ProcessingPipeline([TemplateParsingProcessor(), ForEachProcessor()]).process_template(context)
    resolver = create_default_intrinsic_resolver(context).register_resolver(_Attribute)
    # It would leave attributes to CloudFormation.
    resolver.set_preserve_functions(set())
    alarms = {}
    for name in (alarm["Ref"] for alarm in preference["Alarms"]):
        properties = context.fragment["Resources"][name]["Properties"]
        # Whom it tells decides nothing, and that topic is not known here.
        watched = {key: value for key, value in properties.items() if key not in ("AlarmActions", "OKActions")}
        alarms[name] = Alarm.of(resolver.resolve_value(watched))
    return alarms


def is_smoke_tested(resource: str) -> bool:
    """Tell whether a function's release ends with the post-traffic hook; the smoke test tells nothing about others."""
    return "PostTraffic" in _preference(_template(), resource).get("Hooks", {})


def _template() -> Any:
    return yaml_parse((ROOT / "template.yaml").read_text())


def _preference(template: Any, resource: str) -> dict[str, Any]:
    preference: dict[str, Any] = template["Resources"][resource]["Properties"].get("DeploymentPreference", {})
    return preference


class _Attribute(IntrinsicFunctionResolver):  # type: ignore[misc] # the SAM CLI has no types
    """Resolves `Fn::GetAtt` by the context's values, whose names are `Resource.Attribute`."""

    FUNCTION_NAMES: ClassVar = ["Fn::GetAtt"]

    def resolve(self, value: dict[str, Any]) -> Any:
        return self.context.parameter_values[".".join(self.parent.resolve_value(value["Fn::GetAtt"]))]
