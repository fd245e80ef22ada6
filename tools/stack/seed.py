"""Fills a new stack: products, and everybody who calls it."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.ops.partners import PLANS, Partners, partner_id_of
from tools.stack.stack import PartnerAccess, Stack, User

PRODUCTS = Path(__file__).with_name("products.json")
CUSTOMERS = {
    "customer": ("customer@storefront.example", "Ada Customer"),
    "other": ("other@storefront.example", "Grace Other"),
    "support": ("support@storefront.example", "Edsger Support"),
}
GROUP_OF_USER = {"customer": "customers", "other": "customers", "support": "support"}
_CURRENCY = "EUR"


def seed_products(stack: Stack) -> None:
    """Add the products that are not there yet, so that the stock of those that are stays as orders left it."""
    dynamodb = stack.client("dynamodb")
    table = stack.outputs["ProductsTableName"]
    products = json.loads(PRODUCTS.read_text())

    def add(product: dict[str, Any]) -> None:
        try:
            dynamodb.put_item(TableName=table, Item=item_of(product), ConditionExpression="attribute_not_exists(sku)")
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, products))


def seed_customers(stack: Stack) -> dict[str, User]:
    """Create the customers, or give those that exist the passwords known here; return them by name."""
    # The passwords of the last deployment go on being good.
    users = {name: stack.users.get(name) or User(email, new_password()) for name, (email, _) in CUSTOMERS.items()}
    cognito = stack.client("cognito-idp")
    pool = stack.outputs["UserPoolId"]
    for name, user in users.items():
        with suppress(cognito.exceptions.UsernameExistsException):
            create_user(cognito, pool, user, CUSTOMERS[name][1])
        let_in(cognito, pool, user, GROUP_OF_USER[name])
    return users


def create_user(cognito: Any, pool: str, user: User, name: str) -> None:
    """Create somebody who cannot sign in yet, and is sent nothing."""
    attributes = {"email": user.email, "email_verified": "true", "name": name}
    cognito.admin_create_user(
        UserPoolId=pool,
        Username=user.email,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
    )


def let_in(cognito: Any, pool: str, user: User, group: str) -> None:
    """Let somebody sign in with their password, as one of a group."""
    cognito.admin_set_user_password(UserPoolId=pool, Username=user.email, Password=user.password, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=user.email, GroupName=group)


def new_password() -> str:
    """Return a password that any policy accepts."""
    return f"Aa1!{secrets.token_urlsafe(15)}"


def webhook_of(stack: Stack) -> dict[str, str]:
    """Return what the payment provider signs webhooks with, as the stack has it now."""
    secretsmanager = stack.client("secretsmanager")
    value = secretsmanager.get_secret_value(SecretId=stack.outputs["WebhookSecretArn"])["SecretString"]
    return {"secret": value}


def seed_partners(stack: Stack) -> dict[str, PartnerAccess]:
    """Return a partner for each usage plan: that of the last deployment, or a new one."""
    partners = Partners(stack)
    known = {plan: access for plan, access in stack.partners.items() if partners.has(partner_id_of(access.token))}
    return {plan: known.get(plan) or partners.issue(plan) for plan in PLANS}


def item_of(product: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return a product of the file as an item of the products table."""
    values = {**product, "currency": _CURRENCY, "listing": "all"}
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in values.items()}
