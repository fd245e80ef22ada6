"""Makes the package that every function ships: dependencies and code, trimmed, with the bytecode that Lambda will use.

`sam build` alone ships no bytecode: Lambda would compile every module at every cold start, since a function cannot
write it down beside its code. Bytecode that goes by its source's time would not do either: packing changes that. So it
is `unchecked-hash`: Python takes it as it is ("py_compile: PycInvalidationMode", Python documentation).

All functions share one package. It is made once for all of them, and `sam deploy` uploads it once.
"""

from __future__ import annotations

import argparse
import compileall
import fcntl
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
REQUIREMENTS = SOURCE / "requirements.txt"

# Modules that no function imports (tests/unit/test_imports.py), and files that are not code.
TRIMMED = (
    "*.data",
    "*.dist-info/RECORD",
    "**/*.pyi",
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/metrics/provider/datadog",
    "aws_lambda_powertools/utilities/auth_alpha",
    "aws_lambda_powertools/utilities/batch",
    "aws_lambda_powertools/utilities/circuit_breaker",
    "aws_lambda_powertools/utilities/data_classes",
    "aws_lambda_powertools/utilities/data_masking",
    "aws_lambda_powertools/utilities/feature_flags",
    "aws_lambda_powertools/utilities/idempotency",
    "aws_lambda_powertools/utilities/kafka",
    "aws_lambda_powertools/utilities/parameters",
    "aws_lambda_powertools/utilities/parser",
    "aws_lambda_powertools/utilities/streaming",
    "aws_lambda_powertools/utilities/validation",
    "pydantic/mypy.py",
    "pydantic/v1",
)

# Where Lambda unpacks it: tracebacks name it.
DEPLOYED_TO = "/var/task"


def main() -> None:
    """Put the package where SAM wants it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("platform", type=Path, help="the folder with pip's configuration for a processor")
    parser.add_argument("artifacts", type=Path, help="the folder to fill")
    arguments = parser.parse_args()
    platform = arguments.platform.resolve()
    # Beside SAM's own folder, which each build empties.
    package = ensure_package(platform, arguments.artifacts.parent.parent / "packages" / platform.name)
    # The same files under other names: copies for all functions would take longer than making the package.
    shutil.copytree(package, arguments.artifacts, copy_function=os.link, dirs_exist_ok=True)


def ensure_package(platform: Path, kept: Path) -> Path:
    """Return the package, made from what is there now.

    Parameters
    ----------
    platform
        The folder with pip's configuration, which says which wheels run on the processor.
    kept
        Where the package and the downloaded wheels are kept from one build to the next.
    """
    kept.mkdir(parents=True, exist_ok=True)
    with (kept / "lock").open("w") as lock:
        # `sam build --parallel` builds several functions at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        configuration = platform / "pip.conf"
        made_from = [configuration, REQUIREMENTS]
        wheels = _ensure(kept / "wheels", made_from, lambda into: _download(configuration, into))
        made_from += [Path(__file__), *sorted((SOURCE / "storefront").rglob("*.py"))]
        return _ensure(kept / "package", made_from, lambda into: _make(wheels, into))


def _ensure(directory: Path, made_from: list[Path], make: Callable[[Path], None]) -> Path:
    """Make a folder, unless it is there and was made from the same files."""
    stamp = directory.with_suffix(".made-from")
    digest = _digest(made_from)
    if not stamp.exists() or stamp.read_text() != digest:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        make(directory)
        stamp.write_text(digest)
    return directory


def _download(configuration: Path, into: Path) -> None:
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "--dest", str(into), "--requirement", str(REQUIREMENTS)],
        env=os.environ | {"PIP_CONFIG_FILE": str(configuration)},
        check=True,
    )


def _make(wheels: Path, into: Path) -> None:
    for wheel in sorted(wheels.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(into)
    without_bytecode = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE / "storefront", into / "storefront", copy_function=shutil.copyfile, ignore=without_bytecode)
    _trim(into)
    _compile(into)
    # Lambda runs as somebody else, who must be able to read everything. Nobody writes: a file has many names.
    for path in (into, *into.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o444)


def _trim(package: Path) -> None:
    for pattern in TRIMMED:
        found = list(package.glob(pattern))
        if not found:
            sys.exit(f"nothing matches {pattern} any more: take it off the list in package.py")
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _compile(package: Path) -> None:
    compiled = compileall.compile_dir(
        package,
        quiet=1,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        stripdir=str(package),
        prependdir=DEPLOYED_TO,
    )
    if not compiled:
        sys.exit("not all modules could be compiled: see above")


def _digest(files: list[Path]) -> str:
    # The compiler and the downloader count as well.
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(f"{file.relative_to(SOURCE)} {file.stat().st_size} ".encode() + file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
