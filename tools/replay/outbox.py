"""What a function sends to others: it is seen, and stops here.

The stack's own consumers would act on it at the same time as the next case, and leave dead letters behind; the
connections of the events were never opened; and CodeDeploy is not part of the stack.
"""

from typing import Any

from tools.rehearsal.code_deploy import Deployment

_DEPLOYMENT = "d-EXAMPLE01"  # in the events of the hooks

Json = dict[str, Any]


class Outbox:
    """Takes what a function sends, and answers it as AWS does; CodeDeploy has one deployment, of a given version."""

    def __init__(self, function: str, version: str) -> None:
        self.sent: list[Json] = []
        self._deployment = Deployment(_DEPLOYMENT, function, version)

    def answer(self, operation: str, parameters: Json) -> Json | None:
        """Return the answer to a call that stops here (or raise CodeDeploy's ``Refused``), nothing for any other."""
        match operation:
            case "SendMessage":
                self.sent.append({"queue": parameters["MessageBody"]})
                return {"MessageId": "a-message"}
            case "PutEvents":
                entries = parameters["Entries"]
                self.sent += [{"event": entry["DetailType"], "detail": entry["Detail"]} for entry in entries]
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "an-event"} for _ in entries]}
            case "PostToConnection":
                self.sent.append({"post": parameters["ConnectionId"], "frame": parameters["Data"].decode()})
                return {}
            case "PutLifecycleEventHookExecutionStatus":
                self.sent.append({"verdict": parameters["status"]})
                return {}
            case "GetDeployment" | "GetApplicationRevision":
                return self._deployment.answer(operation, parameters)
        return None
