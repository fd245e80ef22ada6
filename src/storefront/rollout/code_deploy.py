"""CodeDeploy: the only place that calls it.

A hook is told nothing but ids ("AppSpec 'hooks' section", AWS CodeDeploy User Guide). Which version of which function
they are about stands in the deployment's AppSpec, and that comes with the revision, not with the deployment: there its
content is "always null" ("GetDeployment", AWS CodeDeploy API Reference).
"""

import json
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

# Several releases begin in the same second, and CodeDeploy has throttled their hooks: a hook asks again, and reports
# again, after pauses of up to 20 seconds, which botocore doubles and draws by chance. A verdict that is not told would
# leave CodeDeploy waiting.
TRIES = 8
LIMITS = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": TRIES})


@dataclass(frozen=True, slots=True)
class HookExecution:
    """One call of a hook, as CodeDeploy names it."""

    deployment_id: str
    id: str

    @classmethod
    def of(cls, event: dict[str, Any]) -> "HookExecution":
        """Return the execution that a hook's event is about."""
        return cls(event["DeploymentId"], event["LifecycleEventHookExecutionId"])


@dataclass(frozen=True, slots=True)
class Release:
    """The version of a function that is about to get its alias's traffic."""

    function: str
    version: str


class UnknownRelease(Exception):
    """The deployment does not say which version of which function it releases."""


class CodeDeploy:
    """Asks CodeDeploy about a deployment, and tells it what a hook has found.

    Parameters
    ----------
    codedeploy
        A CodeDeploy client, with the limits of this module.
    """

    def __init__(self, codedeploy: Any) -> None:
        self._codedeploy = codedeploy

    def release_of(self, deployment_id: str) -> Release:
        """Return what a deployment releases.

        Raises
        ------
        UnknownRelease
            Its AppSpec is not the one of a single function.
        """
        deployment = self._codedeploy.get_deployment(deploymentId=deployment_id)["deploymentInfo"]
        found = self._codedeploy.get_application_revision(
            applicationName=deployment["applicationName"],
            revision=_named(deployment["revision"]),
        )
        return _release_in(found["revision"])

    def report(self, execution: HookExecution, *, succeeded: bool) -> None:
        """Tell what a hook has found; the traffic shifts, or does not, accordingly."""
        self._codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=execution.deployment_id,
            lifecycleEventHookExecutionId=execution.id,
            status="Succeeded" if succeeded else "Failed",
        )


def _named(revision: Any) -> Any:
    """Return a revision's name: its hash, without the content."""
    names = {
        member: {"sha256": revision[member]["sha256"]} for member in ("appSpecContent", "string") if member in revision
    }
    return {"revisionType": revision["revisionType"], **names}


def _release_in(revision: Any) -> Release:
    # CloudFormation writes the AppSpec as JSON, in either member.
    app_spec = revision.get("appSpecContent") or revision.get("string") or {}
    try:
        (resource,) = json.loads(app_spec["content"])["Resources"]
        (function,) = resource.values()
        return Release(function["Properties"]["Name"], str(function["Properties"]["TargetVersion"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownRelease("the AppSpec is not the one of a single function, in JSON") from error
