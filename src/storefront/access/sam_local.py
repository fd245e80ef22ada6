"""The identity under `sam local`, which skips Cognito authorizers and so gives no claims.

    SAM_LOCAL_CUSTOMER=ada:customers,support sam local start-api

Whoever calls is then the customer `ada`, in these groups. The template declares the variable with nothing in it, since
the SAM CLI passes on declared variables only. On AWS it has no effect, whatever somebody sets it to: there Lambda names
the log stream after the day and the version, in a variable that nobody can set ("Working with Lambda environment
variables", AWS Lambda Developer Guide), while the SAM CLI writes `$LATEST` into it.
"""

import os

_LOCAL_LOG_STREAM = "$LATEST"


def claims_under_sam_local(client_id: str) -> dict[str, str]:
    """Return the claims of the customer that is set, none where none is or where this is not `sam local`."""
    customer, _, groups = os.environ.get("SAM_LOCAL_CUSTOMER", "").partition(":")
    if not customer or not _is_sam_local():
        return {}
    return {"sub": customer, "token_use": "id", "aud": client_id, "cognito:groups": groups}  # a kind of token  # nosec B105


def _is_sam_local() -> bool:
    # AWS_SAM_LOCAL alone would not do: Lambda does not reserve it, and would let somebody set it.
    return (
        os.environ.get("AWS_SAM_LOCAL") == "true" and os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME") == _LOCAL_LOG_STREAM
    )
