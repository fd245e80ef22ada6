"""`sam build` makes the same package each time, with all that the functions need without this repository.

Where it is tried out, it is made for this machine's processor and Python: the emulator runs the functions itself.
Nothing else differs.
"""

import copy
import hashlib
import importlib.util
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml

from tools.demo import smoke
from tools.demo.smoke import Outcome
from tools.stack import lifecycle
from tools.stack.stack import DEPLOYED_FILES, ROOT
from tools.testing.template import source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sam build makes packages for Linux")

BUILT = Path(".aws-sam") / "build"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
PROCESSOR = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
# How an executable names it ("e_machine", elf(5)).
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
TIMEOUT_SECONDS = 300


def checked_out(directory: Path) -> Path:
    """Return what of the repository a build uses, in a place of its own."""
    directory.mkdir()
    without_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", directory / "src", ignore=without_bytecode)
    for name in (*DEPLOYED_FILES, "samconfig.toml"):
        shutil.copy(ROOT / name, directory)
    template = copy.deepcopy(source())
    template["Globals"]["Function"]["Runtime"] = PYTHON
    # JSON is YAML.
    (directory / "template.yaml").write_text(json.dumps(template))
    return directory


def recipe_of(target: str, *options: str) -> str:
    """Return the last line that `make` runs for a target, as a shell gets it."""
    printed = subprocess.run(
        ["make", "--dry-run", *options, target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return printed.splitlines()[-1]


def build(directory: Path, *, processor: str = PROCESSOR, umask: int = 0o022, **environment: str) -> None:
    """Build as `make build` does."""
    recipe = recipe_of("build").replace("$PWD/.venv", f"{ROOT}/.venv")
    command = recipe.replace(" .venv/bin/sam", f" {ROOT}/.venv/bin/sam")
    ran = subprocess.run(
        ["sh", "-c", f"{command} --parameter-overrides Architecture={processor}"],
        cwd=directory,
        env=os.environ | {"LAMBDA_PYTHON": sys.executable} | environment,
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


def packages(directory: Path) -> list[Path]:
    """Return what a build has made for each function."""
    return sorted(path for path in (directory / BUILT).iterdir() if path.is_dir())


def machines(directory: Path) -> set[int]:
    """Return the processors that the libraries of a build are for."""
    libraries = [library for package in packages(directory) for library in package.rglob("*.so")]
    return {int.from_bytes(library.read_bytes()[18:20], "little") for library in libraries}


def run_in(package: Path, directory: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code with what a function has: its package, and what the runtime brings."""
    runtime = directory / "runtime"
    runtime.mkdir()
    libraries = Path(boto3.__file__).parents[1]
    for name in ("boto3", "botocore", "s3transfer", "dateutil", "six.py"):
        (runtime / name).symlink_to(libraries / name)
    return subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=os.environ | {"PYTHONPATH": f"{package}{os.pathsep}{runtime}"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


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


def test_functions_are_packed_without_what_lambda_has(checkout: Path) -> None:
    for package in packages(checkout):
        assert (package / "pydantic").is_dir()
        assert not list(package.glob("boto*"))


def test_a_package_is_at_most_20_mb_unpacked(checkout: Path) -> None:
    for package in packages(checkout):
        assert sum(path.stat().st_size for path in package.rglob("*") if path.is_file()) <= 20_000_000


def test_it_is_built_for_the_processor_that_the_template_names_on_any_machine(checkout: Path, tmp_path: Path) -> None:
    # Given
    other = "x86_64" if PROCESSOR == "arm64" else "arm64"
    directory = checked_out(tmp_path / "other")

    # When
    build(directory, processor=other)

    # Then
    assert machines(checkout) == {MACHINES[PROCESSOR]}
    assert machines(directory) == {MACHINES[other]}


def test_every_module_has_bytecode_that_is_taken_as_it_is(checkout: Path) -> None:
    package, *_ = packages(checkout)
    modules = list(package.rglob("*.py"))

    assert modules
    for module in modules:
        bytecode = Path(importlib.util.cache_from_source(str(module))).read_bytes()
        # The version of the bytecode, then the flags of PEP 552: by hash, and not checked.
        assert bytecode[:8] == importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little"), module
        assert str(checkout).encode() not in bytecode


def test_lambda_runs_the_bytecode_and_not_the_source(checkout: Path, tmp_path: Path) -> None:
    # Given a package whose sources nobody could compile
    package = shutil.copytree(packages(checkout)[0], tmp_path / "package")
    for module in package.rglob("*.py"):
        module.chmod(0o644)
        module.write_text("this is not Python")

    # When
    ran = run_in(package, tmp_path, "import storefront.orders.process_orders")

    # Then
    assert ran.returncode == 0, ran.stderr


def test_nothing_that_was_trimmed_is_needed(checkout: Path, tmp_path: Path) -> None:
    package, *_ = packages(checkout)
    modules = [
        str(path.relative_to(package).with_suffix("")).replace("/", ".")
        for path in (package / "storefront").rglob("*.py")
    ]

    ran = run_in(package, tmp_path, f"import {', '.join(modules)}")

    assert ran.returncode == 0, ran.stderr


def test_a_second_build_makes_the_package_anew_where_a_source_has_changed(checkout: Path, tmp_path: Path) -> None:
    # Given
    directory = shutil.copytree(checkout, tmp_path / "changed", symlinks=True)
    changed = Path("storefront") / "shared" / "money.py"
    with (directory / "src" / changed).open("a") as source:
        source.write("NEW = 1\n")

    # When
    build(directory)

    # Then
    for package in packages(directory):
        assert (package / changed).read_text().endswith("NEW = 1\n")
        assert b"NEW" in Path(importlib.util.cache_from_source(str(package / changed))).read_bytes()


def test_without_the_python_of_the_runtime_the_build_says_what_is_missing(tmp_path: Path) -> None:
    directory = checked_out(tmp_path / "without")

    with pytest.raises(AssertionError, match=r"no python3\.99 with pip on the PATH: install"):
        build(directory, LAMBDA_PYTHON="python3.99")


def test_the_build_takes_the_python_that_the_functions_run_on() -> None:
    runs = shlex.split(recipe_of("build-AnyFunction", "--directory=src"))

    assert runs[0] == source()["Globals"]["Function"]["Runtime"]


def test_the_bill_of_materials_lists_what_is_packed(checkout: Path) -> None:
    # When
    subprocess.run([f"{ROOT}/.venv/bin/storefront", "bom"], check=True)

    # Then
    bill = json.loads((ROOT / ".aws-sam" / "bom.json").read_text())
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
