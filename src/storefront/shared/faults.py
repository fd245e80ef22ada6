"""Tells a fault of our own from a service that is only busy."""

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ServiceNotReached

from storefront.shared.errors import Overloaded
from storefront.shared.observability import count_fault

# "Error handling with DynamoDB", Amazon DynamoDB Developer Guide; SQS and the others use the same names.
_OVERLOADED = {
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
}


def is_overload(error: Exception) -> bool:
    """Tell whether the same request can succeed in a moment: a service behind us is overloaded, or was not reached."""
    # Not reached, or no answer in time: that may be overload as well.
    return is_throttling(error) or isinstance(error, ServiceNotReached | HTTPClientError)


def is_throttling(error: Exception) -> bool:
    """Tell whether a service behind us says that it is overloaded; another version would not help."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in _OVERLOADED
    return isinstance(error, Overloaded)


def count_fault_in(error: Exception) -> None:
    """Count an unexpected failure that is turned into an answer, unless it is throttling."""
    if not is_throttling(error):
        count_fault()
