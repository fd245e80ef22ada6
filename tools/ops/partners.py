"""Partners of a stack: gives them a token, replaces it, takes it away. On this machine or on AWS."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from botocore.exceptions import ClientError

from storefront.partners.store import PartnerStore
from storefront.partners.token import Partner, issue
from storefront.shared import clock
from tools.console import Problem
from tools.demo.api_client import ApiClient
from tools.stack.stack import PartnerAccess, Stack

PLANS = {"bronze": "BronzePlanId", "gold": "GoldPlanId"}


@dataclass(frozen=True)
class Partners:
    """The partners of one stack; a partner that it does not have is a `Problem`."""

    stack: Stack

    def issue(self, plan: str) -> PartnerAccess:
        """Make a new partner; the token is shown this once, and kept nowhere."""
        partner_id = secrets.token_hex(6)
        token, stored = issue(partner_id)
        gateway = self.stack.client("apigateway")
        key = gateway.create_api_key(name=f"partner-{partner_id}", enabled=True)
        gateway.create_usage_plan_key(usagePlanId=self.stack.outputs[PLANS[plan]], keyId=key["id"], keyType="API_KEY")
        self._store.add(Partner(partner_id, plan, key["value"], (stored,)))
        return PartnerAccess(token=token.to_text(), api_key=key["value"])

    def rotate(self, partner_id: str, overlap: timedelta) -> PartnerAccess:
        """Give a partner another token; the ones before it are good until the overlap ends."""
        partner = self._get(partner_id)
        token, stored = issue(partner_id)
        now = clock.now()
        self._replace(partner.rotated(stored, now + overlap, now), partner)
        return PartnerAccess(token=token.to_text(), api_key=partner.api_key)

    def revoke(self, partner_id: str) -> None:
        """Take everything from a partner, at once."""
        partner = self._get(partner_id)
        self._replace(replace(partner, revoked=True), partner)

    def remove(self, partner_id: str) -> None:
        """Revoke a partner, and delete the API key: neither works any more."""
        self.revoke(partner_id)
        gateway = self.stack.client("apigateway")
        for key in gateway.get_api_keys(nameQuery=f"partner-{partner_id}")["items"]:
            gateway.delete_api_key(apiKey=key["id"])

    def has(self, partner_id: str) -> bool:
        """Tell whether there is such a partner."""
        return self._store.get(partner_id) is not None

    @property
    def _store(self) -> PartnerStore:
        return PartnerStore(self.stack.client("dynamodb"), self.stack.outputs["PartnersTableName"])

    def _get(self, partner_id: str) -> Partner:
        partner = self._store.get(partner_id)
        if partner is None:
            raise Problem(f"no partner has the id {partner_id!r}: it is the part of their token behind sfp_")
        return partner

    def _replace(self, changed: Partner, read: Partner) -> None:
        try:
            self._store.replace(changed, read)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise Problem("somebody else has changed this partner at the same time: try again") from None
        # For five minutes, the gateway goes by what the authorizer said before.
        gateway, api_id = self.stack.client("apigateway"), self.stack.outputs["RestApiId"]
        gateway.flush_stage_authorizers_cache(restApiId=api_id, stageName=self.stack.url.rpartition("/")[2])


def partner_id_of(token: str) -> str:
    """Return the id in a token."""
    return token.split("_")[1]


def caller(stack: Stack, name: str) -> ApiClient:
    """Return a client of the REST API with the token of one of the stack's partners."""
    return calling_with(stack, stack.partners[name])


def calling_with(stack: Stack, access: PartnerAccess) -> ApiClient:
    """Return a client of the REST API with a partner's token."""
    return ApiClient(stack.url, f"Bearer {access.token}")
