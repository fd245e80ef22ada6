"""Brings the local stack up, or up to date, and down again."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import requests

from storefront.shared.http import session
from tools.console import Problem, step
from tools.ops import back_office
from tools.sam_local import prepare as sam_local
from tools.stack import addresses, code_update, references, seed, syntax
from tools.stack.code_update import CodeUpdate
from tools.stack.deployment import TEMPLATE, deploy
from tools.stack.emulator import DEFAULT_PORT, Emulator
from tools.stack.stack import REGION, STATE_DIRECTORY, Stack, bypass_proxies

_FIRST_ANSWER_SECONDS = 20


def bring_up(port: int | None = None, state: Path = STATE_DIRECTORY, template: Path = TEMPLATE) -> Stack:
    """Start the emulator if it does not run, deploy the template, and return a stack that answers.

    The port is by default the running stack's, or 4566; 0 takes any free one. A template with names that lead nowhere
    is refused first. After a later `Problem` the emulator goes on, so that its logs can be read and the next try is
    faster; after an interruption it does not.
    """
    references.require_none(template)
    bypass_proxies()
    syntax.check(*code_update.FOLDERS)
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)  # logs, credentials and all data of the stack are in it
    with _exclusively(state):
        emulator = Emulator(state)
        started = _start(emulator, port)
        try:
            return _update(emulator, state, template)
        except KeyboardInterrupt:
            if started:
                emulator.stop()
            raise


def ensure_up(state: Path = STATE_DIRECTORY) -> Stack:
    """Return the stack of a state directory, brought up to date, or leave nothing running."""
    try:
        return bring_up(None if Emulator(state).is_running() else 0, state)
    except BaseException:
        take_down(state)
        raise


def update_code(state: Path) -> int | None:
    """Bring changed code to the running stack; return how many functions it is of, or None if that needs `sam deploy`.

    Raises
    ------
    Problem
        The code is not Python, or CloudFormation refuses it.
    """
    with _exclusively(state):
        syntax.check(*code_update.FOLDERS)
        update = CodeUpdate.found(Emulator(state))
        if update is None:
            return None
        if update.packages:
            update.run()
        return update.functions


def running_stack(state: Path = STATE_DIRECTORY) -> Stack:
    """Return the stack that is up; raise `Problem` if there is none."""
    bypass_proxies()
    if not Emulator(state).is_running():
        raise Problem("no stack is up: start one with make up")
    return back_office.renewed(Stack.load(state), state)


def take_down(state: Path = STATE_DIRECTORY) -> bool:
    """End the stack, its emulator and what ``sam local`` had of it; return whether it ran."""
    ran = Emulator(state).stop()
    sam_local.release(state)
    return ran


@contextmanager
def _exclusively(state: Path) -> Iterator[None]:
    """Hold the directory for the time of a deployment."""
    with (state / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem("this stack is being deployed by another command: wait until it ends") from None
        yield


def _start(emulator: Emulator, port: int | None) -> bool:
    """Start the emulator unless it runs; return whether that was needed."""
    if emulator.is_running():
        if port and port != emulator.port:
            raise Problem(f"the stack is up on port {emulator.port}: leave PORT out, or end it first with make down")
        return False
    with step("start the emulator") as current:
        emulator.start(DEFAULT_PORT if port is None else port, current.progress)
    return True


def _update(emulator: Emulator, state: Path, template: Path) -> Stack:
    endpoint = emulator.endpoint
    outputs = _deploy(emulator, template)
    local_outputs = {name: addresses.local_url(value, endpoint) for name, value in outputs.items()}
    # Passwords and tokens of the last deployment stay valid.
    known = Stack.load(state) if (state / "stack.json").exists() else None
    users = known.users if known else {}
    partners = known.partners if known else {}
    stack = Stack(endpoint, REGION, emulator.credentials, local_outputs, users, partners=partners)
    addresses.write_local_urls(stack)
    with step("add products and users"):
        seed.seed_products(stack)
        stack = replace(stack, users=seed.seed_customers(stack), partners=seed.seed_partners(stack))
        stack = replace(stack, webhook=seed.webhook_of(stack))
        stack = replace(stack, back_office=back_office.assume(stack.client("sts"), outputs["BackOfficeRoleArn"]))
    stack.save(state)
    with step("wait for the first answer"):
        _wait_for_an_answer(stack)
    return stack


def _deploy(emulator: Emulator, template: Path) -> dict[str, str]:
    """Deploy what has changed in the quickest way that leads to the same stack; return the stack's outputs."""
    update = CodeUpdate.found(emulator) if template == TEMPLATE else None
    if update is None:
        inputs = code_update.Inputs.now()
        with step("sam deploy") as current:
            outputs = deploy(emulator, current.progress, template)
        code_update.remember(emulator, inputs)
        return outputs
    if update.packages:
        with step(f"update the code of {update.functions} functions"):
            update.run()
    return update.outputs


def _wait_for_an_answer(stack: Stack) -> None:
    """Ask for a product until there is one: the first request starts a function."""
    deadline = time.monotonic() + _FIRST_ANSWER_SECONDS
    answer = "no answer"
    while time.monotonic() < deadline:
        try:
            response = session().get(f"{stack.url}/products?limit=1", timeout=_FIRST_ANSWER_SECONDS)
            if response.status_code == HTTPStatus.OK:
                return
            answer = f"{response.status_code} {response.text[:200]}"
        except requests.RequestException as error:
            answer = str(error)
        time.sleep(0.3)
    raise Problem(f"GET {stack.url}/products does not succeed ({answer}): see storefront logs")
