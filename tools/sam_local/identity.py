"""Signs somebody in under ``sam local start-api``, which skips the Cognito authorizer: in its own copy of the build."""

import os
import shutil
from pathlib import Path

_ADDED = '''

# Added by `storefront sam-local` to the build that start-api serves. No other build has it.
_customer_of_claims = customer_of


def customer_of(event, client_id):
    """Return the customer of the claims, or where the SAM CLI gives none, the stack's own customer."""
    context = event["requestContext"]
    local = {{"sub": {customer!r}, "token_use": "id", "aud": client_id, "cognito:groups": {groups!r}}}
    claims = (context.get("authorizer") or {{}}).get("claims") or local
    return _customer_of_claims({{"requestContext": {{**context, "authorizer": {{"claims": claims}}}}}}, client_id)
'''


def copy_with_customer(built: Path, copy: Path, customer: str, groups: str) -> None:
    """Copy a build, so that a call without claims is one customer's, whose id and groups are as claims have them."""
    shutil.rmtree(copy, ignore_errors=True)
    # The same files under other names: 28 copies of the package would take longer than building it.
    shutil.copytree(built, copy, copy_function=os.link)
    for module in copy.glob("*/storefront/identity.py"):
        text = module.read_text()
        # The build's own file stays as it is: only this name of it goes. Its bytecode would be used unseen.
        module.unlink()
        for bytecode in module.parent.glob("__pycache__/identity.*"):
            bytecode.unlink()
        module.write_text(text + _ADDED.format(customer=customer, groups=groups))
