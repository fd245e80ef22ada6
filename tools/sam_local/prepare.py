"""``sam local`` against the running stack: builds for Docker's processor, and points the functions there."""

import json
import shlex
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tools.console import Problem, say, styled
from tools.demo.api_client import claims, sign_in
from tools.replay.cases import filled_in, load
from tools.replay.credentials import Credentials
from tools.sam_local.build import build, require_python
from tools.sam_local.container_network import ContainerNetwork
from tools.sam_local.identity import copy_with_customer
from tools.sam_local.mounted_routes import routes
from tools.stack import apart
from tools.stack.functions import deployed
from tools.stack.introduction import command_line
from tools.stack.seed import GROUP_OF_USER
from tools.stack.stack import Stack, aws_variables

_DIRECTORY = "sam-local"
_USER = "customer"


def prepare(stack: Stack, state: Path) -> Path:
    """Set ``sam local`` up against a running stack, and return the configuration file, for ``--config-file``.

    A ``Problem`` says if Docker is missing, or a Python to build with, or something that the build needs cannot be had.
    """
    require_python()
    network = ContainerNetwork.of(state)
    directory = (state / _DIRECTORY).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    port = urlsplit(stack.endpoint).port or 0
    network.open(port)
    built, signed_in = directory / "built", directory / "built-for-start-api"
    processor = network.processor
    build(built, processor)
    copy_with_customer(built, signed_in, customer_id(stack), GROUP_OF_USER[_USER])
    authority = network.authority(port)
    environments = directory / "environments.json"
    environments.write_text(json.dumps(_environments(stack, authority), indent=2) + "\n")
    write_events(stack, directory)
    options = {
        "template_file": str(built / "template.yaml"),
        "env_vars": str(environments),
        "parameter_overrides": ["Environment=local", f"LocalAuthority={authority}", f"Architecture={processor}"],
        "docker_network": network.name,
        "skip_pull_image": True,
        "language_extensions": True,
        "region": stack.region,
    }
    warm = {**options, "warm_containers": "LAZY"}
    of_commands = {
        "local_invoke": {"parameters": options},
        "local_start_lambda": {"parameters": warm},
        "local_start_api": {"parameters": {**warm, "template_file": str(signed_in / "template.yaml")}},
    }
    # "AWS SAM CLI configuration file", AWS SAM Developer Guide.
    configuration = directory / "samconfig.yaml"
    configuration.write_text(yaml.safe_dump({"version": 0.1, "default": of_commands}))
    return configuration


def write_events(stack: Stack, directory: Path) -> None:
    """Write the sample events with credentials that the stack accepts: a new ticket, a new signature."""
    credentials = Credentials.of(stack, deployed(stack))
    credentials.issue()
    values = credentials.values()
    for case in load().values():
        file = directory / "events" / f"{case.name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(filled_in(case.event, values), indent=2) + "\n")


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


def environment(stack: Stack) -> dict[str, str]:
    """Return the environment of ``sam``: a person's own, with the credentials of the stack and no others.

    The emulator refuses all others, also those that the SAM CLI makes up, and the SAM CLI asks AWS whose they are.
    """
    return apart.variables() | aws_variables(stack.endpoint, stack.credentials)


def introduce(stack: Stack, configuration: Path) -> None:
    """Say which routes there will be and who may call them, and how ``sam local`` is called."""
    say(f"\n{styled('What sam local start-api mounts', 'bold')}")
    for route in routes():
        line = f"  {route.method:6}  {route.path:30}  {route.guard}"
        say(styled(line, "yellow") if route.is_open else line)
    say(f"Where Cognito is skipped, the caller is {stack.users[_USER].email}, {customer_id(stack)}.")
    say(f"\n{styled('Try it', 'bold')}")
    for command in commands(configuration):
        say(f"  {command}")


def commands(configuration: Path) -> list[str]:
    """Return commands to paste, one after the other: they call a function with a sample event, and serve the API."""
    folder, state = configuration.parent, configuration.parents[1]
    return [
        f"cd {shlex.quote(str(folder))}",
        f'eval "$({command_line("env", state)})"',
        f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH",
        "sam local invoke PlaceOrderFunction -e events/place-order/good.json",
        "sam local start-api",
    ]


def customer_id(stack: Stack) -> str:
    """Return the id of the customer who calls under ``sam local start-api``."""
    return str(claims(sign_in(stack, _USER))["sub"])


def _environments(stack: Stack, authority: str) -> dict[str, dict[str, str]]:
    """Return the functions' variables by their names in the template, with addresses that containers reach.

    Addresses with `http` are called by functions; one with `ws` is handed to clients, which are on this machine.
    """
    ssm, address = stack.client("ssm"), f"http://{authority}"

    def reachable(name: str, value: str) -> str:
        if not name.endswith("_PARAMETER"):
            return value.replace(stack.endpoint, address)
        # The parameter's value is an address: one beside it has what containers reach.
        beside = f"{value}-from-containers"
        url = ssm.get_parameter(Name=value)["Parameter"]["Value"].replace(stack.endpoint, address)
        ssm.put_parameter(Name=beside, Type="String", Value=url, Overwrite=True)
        return beside

    return {
        function.logical_id: {name: reachable(name, value) for name, value in function.environment.items()}
        | {"AWS_ENDPOINT_URL": address}
        for function in deployed(stack).values()
    }
