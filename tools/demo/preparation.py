"""Makes on a stack what the journeys need, for the time of a smoke test."""

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from botocore.exceptions import ClientError

from tools.console import Problem
from tools.demo.api_client import ApiClient
from tools.demo.journeys import Need
from tools.ops.partners import PLANS, Partners, calling_with, partner_id_of
from tools.stack import seed
from tools.stack.stack import Stack, User

_DENIED = {"AccessDenied", "AccessDeniedException"}
_BROWSED = 4
_KNOWN_WITHIN_SECONDS = 60
_POLL_SECONDS = 0.5


def denial(error: ClientError) -> str:
    """Return in words what the credentials may not do; empty if the error is another."""
    is_denied = error.response["Error"]["Code"] in _DENIED
    return f"these credentials may not call {error.operation_name}" if is_denied else ""


@contextmanager
def prepared(stack: Stack, is_prod: bool) -> Iterator[tuple[Stack, dict[Need, str]]]:
    """Give a stack with what could be made for the journeys, and what is missing with the reason; remove it all."""
    missing: dict[Need, str] = {}
    with ExitStack() as removals:
        making = _Making(stack, is_prod, removals)
        for need, make in (
            (Need.PRODUCTS, making.products),
            (Need.CATALOGUE, making.catalogue),
            (Need.SANDBOX, making.sandbox),
            (Need.CUSTOMERS, making.customers),
            (Need.PARTNERS, making.partners),
        ):
            try:
                make()
            except Problem as lack:
                missing[need] = str(lack)
            except ClientError as error:
                missing[need] = denial(error)
                if not missing[need]:
                    raise
        yield making.stack, missing


@dataclass
class _Making:
    """Adds to the stack; a `Problem` says why the stack lacks something."""

    stack: Stack
    is_prod: bool
    removals: ExitStack

    def products(self) -> None:
        # In prod nothing is put on sale for a test.
        if not self.is_prod:
            seed.seed_products(self.stack)
        elif not ApiClient(self.stack.url).request("GET", "/products/MUG-001").ok:
            raise Problem("prod sells its own")

    def catalogue(self) -> None:
        page = ApiClient(self.stack.url).request("GET", f"/products?limit={_BROWSED}")
        # An answer that is an error is for the journey to find.
        if page.ok and len(page.json()["items"]) < _BROWSED:
            raise Problem(f"fewer than {_BROWSED} are on sale")

    def sandbox(self) -> None:
        if "PaymentsSandboxTableName" not in self.stack.outputs:
            raise Problem("this stack charges at a real provider")
        self.stack = replace(self.stack, webhook=seed.webhook_of(self.stack))

    def customers(self) -> None:
        if self.is_prod:
            raise Problem("prod's client signs in by SRP only, which this command does not know")
        cognito, pool = self.stack.client("cognito-idp"), self.stack.outputs["UserPoolId"]
        users = {}
        for name, group in seed.GROUP_OF_USER.items():
            users[name] = user = User(f"smoke-{name}-{secrets.token_hex(8)}@storefront.example", seed.new_password())
            seed.create_user(cognito, pool, user, f"Smoke {name.capitalize()}")
            self.removals.callback(cognito.admin_delete_user, UserPoolId=pool, Username=user.email)
            seed.let_in(cognito, pool, user, group)
        self.stack = replace(self.stack, users=users)

    def partners(self) -> None:
        partners, issued = Partners(self.stack), {}
        for plan in PLANS:
            issued[plan] = partners.issue(plan)
            self.removals.callback(partners.remove, partner_id_of(issued[plan].token))
        self.stack = replace(self.stack, partners=issued)
        # The gateway may take a while to know a new API key; if it takes too long, the journey will say so.
        deadline = time.monotonic() + _KNOWN_WITHIN_SECONDS
        for access in issued.values():
            partner = calling_with(self.stack, access)
            while partner.request("GET", "/partner/orders/none").status_code in (401, 403):
                if time.monotonic() > deadline:
                    return
                time.sleep(_POLL_SECONDS)
