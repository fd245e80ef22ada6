"""Expiry of items in tables that CloudFormation makes: the emulator leaves it off.

TimeToLiveSpecification, AWS CloudFormation Template Reference Guide:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-table-timetolivespecification.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb


def created_with_expiry(create: Callable[..., Any]) -> Callable[..., Any]:
    """Turn expiry on as a table is created."""

    def create_table(logical_id: str, properties: dict[str, Any], *rest: Any) -> Any:
        answer = create(logical_id, properties, *rest)
        _set(answer[0], properties)
        return answer

    return create_table


def updated_with_expiry(update: Callable[..., Any]) -> Callable[..., Any]:
    """Turn it on, or off, as a table is updated."""

    def update_table(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any) -> Any:
        answer = update(physical_id, old, new, *rest)
        _set(answer[0], new)
        return answer

    return update_table


def _set(table: str, properties: dict[str, Any]) -> None:
    if wanted := properties.get("TimeToLiveSpecification"):
        enabled = str(wanted.get("Enabled", False)).lower() == "true"
        specification = {"Enabled": enabled, "AttributeName": wanted["AttributeName"]}
        dynamodb._update_ttl({"TableName": table, "TimeToLiveSpecification": specification})
