"""``sam local`` against the running stack: builds for Docker's processor, and writes what points the functions there.

The SAM CLI passes on declared variables only, gives containers the credentials of whoever runs it, and skips the
Cognito authorizer. So there are an environment file, a second copy of the build for ``sam local start-api`` in which
somebody is signed in, a configuration file with all of the options, and the variables in which ``sam`` itself runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tools.console import Problem, say, step, styled
from tools.demo.customer import claims, sign_in
from tools.sam_local import container_network
from tools.sam_local.container_network import ContainerNetwork
from tools.sam_local.identity import copy_with_customer
from tools.sam_local.mounted_routes import routes
from tools.stack.functions import deployed
from tools.stack.seed import GROUP_OF_USER
from tools.stack.stack import ROOT, Stack

_DIRECTORY = "sam-local"
_CONFIGURATION = "samconfig.toml"
_ENVIRONMENTS = "environments.json"
_BUILT = "built"
_BUILT_FOR_START_API = "built-for-start-api"
_BUILD_SECONDS = 300
# As `make build`: the Python of .venv comes first, if it is the one that is needed.
_PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
_SOURCES = ("src", "sandbox", "template.yaml", "operations.yaml", "openapi.yaml")
_USER = "customer"


def prepare(stack: Stack, state: Path) -> Path:
    """Set ``sam local`` up against a running stack; again, after a change of code or of the stack.

    Parameters
    ----------
    stack
        The stack.
    state
        Its state directory.

    Returns
    -------
    Path
        The configuration file, for ``--config-file``.

    Raises
    ------
    Problem
        If there is no Docker, no Python to build with, or something that the build needs cannot be had.
    """
    require_python()
    network = ContainerNetwork.of(state)
    directory = (state / _DIRECTORY).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    port = int(urlsplit(stack.endpoint).netloc.rpartition(":")[2])
    network.open(port)
    _build(directory, network.processor)
    authority = network.authority(port)
    copy_with_customer(
        directory / _BUILT, directory / _BUILT_FOR_START_API, customer_id(stack), GROUP_OF_USER[_USER] or ""
    )
    environments = json.dumps(_environments(stack, authority), indent=2)
    (directory / _ENVIRONMENTS).write_text(environments + "\n")
    configuration = directory / _CONFIGURATION
    configuration.write_text(_configuration(directory, network, authority, stack.region))
    return configuration


def require_python() -> None:
    """See that Lambda's Python is there to build with.

    Raises
    ------
    Problem
        If it is not.
    """
    name = f"python{container_network.RUNTIME}"
    found = shutil.which(name, path=_PATH)
    # A version manager may have put a command there that only says that this version is not chosen.
    if found is None or subprocess.run([found, "-c", "import pip"], capture_output=True, check=False).returncode:
        raise Problem(
            f"no {name} with pip on the path, which sam build needs: install Python {container_network.RUNTIME}"
        )


def environment(stack: Stack) -> dict[str, str]:
    """Return the environment that ``sam`` runs in: a person's own, with the stack's credentials and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return kept | {
        **settings(stack),
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


def settings(stack: Stack) -> dict[str, str]:
    """Return the variables without which ``sam local`` does not do: where AWS is, and the stack's credentials.

    The emulator refuses all others, also those that the SAM CLI makes up where there are none. And the SAM CLI asks AWS
    whose they are.
    """
    return {
        "AWS_ENDPOINT_URL": stack.endpoint,
        "AWS_ACCESS_KEY_ID": stack.credentials["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": stack.credentials["secretAccessKey"],
        "AWS_SESSION_TOKEN": "",  # a person's own would go along  # nosec B105
    }


def introduce(stack: Stack, configuration: Path) -> None:
    """Say which routes there will be and who may call them, and how ``sam local`` is called."""
    rows = [(route.method, route.path, route.guard) for route in routes()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    say(f"\n{styled('What sam local start-api mounts', 'bold')}")
    for route, row in zip(routes(), rows, strict=True):
        line = "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        say(f"  {styled(line, 'yellow') if route.is_open else line}")
    say(f"Where Cognito is skipped, whoever calls is {stack.users[_USER].email}, {customer_id(stack)}.")
    say(f"\n{styled('Try it', 'bold')}")
    for command in commands(stack, configuration):
        say(f"  {command}")


def commands(stack: Stack, configuration: Path) -> list[str]:
    """Return commands to paste: they serve the API, and call a function with a sample event."""
    variables = " ".join(f"{name}={value}" for name, value in settings(stack).items())
    sam, file = (shlex.quote(_from_here(path)) for path in (Path(sys.executable).with_name("sam"), configuration))
    return [
        f"{variables} {sam} local start-api --config-file {file}",
        f"{variables} {sam} local invoke GetProductFunction -e events/get-product/good.json --config-file {file}",
    ]


def _from_here(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def release(state: Path) -> None:
    """Remove what :func:`prepare` has made, and containers that a ``sam local`` has left behind."""
    directory = state / _DIRECTORY
    if not directory.is_dir():
        return
    try:
        ContainerNetwork.of(state).close()
    except Problem as problem:
        say(f"what sam local had in Docker is left there, if there is anything: {problem}")
    shutil.rmtree(directory)


def _build(directory: Path, processor: str) -> None:
    """Build the functions for Docker's processor, apart from what is built for AWS, if something has changed."""
    stamp, made_of = directory / "built-from", _digest(processor)
    if stamp.is_file() and stamp.read_text() == made_of:
        return
    # Until it is built there is nothing to go on with.
    stamp.unlink(missing_ok=True)
    with step(f"sam build, for {processor}") as current:
        current.progress("this takes some seconds")
        log = directory / "build.log"
        with log.open("w") as record:
            ended = subprocess.run(
                _build_command(directory, processor),
                cwd=ROOT,
                env={**os.environ, "PATH": _PATH, "SAM_CLI_TELEMETRY": "0"},
                stdin=subprocess.DEVNULL,
                stdout=record,
                stderr=subprocess.STDOUT,
                timeout=_BUILD_SECONDS,
                check=False,
            )
        if ended.returncode:
            last = (log.read_text().strip().splitlines() or ["no output"])[-1]
            raise Problem(f"sam build failed: {last}; details: {log}")
    stamp.write_text(made_of)


def _build_command(directory: Path, processor: str) -> list[str]:
    return [
        *(sys.executable, "-m", "samcli", "build", "--template-file", str(ROOT / "template.yaml")),
        *("--build-dir", str(directory / _BUILT), "--language-extensions"),
        *("--parameter-overrides", f"Architecture={processor}"),
    ]


def _digest(processor: str) -> str:
    """What a build is made of."""
    digest = hashlib.sha256(processor.encode())
    for source in _SOURCES:
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _environments(stack: Stack, authority: str) -> dict[str, dict[str, str]]:
    """Return the functions' variables by their names in the template, with addresses that containers reach."""
    return {
        function.logical_id: {
            **{name: _reachable(name, value, stack, authority) for name, value in function.environment.items()},
            "AWS_ENDPOINT_URL": f"http://{authority}",
        }
        for function in deployed(stack).values()
    }


def _reachable(name: str, value: str, stack: Stack, authority: str) -> str:
    """Return a variable's value as containers need it.

    Addresses with `http` are called by functions; one with `ws` is handed to clients, which are on this machine.
    """
    if name.endswith("_PARAMETER"):
        return _parameter(value, stack, authority)
    return _from_containers(value, stack, authority)


def _from_containers(value: str, stack: Stack, authority: str) -> str:
    return value.replace(stack.endpoint, f"http://{authority}")


def _parameter(name: str, stack: Stack, authority: str) -> str:
    """Return the name of a parameter beside one of the stack's, with an address that containers reach."""
    ssm = stack.client("ssm")
    value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    beside = f"{name}-from-containers"
    ssm.put_parameter(Name=beside, Type="String", Value=_from_containers(value, stack, authority), Overwrite=True)
    return beside


def customer_id(stack: Stack) -> str:
    """Return the id of the customer who calls under ``sam local start-api``."""
    return str(claims(sign_in(stack, _USER))["sub"])


def _configuration(directory: Path, network: ContainerNetwork, authority: str, region: str) -> str:
    """Return the options of ``sam local`` ("AWS SAM CLI configuration file", AWS SAM Developer Guide)."""
    overrides = ["Environment=local", f"LocalAuthority={authority}", f"Architecture={network.processor}"]
    everywhere = {
        "template_file": str(directory / _BUILT / "template.yaml"),
        "env_vars": str(directory / _ENVIRONMENTS),
        "parameter_overrides": overrides,
        "docker_network": network.name,
        "skip_pull_image": True,
        "language_extensions": True,
        "region": region,
    }
    commands = {
        "invoke": {},
        "start_lambda": {"warm_containers": "LAZY"},
        "start_api": {
            "template_file": str(directory / _BUILT_FOR_START_API / "template.yaml"),
            "warm_containers": "LAZY",
        },
    }
    lines = ["version = 0.1"]
    for command, options in commands.items():
        lines.append(f"\n[default.local_{command}.parameters]")
        # A TOML value of these kinds is written as JSON is.
        lines += [f"{name} = {json.dumps(value)}" for name, value in {**everywhere, **options}.items()]
    return "\n".join(lines) + "\n"
