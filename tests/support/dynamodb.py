"""DynamoDB in memory: the operations that the stores use, a hundred times faster.

Its answers and errors are those of moto (tests/unit/test_dynamodb_in_memory.py runs both side by side). In addition it
serves reads that lag behind, as every read of an index may, and keeps the changes that a stream would deliver.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests.support.faults import aws_error
from tools.testing.template import resources

Item = Mapping[str, Any]
Parameters = Mapping[str, Any]

_TERM = re.compile(r"attribute_(not_)?exists\(([\w#]+)\)|([\w#]+) (=|<|<=|>=) (:\w+)")
_CLAUSE = re.compile(r"(SET|REMOVE|ADD) (.+?)(?= (?:SET|REMOVE|ADD) |$)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">=": lambda one, other: one >= other,
}


class Table:
    """A table of the template.

    Attributes
    ----------
    states
        Its items by their key: after each write a state of its own, which never changes again.
    changes
        Each write's keys and images, as a stream with old and new images has them.
    """

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self._key = _key_names(properties)
        self.indexes = {index["IndexName"]: index for index in properties.get("GlobalSecondaryIndexes", ())}
        self.states: list[dict[tuple[str, ...], Item]] = [{}]
        self.changes: list[dict[str, Any]] = []

    def items(self, lag: int = 0) -> dict[tuple[str, ...], Item]:
        """Return the items as they are now, or as they were some writes ago."""
        return self.states[max(0, len(self.states) - 1 - lag)]

    def key_of(self, item: Item) -> tuple[str, ...]:
        """Return the key of an item."""
        return tuple(item[name]["S"] for name in self._key)

    def write(self, item: Item) -> None:
        """Put an item in place of the one that has its key."""
        key = self.key_of(item)
        before = self.items().get(key)
        self.states.append({**self.items(), key: item})
        if before != item:
            images = {"NewImage": item} | ({"OldImage": before} if before else {})
            sequence_number = str(len(self.changes))
            keys = {name: item[name] for name in self._key}
            self.changes.append({"dynamodb": {"Keys": keys, "SequenceNumber": sequence_number, **images}})

    def projected(self, index: str, item: Item) -> Item:
        """Return what an index shows of an item; it takes part in the index with both keys only."""
        projection = self.indexes[index]["Projection"]
        if projection["ProjectionType"] == "ALL":
            return item
        shown = {*self._key, *_key_names(self.indexes[index]), *projection.get("NonKeyAttributes", ())}
        return {name: value for name, value in item.items() if name in shown}


class Tables:
    """The tables of the template, all empty."""

    def __init__(self) -> None:
        self.tables = {name: Table(properties) for name, properties in _schemas().items()}

    def perform(self, operation: str, parameters: Parameters, lag: int = 0) -> dict[str, Any]:
        """Carry out an operation; reads that need not be consistent show the table as it was some writes ago."""
        return _OPERATIONS[operation](self, parameters, lag)

    def _get_item(self, parameters: Parameters, lag: int) -> dict[str, Any]:
        table = self.tables[parameters["TableName"]]
        item = table.items(0 if parameters.get("ConsistentRead") else lag).get(table.key_of(parameters["Key"]))
        return {"Item": item} if item else {}

    def _batch_get_item(self, parameters: Parameters, lag: int) -> dict[str, Any]:
        responses = {}
        for name, request in parameters["RequestItems"].items():
            items, keys = self.tables[name].items(lag), map(self.tables[name].key_of, request["Keys"])
            responses[name] = [items[key] for key in keys if key in items]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _query(self, parameters: Parameters, lag: int) -> dict[str, Any]:
        table, index = self.tables[parameters["TableName"]], parameters["IndexName"]
        _, sort_key = keys = _key_names(table.indexes[index])
        found = [
            table.projected(index, item)
            for item in table.items(lag).values()
            if all(name in item for name in keys) and _holds(parameters, item, "KeyConditionExpression")
        ]
        kept = [item for item in found if _holds(parameters, item, "FilterExpression")]
        answer: dict[str, Any] = {"Count": len(kept), "ScannedCount": len(found)}
        if parameters.get("Select") != "COUNT":
            answer["Items"] = sorted(kept, key=lambda item: _value(item[sort_key]))
        return answer

    def _put_item(self, parameters: Parameters, lag: int) -> dict[str, Any]:
        return self._write_one({**parameters, "Key": parameters["Item"]})

    def _update_item(self, parameters: Parameters, lag: int) -> dict[str, Any]:
        return self._write_one(parameters)

    def _write_one(self, write: Parameters) -> dict[str, Any]:
        reason = self._refusal(write)
        if reason:
            raise aws_error("ConditionalCheckFailedException", **{key: reason[key] for key in reason if key == "Item"})
        self._write(write)
        return {}

    def _transact_write_items(self, parameters: Parameters, lag: int) -> dict[str, Any]:
        writes = [write["Update"] for write in parameters["TransactItems"]]
        if len({(write["TableName"], str(write["Key"])) for write in writes}) < len(writes):
            raise aws_error("ValidationException", "TransactWriteItems")
        reasons = [self._refusal(write) or {"Code": "None"} for write in writes]
        if any(reason["Code"] != "None" for reason in reasons):
            raise aws_error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
        for write in writes:
            self._write(write)
        return {}

    def _refusal(self, write: Parameters) -> dict[str, Any] | None:
        """Return why a write is refused, `None` where its condition holds."""
        table = self.tables[write["TableName"]]
        item = table.items().get(table.key_of(write["Key"]), {})
        if _holds(write, item, "ConditionExpression"):
            return None
        shown = {"Item": item} if item and write.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" else {}
        return {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", **shown}

    def _write(self, write: Parameters) -> None:
        table = self.tables[write["TableName"]]
        if "UpdateExpression" in write:
            table.write(_updated(write, table.items().get(table.key_of(write["Key"]), write["Key"])))
        else:
            table.write(write["Item"])


_OPERATIONS: dict[str, Callable[[Tables, Parameters, int], dict[str, Any]]] = {
    "BatchGetItem": Tables._batch_get_item,
    "GetItem": Tables._get_item,
    "PutItem": Tables._put_item,
    "Query": Tables._query,
    "TransactWriteItems": Tables._transact_write_items,
    "UpdateItem": Tables._update_item,
}


def _key_names(properties: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(element["AttributeName"] for element in properties["KeySchema"])


def _value(attribute: Mapping[str, str]) -> Any:
    return int(attribute["N"]) if "N" in attribute else attribute["S"]


def _holds(parameters: Parameters, item: Item, condition: str) -> bool:
    """Tell whether a condition, if there is one, holds for an item."""
    return all(_term_holds(term, parameters, item) for term in _terms(parameters.get(condition, "")))


def _term_holds(term: re.Match[str], parameters: Parameters, item: Item) -> bool:
    absent, existing, compared, operator, value = term.groups()
    if existing:
        return (_name(existing, parameters) in item) is not bool(absent)
    attribute = item.get(_name(compared, parameters))
    other = parameters["ExpressionAttributeValues"][value]
    return attribute is not None and attribute.keys() == other.keys() and _compared(attribute, operator, other)


def _compared(attribute: Mapping[str, str], operator: str, other: Mapping[str, str]) -> bool:
    return _COMPARE[operator](_value(attribute), _value(other))


def _updated(parameters: Parameters, item: Item) -> Item:
    """Return what an update makes of an item."""
    updated, values = dict(item), parameters.get("ExpressionAttributeValues", {})
    for action, path, value in _actions(parameters["UpdateExpression"]):
        name = _name(path, parameters)
        if action == "SET":
            updated[name] = values[value]
        elif action == "ADD":
            updated[name] = {"N": str(_value(updated.get(name, {"N": "0"})) + _value(values[value]))}
        else:
            updated.pop(name, None)
    return updated


def _name(path: str, parameters: Parameters) -> str:
    name: str = parameters["ExpressionAttributeNames"][path] if path.startswith("#") else path
    return name


@cache
def _schemas() -> dict[str, Mapping[str, Any]]:
    return {**resources("AWS::DynamoDB::Table")}


@cache
def _terms(condition: str) -> list[re.Match[str]]:
    terms = [(term, _TERM.fullmatch(term)) for term in condition.split(" AND ") if term]
    for text, term in terms:
        assert term, f"not understood: {text}"
    return [term for _, term in terms if term]


@cache
def _actions(update: str) -> list[tuple[str, str, str]]:
    clauses = _CLAUSE.findall(update)
    assert " ".join(f"{action} {parts}" for action, parts in clauses) == update, f"not understood: {update}"
    return [
        (action, *re.fullmatch(r"([\w#]+)(?: =)? ?(:\w+)?", part).groups(""))
        for action, parts in clauses
        for part in parts.split(", ")
    ]
