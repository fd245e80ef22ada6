"""The pre-traffic hook: calls the new version, before any request reaches it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.rollout import code_deploy, function_version, hook
from storefront.rollout.code_deploy import CodeDeploy, HookExecution
from storefront.rollout.function_version import FunctionVersions
from storefront.rollout.hook import NotFit
from storefront.rollout.probes import PROBES
from storefront.shared.aws import client
from storefront.shared.observability import logger

_code_deploy = CodeDeploy(client("codedeploy", limits=code_deploy.LIMITS))
_versions = FunctionVersions(client("lambda", limits=function_version.LIMITS))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Let a version through that gives the right answer to an event of its kind."""
    return hook.report(event, _code_deploy, _check)


def _check(execution: HookExecution) -> None:
    release = _code_deploy.release_of(execution.deployment_id)
    logger.append_keys(function=release.function, version=release.version)
    handler_name = _versions.handler_of(release)
    probe = PROBES.get(handler_name)
    if probe is None:
        raise NotFit(f"{handler_name} has no probe: add one to probes.py")
    fault = probe.fault_in(_versions.invoke(release, probe.event))
    if fault:
        raise NotFit(f"{handler_name}: {fault}")
