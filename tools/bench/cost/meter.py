"""The meter: counts, call by call, what AWS charges for."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from botocore.client import BaseClient

from tools.bench.cost.capacity import index_units, read_units, write_units

# "Amazon API Gateway Pricing": a message is metered in parts of 32 KB.
_MESSAGE_BYTES = 32 * 1024
_TRANSACTION = 2

Parameters = Mapping[str, Any]


@dataclass
class Step:
    """One invocation of a function, by its logical id, and what it asked of AWS.

    Attributes
    ----------
    trigger
        ``rest``, ``authorizer``, ``frame``, ``connection`` (its beginning or end), ``queue``, ``bus`` (a queue that a
        rule fills), ``stream``, or ``schedule``.
    calls
        How often which operation; a charge is ``payments:POST``.
    posted, events
        Messages to connections, as they are metered, and events put on the bus.
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
    """Stands between the functions and moto, and keeps the books of the step that runs.

    ``changes`` are the images of orders before and after each write, as the table's stream has them; ``published`` are
    the entries put on the bus.
    """

    def __init__(self) -> None:
        self.step = Step()
        self.changes: list[tuple[Any, Any]] = []
        self.published: list[Any] = []
        self._call = BaseClient._make_api_call  # type: ignore[attr-defined]
        self._tables: dict[str, Any] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count the calls of all clients."""

        def call(client: Any, operation: str, parameters: Parameters) -> Any:
            return self._counted(client, operation, parameters)

        with mock.patch.object(BaseClient, "_make_api_call", call):
            yield

    def _counted(self, client: Any, operation: str, parameters: Parameters) -> Any:
        # As botocore's events name it.
        service = client.meta.service_model.service_id.hyphenize()
        self.step.calls[f"{service}:{operation}"] += 1
        if operation == "PostToConnection":
            self.step.posted += math.ceil(len(parameters["Data"]) / _MESSAGE_BYTES)
            return {}
        if operation == "PutEvents":
            self.step.events += len(parameters["Entries"])
            self.published += parameters["Entries"]
        if service == "dynamodb":
            return self._on_tables(client, operation, parameters)
        return self._call(client, operation, parameters)

    def _on_tables(self, client: Any, operation: str, parameters: Parameters) -> Any:
        writes = list(_writes(operation, parameters))
        before = [self._item(client, table, content) for table, content in writes]
        answer = self._call(client, operation, parameters)
        for (table, content), old in zip(writes, before, strict=True):
            new = self._item(client, table, content)
            factor = _TRANSACTION if operation == "TransactWriteItems" else 1
            # That a transaction counts twice is said of items, and not of their entries in indexes.
            self.step.write_units += factor * write_units(old, new) + index_units(self._table(client, table), old, new)
            if table == os.environ["ORDERS_TABLE"] and old != new:
                self.changes.append((old, new))
        consistent = parameters.get("ConsistentRead", False)
        read = self._read(client, operation, parameters, answer)
        self.step.read_units += sum(read_units(items, consistent=consistent) for items in read)
        return answer

    def _read(self, client: Any, operation: str, parameters: Parameters, answer: Any) -> list[list[Any]]:
        """Return the items that were read, those together whose sizes are added up."""
        match operation:
            case "GetItem":
                return [[answer.get("Item", {})]]
            case "BatchGetItem":
                return [[item] for found in answer["Responses"].values() for item in found]
            case "Query":
                # What is not shown, or only counted, was read as well.
                whole = {name: parameters[name] for name in parameters.keys() - {"ProjectionExpression", "Select"}}
                return [self._call(client, operation, whole)["Items"]]
        return []

    def _item(self, client: Any, table: str, content: Parameters) -> Any:
        names = [part["AttributeName"] for part in self._table(client, table)["KeySchema"]]
        key = {name: content[name] for name in names}
        return self._call(client, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get("Item")

    def _table(self, client: Any, name: str) -> Any:
        if name not in self._tables:
            self._tables[name] = self._call(client, "DescribeTable", {"TableName": name})["Table"]
        return self._tables[name]


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
