"""What `sam build` makes: the same each time, and what the functions need to run without this repository.

It is made for this machine, not for Lambda's processor: the emulator runs the functions itself. Nothing else differs.
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from local import lifecycle, smoke
from local.smoke import Outcome
from local.stack import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sam build makes packages for Linux")

BUILT = Path(".aws-sam") / "build"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
PROCESSOR = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
TIMEOUT_SECONDS = 300
MAKEFILE = (ROOT / "Makefile").read_text()


def checked_out(directory: Path) -> Path:
    """Return what of the repository a build uses, in a place of its own."""
    directory.mkdir()
    without_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", directory / "src", ignore=without_bytecode)
    for name in ("openapi.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, directory)
    text = (ROOT / "template.yaml").read_text()
    for_lambda = "Runtime: python3.13\n    Architectures: [arm64]\n"
    assert text.count(for_lambda) == 1
    here = f"Runtime: {PYTHON}\n    Architectures: [{PROCESSOR}]\n"
    (directory / "template.yaml").write_text(text.replace(for_lambda, here))
    return directory


def build(directory: Path, umask: int = 0o022, **environment: str) -> None:
    """Build as `make build` does."""
    recipe = re.search(r"^build:.*\n\t@(.*)", MAKEFILE, re.MULTILINE)
    assert recipe
    command = (
        recipe[1].replace("$(CURDIR)", str(ROOT)).replace("$$", "$").replace(".venv/bin/sam", f"{ROOT}/.venv/bin/sam")
    )
    ran = subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        env=os.environ | environment,
        umask=umask,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def packed(directory: Path) -> str:
    """Pack a build as the workflow does, and return the digest."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "build.yml").read_text())["jobs"]
    scripts = [step.get("run", "") for step in jobs["build"]["steps"]]
    (command,) = [line for script in scripts for line in script.splitlines() if line.startswith("tar ")]
    subprocess.run(shlex.split(command), cwd=directory, check=True, timeout=TIMEOUT_SECONDS)
    with (directory / "application.tar").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = checked_out(tmp_path_factory.mktemp("build") / "one")
    build(directory)
    return directory


def test_two_builds_of_one_commit_are_identical(checkout: Path, tmp_path: Path) -> None:
    # Given the same commit elsewhere, where it has been imported, on a machine with other habits
    other = checked_out(tmp_path / "another place")
    subprocess.run([sys.executable, "-m", "compileall", "-q", "src"], cwd=other, check=True)

    # When
    build(other, umask=0o077, TZ="Asia/Tokyo", PYTHONHASHSEED="7", LC_ALL="C")

    # Then
    assert packed(other) == packed(checkout)


def test_functions_are_packed_without_what_lambda_has_and_without_leftovers(checkout: Path) -> None:
    packages = [path for path in (checkout / BUILT).iterdir() if path.is_dir()]

    assert packages
    for package in packages:
        assert (package / "pydantic").is_dir()
        assert not list(package.glob("boto*"))
        assert not list(package.glob("**/__pycache__"))


def test_the_bill_of_materials_lists_what_is_packed(checkout: Path) -> None:
    # Given
    command = next(line for line in MAKEFILE.splitlines() if ".venv-bom/bin/cyclonedx-py" in line).strip("\t@")

    # When
    subprocess.run(["sh", "-c", command.replace(".venv-bom", f"{ROOT}/.venv-bom")], cwd=checkout, check=True)

    # Then
    bill = json.loads((checkout / ".aws-sam" / "bom.json").read_text())
    listed = {f"{component['name'].replace('-', '_')}-{component['version']}" for component in bill["components"]}
    packed = {path.name.removesuffix(".dist-info") for path in (checkout / BUILT).glob("GetOrderFunction/*.dist-info")}
    assert bill["bomFormat"] == "CycloneDX"
    assert listed == packed


def test_the_build_passes_the_smoke_test_on_a_fresh_local_stack(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"
    try:
        stack = lifecycle.bring_up(0, state, checkout / BUILT / "template.yaml")

        results = smoke.run(stack)
    finally:
        lifecycle.take_down(state)

    assert {result.outcome for result in results} == {Outcome.PASSED}, capsys.readouterr().out
