"""Brings changed code to the running stack within seconds: updates the stack by the template that it has.

Where only code has changed, the template of another `sam deploy` would differ from the stack's in the names of the
packages alone. So they are put into it here, by the names that `sam deploy` gives them, and CloudFormation publishes
the versions and moves the aliases. The next `sam deploy` finds a stack that it could have made itself.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError
from samcli.lib.utils.hash import dir_checksum

from tools.console import Problem
from tools.stack.deployment import BUCKET, describe, first_failure
from tools.stack.emulator import Emulator
from tools.stack.stack import DEPLOYED_FILES, ROOT, STACK_NAME, client

FOLDERS = ("src", "sandbox")  # the packages
# All else that `sam deploy` reads.
FILES = tuple(ROOT / name for name in (*DEPLOYED_FILES, "samconfig.toml"))
_RECORD = "last-deployment.json"
_TEMPLATE_KEY = "code-update.template"
_FINISHED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_TIMEOUT_SECONDS = 60
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Inputs:
    """The files of a deployment: a digest of those that only `sam deploy` can read, and the names of the packages."""

    files: str
    packages: dict[str, str]

    @classmethod
    def now(cls) -> Self:
        """Return them as they are on the disk."""
        digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in FILES)).hexdigest()
        return cls(digest, {folder: dir_checksum(str(ROOT / folder)) for folder in FOLDERS})


@dataclass(frozen=True)
class CodeUpdate:
    """An update that a stack needs: `packages` has the names of changed packages by their names in the template."""

    emulator: Emulator
    inputs: Inputs
    described: dict[str, Any]  # the stack, by CloudFormation
    template: str
    packages: dict[str, str]

    @classmethod
    def found(cls, emulator: Emulator) -> Self | None:
        """Return the update that brings the stack up to date, or None where that needs `sam deploy`.

        That is where another file has changed since the last deployment, or the stack is not as that left it.
        """
        s3, inputs = client("s3", emulator.endpoint, emulator.credentials), Inputs.now()
        try:
            record = json.loads(s3.get_object(Bucket=BUCKET, Key=_RECORD)["Body"].read())
            described, template = _stack(emulator)
        except ClientError:
            return None
        if record["files"] != inputs.files or record["stack"] != _digest(described, template):
            return None
        renamed = {record["packages"][folder]: name for folder, name in inputs.packages.items()}
        return cls(emulator, inputs, described, template, {old: new for old, new in renamed.items() if old != new})

    @property
    def functions(self) -> int:
        """The number of functions whose package has changed."""
        return sum(self.template.count(_at_end_of_line(name)) for name in self.packages)

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs, which code does not change."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.described["Outputs"]}

    def run(self) -> None:
        """Deploy the changed packages.

        Raises
        ------
        Problem
            CloudFormation refuses them, or does not end.
        """
        s3 = client("s3", self.emulator.endpoint, self.emulator.credentials)
        template = self.template
        for folder, name in self.inputs.packages.items():
            if name in self.packages.values():
                s3.put_object(Bucket=BUCKET, Key=name, Body=_zipped(ROOT / folder))
        for old, new in self.packages.items():
            template = template.replace(_at_end_of_line(old), _at_end_of_line(new))
        s3.put_object(Bucket=BUCKET, Key=_TEMPLATE_KEY, Body=template.encode())
        self._update()
        remember(self.emulator, self.inputs)

    def _update(self) -> None:
        cloudformation = client("cloudformation", self.emulator.endpoint, self.emulator.credentials)
        started = time.time()
        parameters = [
            {"ParameterKey": parameter["ParameterKey"], "UsePreviousValue": True}
            for parameter in self.described["Parameters"]
        ]
        cloudformation.update_stack(
            StackName=STACK_NAME,
            TemplateURL=f"{self.emulator.endpoint}/{BUCKET}/{_TEMPLATE_KEY}",
            Parameters=parameters,
            Capabilities=self.described["Capabilities"],
        )
        while (status := describe(cloudformation)["StackStatus"]) not in _FINISHED:
            if "ROLLBACK" in status or time.time() > started + _TIMEOUT_SECONDS:
                reason = first_failure(cloudformation, started) or f"the stack is in {status}"
                raise Problem(f"the code could not be updated: {reason}")
            time.sleep(_POLL_SECONDS)


def remember(emulator: Emulator, inputs: Inputs) -> None:
    """Write down, in the emulator, that the stack is what a deployment of these files has made.

    If a package has changed while `sam deploy` ran, that is not known, and the next deployment is another one.
    """
    described, template = _stack(emulator)
    if all(_at_end_of_line(name) in template for name in inputs.packages.values()):
        record = {"files": inputs.files, "packages": inputs.packages, "stack": _digest(described, template)}
        s3 = client("s3", emulator.endpoint, emulator.credentials)
        s3.put_object(Bucket=BUCKET, Key=_RECORD, Body=json.dumps(record).encode())


def _stack(emulator: Emulator) -> tuple[dict[str, Any], str]:
    """Return a stack, and its template as it was given."""
    cloudformation = client("cloudformation", emulator.endpoint, emulator.credentials)
    template = cloudformation.get_template(StackName=STACK_NAME, TemplateStage="Original")["TemplateBody"]
    return describe(cloudformation), str(template)


def _digest(described: dict[str, Any], template: str) -> str:
    parameters = sorted((each["ParameterKey"], each["ParameterValue"]) for each in described["Parameters"])
    return hashlib.sha256(
        json.dumps([described["StackStatus"] in _FINISHED, parameters, template]).encode()
    ).hexdigest()


def _at_end_of_line(name: str) -> str:
    return f"/{name}\n"


def _zipped(folder: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            package.write(path, path.relative_to(folder))
    return archive.getvalue()
