"""Resources that must keep their names in the template: CloudFormation replaces a renamed one.

A replaced table or queue is empty. A replaced role breaks its function: a published version keeps the role that it was
made with, so every call through the alias fails until the code changes. A commit that renames one of these on purpose
changes this list, too, and says in docs/decisions.md how a running stack gets there.
"""

import pytest

from tests.support.as_deployed import SETTINGS, as_deployed

FUNCTIONS = [
    "AnswerPing",
    "AuthorizeConnection",
    "AuthorizePartner",
    "AuthorizeSupport",
    "AuthorizeWebhook",
    "CloseConnection",
    "CreateTicket",
    "DeliverOrderStatus",
    "GetOrder",
    "GetPartnerOrder",
    "GetProduct",
    "JoinRoom",
    "LeaveRoom",
    "ListOrders",
    "ListPartnerProducts",
    "ListProducts",
    "OpenConnection",
    "PaymentsSandbox",
    "PlaceOrder",
    "PostTrafficHook",
    "PreTrafficHook",
    "ProcessOrders",
    "ProcessPartnerOrders",
    "PublishOrderEvents",
    "PutProduct",
    "ReceivePaymentEvent",
    "ReconcileOrders",
    "RefundOrder",
    "RefuseFrame",
    "SendMessage",
    "ShowHistory",
]
KEPT = {
    # Called after their environments: AWS::LanguageExtensions has put the name there before SAM makes an id of it.
    "AWS::ApiGateway::Stage": {f"RestApi{environment}Stage" for environment in ("dev", "staging", "prod")},
    "AWS::ApiGatewayV2::Stage": {f"ChatApi{environment}Stage" for environment in ("dev", "staging", "prod")},
    "AWS::ApiGateway::RestApi": {"RestApi"},
    "AWS::ApiGatewayV2::Api": {"ChatApi"},
    "AWS::Cognito::UserPool": {"UserPool"},
    "AWS::Cognito::UserPoolClient": {"UserPoolClient"},
    "AWS::DynamoDB::Table": {
        "ChatTable",
        "OrdersTable",
        "PartnerOrdersTable",
        "PartnersTable",
        "PaymentsSandboxTable",
        "ProductsTable",
    },
    "AWS::Events::EventBus": {"OrderEventBus"},
    "AWS::IAM::Role": {
        "BackOfficeRole",
        "HandInPartnerOrderRole",
        "RefundOrdersRole",
        "StartRefundRole",
        "ReleaseRole",
        *(f"{function}Role" for function in FUNCTIONS),
    },
    "AWS::Lambda::Alias": {f"{function}FunctionAliaslive" for function in FUNCTIONS},
    "AWS::Lambda::Function": {f"{function}Function" for function in FUNCTIONS},
    "AWS::Logs::LogGroup": {
        "ChatApiExecutionLogs",
        "ChatApiLogs",
        "RestApiExecutionLogs",
        "RestApiLogs",
        *(f"{function}Logs" for function in FUNCTIONS),
    },
    "AWS::SQS::Queue": {
        "ChatStatusDeadLetterQueue",
        "ChatStatusQueue",
        "OrderEventsDeadLetterQueue",
        "OrdersDeadLetterQueue",
        "OrdersQueue",
        "PartnerOrdersDeadLetterQueue",
        "PartnerOrdersQueue",
        "RefundsDeadLetterQueue",
    },
    "AWS::SecretsManager::Secret": {"CursorSecret", "PaymentsSandboxSecret", "WebhookSecret"},
}


# Where traffic shifts gradually
WITH_RELEASES = ("staging", "prod")


def expected(kind: str, environment: str) -> set[str]:
    """Return the names that an environment has of all that are kept."""
    names = {name for name in KEPT[kind] if "Sandbox" not in name or environment != "prod"}
    if kind.endswith("::Stage"):
        return {name for name in names if SETTINGS[environment] in name}
    return names if environment in WITH_RELEASES else names - {"ReleaseRole"}


@pytest.mark.parametrize("environment", SETTINGS)
@pytest.mark.parametrize("kind", KEPT)
def test_a_resource_that_must_not_be_replaced_keeps_its_name(kind: str, environment: str) -> None:
    found = {name for name, resource in as_deployed(environment).resources.items() if resource["Type"] == kind}

    assert found == expected(kind, environment)
