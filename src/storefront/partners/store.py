"""The partners table: the only place that reads and writes partners in DynamoDB."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storefront.partners.token import Partner, StoredSecret
from storefront.shared import clock
from storefront.shared.attributes import Item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class PartnerStore:
    """Keeps partners."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def get(self, partner_id: str) -> Partner | None:
        """Return a partner as they are now (what was revoked a moment ago is), `None` where there is none."""
        key = {"partnerId": {"S": partner_id}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return _partner(item) if item else None

    def add(self, partner: Partner) -> None:
        """Write a new partner; one that is there stays as they are, and the call fails."""
        self._dynamodb.put_item(
            TableName=self._table, Item=_item(partner), ConditionExpression="attribute_not_exists(partnerId)"
        )

    def replace(self, changed: Partner, read: Partner) -> None:
        """Write a changed partner; where somebody else has changed them since they were read, the call fails."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item=_item(changed),
            ConditionExpression="secrets = :secrets AND revoked = :revoked",
            ExpressionAttributeValues={
                ":secrets": _item(read)["secrets"],
                ":revoked": {"BOOL": read.revoked},
            },
        )


def _partner(item: Mapping[str, Any]) -> Partner:
    value = Item(item)
    return Partner(
        id=value.text("partnerId"),
        plan=value.text("plan"),
        api_key=value.text("apiKey"),
        secrets=tuple(_secret(stored) for stored in value.items("secrets")),
        revoked=value.flag("revoked"),
    )


def _secret(value: Item) -> StoredSecret:
    return StoredSecret(value.binary("key"), value.binary("hash"), value.optional_time("expiresAt"))


def _item(partner: Partner) -> dict[str, Any]:
    secrets = [
        {"key": stored.key, "hash": stored.hash}
        | ({"expiresAt": clock.to_text(stored.expires_at)} if stored.expires_at else {})
        for stored in partner.secrets
    ]
    value = {
        "partnerId": partner.id,
        "plan": partner.plan,
        "apiKey": partner.api_key,
        "secrets": secrets,
        "revoked": partner.revoked,
    }
    return to_item(value)
