"""The last lines of `storefront up`: how to use the stack."""

from __future__ import annotations

import shlex
from pathlib import Path

from tools.console import say, styled
from tools.stack import differences
from tools.stack.stack import ROOT, STATE_DIRECTORY, Stack


def introduce(stack: Stack, state: Path) -> None:
    """Print the stack's addresses and users, what to try, and where it is not as on AWS."""
    say(f"\n{styled('Storefront is up', 'bold')}")
    say(f"  REST API       {stack.url}")
    say(f"  AWS endpoint   {stack.endpoint}")
    say(f'  for aws        eval "$({command_line("env", state)})"')
    for name, user in stack.users.items():
        say(f"  {'support' if name == 'support' else 'customer':<13}  {user.email}  password {user.password}")
    say(f"  for clients    {state / 'stack.json'}")
    say(f"\n{styled('Try it', 'bold')}")
    say(f"  curl {stack.url}/health")
    say(f"  curl '{stack.url}/products?limit=3'")
    say(f"  {order_command(stack.url, state)}")
    say(f"\n{styled('make demo', 'bold')} is a tour of it; .venv/bin/storefront --help lists all commands.")
    say(f"{len(differences.DIFFERENCES)} things are not as on AWS: .venv/bin/storefront differences lists them.")


def order_command(url: str, state: Path) -> str:
    """Return a command to paste that orders a product, whatever the paths have in them."""
    order = '{"lines": [{"sku": "MUG-001", "quantity": 1}]}'
    id_token = f"$({command_line('token', state)})"
    return " \\\n    ".join(
        (
            f"curl -i {url}/orders",
            f'-H "Authorization: {id_token}"',
            '-H "Idempotency-Key: $(date +%s)" -H "Content-Type: application/json"',
            f"-d '{order}'",
        )
    )


def command_line(command: str, state: Path) -> str:
    """Return a command of ``storefront`` to paste anywhere."""
    elsewhere = "" if state == STATE_DIRECTORY else f" --state {shlex.quote(str(state.resolve()))}"
    return f"{shlex.quote(f'{ROOT}/.venv/bin/storefront')} {command}{elsewhere}"
