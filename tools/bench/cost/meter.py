"""The meter: counts, call by call, what AWS charges for."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name

from tools.bench.cost.capacity import index_units, read_units, write_units
from tools.testing.aws_calls import AwsCall, Json

# "Amazon API Gateway Pricing": a message is metered in parts of 32 KB.
_MESSAGE_BYTES = 32 * 1024
_TRANSACTION = 2
# As botocore's events name it, by which warm functions are counted.
_NAMES = {"events": "eventbridge"}

Parameters = Mapping[str, Any]


@dataclass
class Step:
    """One invocation of a function, by its logical id, and what it asked of AWS.

    The ``trigger`` is ``rest``, ``authorizer``, ``frame``, ``connection`` (its beginning or end), ``queue``, ``bus`` (a
    queue that a rule fills), ``stream``, or ``schedule``. Among ``calls``, a charge is ``payments:POST``. Messages to
    connections are ``posted``, as they are metered.
    """

    function: str = ""
    trigger: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    write_units: float = 0
    read_units: float = 0
    posted: int = 0
    events: int = 0
    log_bytes: int = 0


class Meter:
    """Hears the functions' calls, and keeps the books of the step that runs.

    ``changes`` are the images of orders before and after each write, ``published`` the entries put on the bus.
    """

    def __init__(self, dynamodb: Any) -> None:
        self.step = Step()
        self.changes: list[tuple[Any, Any]] = []
        self.published: list[Any] = []
        self._dynamodb = dynamodb
        self._tables: dict[str, Any] = {}
        self._is_looking = False

    def hear(self, call: AwsCall) -> Json | None:
        """Count a call; one to a table is made here, between two looks at what it touches."""
        if self._is_looking and call.service == "dynamodb":
            return None
        self.step.calls[f"{_NAMES.get(call.service, call.service)}:{call.operation}"] += 1
        if call.operation == "PostToConnection":
            self.step.posted += math.ceil(len(call.parameters["Data"]) / _MESSAGE_BYTES)
            return {}
        if call.operation == "PutEvents":
            self.step.events += len(call.parameters["Entries"])
            self.published += call.parameters["Entries"]
        return self._on_tables(call.operation, call.parameters) if call.service == "dynamodb" else None

    def _on_tables(self, operation: str, parameters: Parameters) -> Any:
        writes = list(_writes(operation, parameters))
        before = [self._item(*write) for write in writes]
        answer = self._call(operation, **parameters)
        factor = _TRANSACTION if operation == "TransactWriteItems" else 1
        for (table, content), old in zip(writes, before, strict=True):
            new = self._item(table, content)
            # That a transaction counts twice is said of items, and not of their entries in indexes.
            self.step.write_units += factor * write_units(old, new) + index_units(self._table(table), old, new)
            if table == os.environ["ORDERS_TABLE"] and old != new:
                self.changes.append((old, new))
        consistent = parameters.get("ConsistentRead", False)
        read = self._read(operation, parameters, answer)
        self.step.read_units += sum(read_units(items, consistent=consistent) for items in read)
        return answer

    def _read(self, operation: str, parameters: Parameters, answer: Any) -> list[list[Any]]:
        """Return the items that were read, those together whose sizes are added up."""
        match operation:
            case "GetItem":
                return [[answer.get("Item", {})]]
            case "BatchGetItem":
                return [[item] for found in answer["Responses"].values() for item in found]
            case "Query":
                # Items that are not shown, or only counted, were read as well.
                whole = {name: parameters[name] for name in parameters.keys() - {"ProjectionExpression", "Select"}}
                return [self._call(operation, **whole)["Items"]]
        return []

    def _item(self, table: str, content: Parameters) -> Any:
        key = {part["AttributeName"]: content[part["AttributeName"]] for part in self._table(table)["KeySchema"]}
        return self._call("GetItem", TableName=table, Key=key, ConsistentRead=True).get("Item")

    def _table(self, name: str) -> Any:
        if name not in self._tables:
            self._tables[name] = self._call("DescribeTable", TableName=name)["Table"]
        return self._tables[name]

    def _call(self, operation: str, **parameters: Any) -> Any:
        self._is_looking = True
        try:
            return getattr(self._dynamodb, xform_name(operation))(**parameters)
        finally:
            self._is_looking = False


def _writes(operation: str, parameters: Parameters) -> Iterator[tuple[str, Any]]:
    """Yield the table and the key, or the item that has it, of everything that a call writes or checks."""
    match operation:
        case "TransactWriteItems":
            parts = [(part["TableName"], part) for item in parameters["TransactItems"] for part in item.values()]
        case "BatchWriteItem":
            tables = parameters["RequestItems"].items()
            parts = [(table, part) for table, asked in tables for request in asked for part in request.values()]
        case "PutItem" | "UpdateItem" | "DeleteItem":
            parts = [(parameters["TableName"], parameters)]
        case _:
            parts = []
    yield from ((table, part.get("Key") or part["Item"]) for table, part in parts)
