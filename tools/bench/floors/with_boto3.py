"""The boto3 floor: a function that makes one client and one call, as every function of ours does at the least."""

import os
from typing import Any

import boto3

_dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - as Lambda calls it
    """Answer with one product, as it is stored."""
    answer = _dynamodb.get_item(TableName=os.environ["PRODUCTS_TABLE"], Key={"sku": {"S": "MUG-001"}})
    return dict(answer["Item"])
