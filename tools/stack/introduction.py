"""What `storefront up` says in the end: how to use the stack."""

from __future__ import annotations

from pathlib import Path

from tools.console import say, styled
from tools.stack import differences
from tools.stack.stack import ROOT, STATE_DIRECTORY, Stack


def introduce(stack: Stack, state: Path) -> None:
    """Print the stack's addresses and users, what to try, and where it is not as on AWS."""
    say(f"\n{styled('Storefront is up', 'bold')}")
    say(f"  REST API       {stack.url}")
    say(f"  AWS endpoint   {stack.endpoint}")
    say(f"  for aws        eval \"$('{ROOT}/.venv/bin/storefront' aws-env{_elsewhere(state)})\"; aws s3 ls")
    for name, user in stack.users.items():
        say(f"  {'support' if name == 'support' else 'customer':<13}  {user.email}  password {user.password}")
    say(f"  for clients    {state / 'stack.json'}")
    say(f"\n{styled('Try it', 'bold')}")
    say(f"  curl {stack.url}/health")
    say(f"  curl '{stack.url}/products?limit=3'")
    order = '{"lines": [{"sku": "MUG-001", "quantity": 1}]}'
    id_token = f"$('{ROOT}/.venv/bin/storefront' token{_elsewhere(state)})"
    headers = f'-H "Authorization: {id_token}" -H "Idempotency-Key: $(date +%s)" -H "Content-Type: application/json"'
    say(f"  curl -i {stack.url}/orders {headers} -d '{order}'")
    say(f"\n{styled('make demo', 'bold')} is a tour of it; .venv/bin/storefront --help lists all commands.")
    say(f"{len(differences.DIFFERENCES)} things are not as on AWS: .venv/bin/storefront differences lists them.")


def _elsewhere(state: Path) -> str:
    return "" if state == STATE_DIRECTORY else f" --state '{state.resolve()}'"
