"""Deploys the template with the real ``sam deploy``, and says in one line why it failed if it did."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from tools.console import Problem
from tools.stack import apart
from tools.stack.emulator import Emulator
from tools.stack.samconfig import environment
from tools.stack.stack import REGION, ROOT, STACK_NAME, aws_variables, client

BUCKET = f"{STACK_NAME}-artifacts"
TEMPLATE = ROOT / "template.yaml"
TIMEOUT_SECONDS = 180
_SAM = Path(__file__).with_name("sam.py")
_EVENT = re.compile(r"^(?:CREATE|UPDATE)_COMPLETE\s+AWS::\S+\s+(\S+)")
_ERROR = re.compile(r"^(?:Error|\w*Error|\w*Exception): *(.*)")
# A stack left in one of these by a failed first deployment cannot be updated, only deleted.
_UNUSABLE = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"}


def deploy(emulator: Emulator, progress: Callable[[str], None], template: Path = TEMPLATE) -> dict[str, str]:
    """Deploy a template, or update the stack that is there, and return its outputs.

    The emulator's directory gets the log; ``progress`` is told about each resource that is done. If the deployment
    fails, a `Problem` has the reason of the first resource that failed.
    """
    cloudformation = client("cloudformation", emulator.endpoint, emulator.credentials)
    _delete_unusable(cloudformation)
    client("s3", emulator.endpoint, emulator.credentials).create_bucket(Bucket=BUCKET)
    started = time.time()
    log = emulator.state / "deploy.log"
    if not _sam_deploy(template, emulator, log, progress):
        raise Problem(f"{first_failure(cloudformation, started) or _error_in(log)}; details: {log}")
    return {output["OutputKey"]: output["OutputValue"] for output in describe(cloudformation)["Outputs"]}


def _sam_deploy(template: Path, emulator: Emulator, log: Path, progress: Callable[[str], None]) -> bool:
    # The option replaces the parameters of samconfig.toml as a whole.
    parameters = environment("local").overrides | {"LocalAuthority": urlsplit(emulator.endpoint).netloc}
    command = [
        *(sys.executable, str(_SAM), "deploy", "--template-file", str(template)),
        *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"),
        *("--stack-name", STACK_NAME, "--region", REGION, "--s3-bucket", BUCKET),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
    ]
    finished: list[str] = []
    progress("sam deploy")
    streams: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    variables = _variables(emulator)
    with log.open("w") as record, subprocess.Popen(command, cwd=ROOT, env=variables, **streams) as process:
        timer = threading.Timer(TIMEOUT_SECONDS, process.kill)
        timer.start()
        try:
            for line in process.stdout or ():
                record.write(line)
                if event := _EVENT.match(line):
                    finished.append(event[1])
                    progress(f"{len(finished)} resources, {event[1]}")
        finally:
            timer.cancel()
    return process.returncode == 0


def _variables(emulator: Emulator) -> dict[str, str]:
    """The environment of ``sam``: a person's own, with nothing in it that could reach a real account."""
    kept_by_sam = emulator.state / "sam"
    kept_by_sam.mkdir(parents=True, exist_ok=True)
    # Otherwise it asks the package index for a newer version of itself.
    (kept_by_sam / "metadata.json").write_text(json.dumps({"lastVersionCheck": time.time()}))
    return {
        **apart.variables(),
        **aws_variables(emulator.endpoint, emulator.credentials),
        "SAM_CLI_POLL_DELAY": "0.5",
        "__SAM_CLI_APP_DIR": str(kept_by_sam),
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }


def describe(cloudformation: Any) -> Any:
    """Return the stack as CloudFormation describes it."""
    return cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]


def _delete_unusable(cloudformation: Any) -> None:
    try:
        status = describe(cloudformation)["StackStatus"]
    except ClientError:
        return  # no such stack yet
    if status in _UNUSABLE:
        cloudformation.delete_stack(StackName=STACK_NAME)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )


def first_failure(cloudformation: Any, since: float, stack: str = STACK_NAME) -> str | None:
    """Return the reason of the first resource that has failed since a time, as CloudFormation tells it."""
    try:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    except ClientError:
        return None
    for event in reversed(events):
        recent = event["Timestamp"].timestamp() >= since - 1
        if recent and event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            return f"{event['LogicalResourceId']} ({event['ResourceType']}): {event['ResourceStatusReason']}"
    return None


def _error_in(log: Path) -> str:
    """The error line of ``sam``'s output, or its last line."""
    lines = [line.strip() for line in log.read_text().splitlines() if line.strip()]
    errors = [match[1] for line in lines if (match := _ERROR.match(line))]
    return (errors or lines or ["sam deploy ended without output"])[-1]
