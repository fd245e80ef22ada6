"""A cold start pays for imports: each handler imports only modules that it uses, and makes its clients there.

They are compared with a function that makes a client with botocore and imports nothing else: all need that much.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from tools.testing.source import CODE, SOURCE, modules_of, path_of
from tools.testing.template import resources, source

HANDLERS = sorted(function["Handler"] for function in resources("AWS::Serverless::Function", source()).values())

EVERYWHERE = {"storefront", "aws_lambda_powertools", "typing_extensions"}
# The sandbox plays another company: it shares no code with ours.
SANDBOX = {"payments"}
# The libraries that `requests` brings along: urllib3 and certifi are botocore's, too.
REQUESTS = {"requests", "charset_normalizer", "idna"}
PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_inspection"}
# Folders that compiled modules leave behind.
_OF_A_COMPILER = re.compile(r"_.*|cython_runtime|.*__mypyc")

# The functions that parse a body or a frame, or call another HTTP API: only they pay for the library.
PARSES = {
    "storefront.catalog.put_product.handler",
    "storefront.chat.answer_ping.handler",
    "storefront.chat.join_room.handler",
    "storefront.chat.leave_room.handler",
    "storefront.chat.send_message.handler",
    "storefront.chat.show_history.handler",
    "storefront.orders.place_order.handler",
    "storefront.partners.process_partner_orders.handler",
    "storefront.payments.receive_payment_event.handler",
}
CALLS_HTTP = {
    "storefront.orders.process_orders.handler",
    "storefront.orders.reconcile_orders.handler",
    "storefront.orders.refund_order.handler",
    "storefront.rollout.post_traffic_hook.handler",
}

# Parts of the standard library that take milliseconds, and that nobody has a use for.
SLOW = {
    "asyncio",
    "ctypes",
    "distutils",
    "ensurepip",
    "lib2to3",
    "pdb",
    "pydoc",
    "sqlite3",
    "test",
    "tkinter",
    "unittest",
}

# Names that make a client or a session, whatever stands before them; `secret` and `parameter` make their readers.
CLIENTS = {"client", "create_client", "get_session", "parameter", "resource", "secret", "session", "Session"}
# Calls of a handler at import.
MAKES_A_CLIENT = {
    ("storefront.payments.provider", "__init__"),
    ("storefront.rollout.public_api", "__init__"),
    ("storefront.shared.aws", "client"),
    ("storefront.shared.aws", "session"),
    ("storefront.shared.http", "session"),
    ("storefront.shared.configuration", "parameter"),
    ("storefront.shared.configuration", "secret"),
}

FLOOR = "from botocore.session import get_session; get_session().create_client('dynamodb')"
PROGRAM = "{code}\nimport sys; print(*sys.modules)"


def loaded_by(code: str) -> set[str]:
    """Return the modules that are loaded in a new process after some code."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(code=code)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, CODE))},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


@cache
def loaded() -> dict[str, set[str]]:
    """Return the modules that each handler loads, and under the name `floor` those that every function needs."""
    codes = {"floor": FLOOR} | {handler: f"import {handler.rpartition('.')[0]}" for handler in HANDLERS}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(codes, pool.map(loaded_by, codes.values()), strict=True))


def libraries_of(handler: str) -> set[str]:
    """Return the libraries that a handler loads, beyond those that every function needs."""
    found = tops(loaded()[handler]) - tops(loaded()["floor"]) - sys.stdlib_module_names
    return {top for top in found if not _OF_A_COMPILER.fullmatch(top)}


def tops(modules: set[str]) -> set[str]:
    """Return what modules are part of."""
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_the_libraries_that_it_uses_and_no_others(handler: str) -> None:
    everywhere = EVERYWHERE if handler.startswith("storefront.") else SANDBOX
    used = everywhere | (PYDANTIC if handler in PARSES else set()) | (REQUESTS if handler in CALLS_HTTP else set())

    # requests takes simplejson where the runtime has it.
    assert libraries_of(handler) - {"simplejson"} == used


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_no_slow_part_of_the_standard_library(handler: str) -> None:
    assert not (tops(loaded()[handler]) - tops(loaded()["floor"])) & SLOW


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_loads_nothing_that_is_not_shipped(handler: str) -> None:
    trimmed = {
        pattern.removesuffix(".py").replace("/", ".") for pattern in trimmed_from_packages() if "*" not in pattern
    }

    assert trimmed
    assert not {module for module in loaded()[handler] if any(f"{module}.".startswith(f"{part}.") for part in trimmed)}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_makes_its_clients_at_import_and_none_in_a_request(handler: str) -> None:
    for module in modules_of(handler):
        for function, call in calls_in_functions(module):
            assert (module, function) in MAKES_A_CLIENT or call.rpartition(".")[2] not in CLIENTS, (
                f"{module}.{function} calls {call}"
            )


def trimmed_from_packages() -> tuple[str, ...]:
    """Return what the build leaves out."""
    module = ast.parse((SOURCE / "package.py").read_text())
    (trimmed,) = [
        node.value for node in module.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TRIMMED"
    ]
    patterns: tuple[str, ...] = ast.literal_eval(trimmed)
    return patterns


def calls_in_functions(module: str) -> Iterator[tuple[str, str]]:
    """Yield each call inside of a function of a module: the function's name, and what is called."""
    path = path_of(module)
    assert path, module
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    yield function.name, ast.unparse(node.func)
