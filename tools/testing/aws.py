"""AWS for tests: what the template asks for, made from the template."""

import json
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from tools.stack import apart
from tools.testing.template import resources

CURSOR_SECRET = "cursor-secret-canary"  # nosec B105
PAYMENTS_SECRET = "payments-secret-canary"  # nosec B105
WEBHOOK_SECRET = "webhook-secret-canary"  # nosec B105


@dataclass(frozen=True)
class Aws:
    """The clients of a test's AWS, and what tests do with it again and again."""

    dynamodb: Any
    sqs: Any
    events: Any
    ssm: Any
    secretsmanager: Any

    @classmethod
    def create(cls) -> "Aws":
        aws = cls(*(_client(name) for name in ("dynamodb", "sqs", "events", "ssm", "secretsmanager")))
        for name, table in resources("AWS::DynamoDB::Table").items():
            aws.dynamodb.create_table(TableName=name, **_table(table))
        for queue in ("orders", "partner-orders", "dead-letters", "chat-status"):
            aws.sqs.create_queue(QueueName=queue)
        aws.events.create_event_bus(Name=os.environ["EVENT_BUS_NAME"])
        secrets = {
            "CURSOR_SECRET_ARN": CURSOR_SECRET,
            "PAYMENTS_SECRET_ARN": PAYMENTS_SECRET,
            "WEBHOOK_SECRET_ARN": WEBHOOK_SECRET,
        }
        for name, value in secrets.items():
            aws.secretsmanager.create_secret(Name=os.environ[name], SecretString=value)
        return aws

    def add_product(self, sku: str, price: int = 1000, stock: int = 100, **changes: Any) -> None:
        """Put a product on sale."""
        product = {
            "sku": sku,
            "name": f"Product {sku}",
            "description": "",
            "category": "kitchen",
            "currency": "EUR",
            "price": price,
            "stock": stock,
            "listing": "all",
            **changes,
        }
        item = {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in product.items()}
        self.dynamodb.put_item(TableName=os.environ["PRODUCTS_TABLE"], Item=item)

    def stock(self, sku: str) -> int:
        """Return how many of a product are left."""
        answer = self.dynamodb.get_item(TableName=os.environ["PRODUCTS_TABLE"], Key={"sku": {"S": sku}})
        return int(answer["Item"]["stock"]["N"])

    def messages(self) -> list[dict[str, Any]]:
        """Take all messages out of the orders queue and return their bodies."""
        url = os.environ["ORDERS_QUEUE_URL"]
        bodies = []
        while batch := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in batch:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def orders(self) -> list[dict[str, Any]]:
        """Return all items of the orders table."""
        items: list[dict[str, Any]] = self.dynamodb.scan(TableName=os.environ["ORDERS_TABLE"])["Items"]
        return items

    def charges(self) -> dict[str, tuple[str, int]]:
        """Return the sandbox's charges: status and amount by order id."""
        items = self.dynamodb.scan(TableName=os.environ["PAYMENTS_SANDBOX_TABLE"])["Items"]
        return {
            item["idempotencyKey"]["S"]: (item["status"]["S"], int(item["amount"]["N"]))
            if "amount" in item
            else ("", 0)
            for item in items
        }


@cache
def _client(service: str) -> Any:
    """A client takes longer to make than a test to run; what it talks to is moto's, and new for each test."""
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}  # nosec B105
    return apart.session("us-east-1").client(service, **keys)  # type: ignore[call-overload]


def _table(properties: dict[str, Any]) -> dict[str, Any]:
    """Return a table's properties as `create_table` takes them."""
    names = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    table = {name: properties[name] for name in names if name in properties}
    if "StreamSpecification" in properties:
        table["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    return table
