"""Checks the code, the template and the OpenAPI document; every check runs, also after one that failed."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.console import say, styled
from tools.environments import DEV, SCANNERS, Environment
from tools.stack import apart
from tools.stack.stack import REGION, ROOT


@dataclass(frozen=True)
class Check:
    """A command that must succeed, with what mends it if a command does."""

    title: str
    command: str
    environment: Environment = DEV
    remedy: str = ""


_TEMPLATES = "template.yaml operations.yaml edge.yaml bootstrap.yaml governance.yaml"
# The slow ones first: they run side by side.
CHECKS = (
    # The template's Metadata names the checks that it leaves out.
    Check("cfn-lint", f"cfn-lint --append-rules cfn_lint_serverless.rules -- {_TEMPLATES}", SCANNERS),
    Check("cfn-lint of lessons", "cfn-lint lessons/*/template.yaml"),
    Check("checkov", f"checkov --config-file tools/scanners/checkov.yaml --file {_TEMPLATES}", SCANNERS),
    # Without --lint: cfn-lint looks at the same template above.
    Check("sam validate", f"sam validate --template-file template.yaml --region {REGION}"),
    Check("references", "python -m tools.stack.references"),
    Check("lint", "ruff check --quiet .", remedy="storefront format mends some"),
    Check("format", "ruff format --check --quiet --diff .", remedy="storefront format"),
    Check("types", "mypy --no-error-summary src sandbox tools"),
    Check("OpenAPI", "openapi-spec-validator --errors all openapi.yaml"),
    Check("bandit", "bandit --quiet --configfile pyproject.toml --recursive src sandbox tools", SCANNERS),
    Check("zizmor", "zizmor --offline --quiet --config .github/zizmor.yml .github", SCANNERS),
    Check("shellcheck", "python -m tools.checks.shell_scripts"),
)


def main() -> int:
    """Run every check and print the output of those that fail; return 0 if all pass."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return 0 if all(list(pool.map(_passes, CHECKS))) else 1


def _passes(check: Check) -> bool:
    started = time.monotonic()
    program, *arguments = check.command.split()
    result = subprocess.run(
        [str(check.environment.directory / "bin" / program), *arguments],
        cwd=ROOT,
        env=apart.variables() | {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = styled(f"({time.monotonic() - started:.1f} s)", "dim")
    if result.returncode == 0:
        say(f"{styled('✓', 'green')} {check.title} {seconds}")
        return True
    remedy = f": {check.remedy}" if check.remedy else ""
    output = (result.stdout + result.stderr).rstrip()
    say(f"{styled('✗', 'red')} {check.title} {seconds}{remedy}\n{output}")
    return False
