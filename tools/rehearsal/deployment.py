"""A deployment of one version of one function, as CodeDeploy shows it to the release hooks."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

_APPLICATION = "storefront-local-releases"
_REVISION = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "the hash of its AppSpec"}}

Json = dict[str, Any]


class Refused(Exception):
    """CodeDeploy answers with an error; the text is its name."""


@dataclass(frozen=True)
class Deployment:
    """A deployment; ``verdicts`` has a hook's verdict by its execution, `None` until the hook has reported."""

    id: str
    function: str
    version: str
    verdicts: dict[str, str | None] = field(default_factory=dict)

    def hook_event(self) -> Json:
        """Begin the execution of a hook and return the hook's event."""
        execution = str(uuid.uuid4())
        self.verdicts[execution] = None
        return {"DeploymentId": self.id, "LifecycleEventHookExecutionId": execution}

    def answer(self, operation: str, request: Json) -> Json:
        """Answer one of the hooks' three operations, as strictly as CodeDeploy.

        Raises
        ------
        Refused
            The deployment or the execution is unknown, or a hook reports twice.
        """
        if request.get("deploymentId", self.id) != self.id:
            raise Refused("DeploymentDoesNotExistException")
        match operation:
            case "GetDeployment":
                about = {"deploymentId": self.id, "applicationName": _APPLICATION, "revision": _REVISION}
                return {"deploymentInfo": about}
            case "GetApplicationRevision" if request["revision"] == _REVISION:
                content = _REVISION["appSpecContent"] | {"content": self._app_spec()}  # type: ignore[operator]
                return {"applicationName": _APPLICATION, "revision": _REVISION | {"appSpecContent": content}}
            case "GetApplicationRevision":
                raise Refused("RevisionDoesNotExistException")
            case "PutLifecycleEventHookExecutionStatus":
                return self._put_verdict(request["lifecycleEventHookExecutionId"], request["status"])
        raise Refused("InvalidOperationException")

    def _app_spec(self) -> str:
        """Return the AppSpec as CloudFormation writes it."""
        properties = {"Name": self.function, "Alias": "live", "TargetVersion": self.version}
        resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
        return json.dumps({"version": 0.0, "Resources": [{self.function: resource}]})

    def _put_verdict(self, execution: str, verdict: str) -> Json:
        if execution not in self.verdicts:
            raise Refused("InvalidLifecycleEventHookExecutionIdException")
        if self.verdicts[execution]:
            raise Refused("LifecycleEventAlreadyCompletedException")
        if verdict not in ("Succeeded", "Failed"):
            raise Refused("InvalidLifecycleEventHookExecutionStatusException")
        self.verdicts[execution] = verdict
        return {"lifecycleEventHookExecutionId": execution}
