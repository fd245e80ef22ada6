"""Resources that must keep their names in the template: CloudFormation replaces a renamed one.

A replaced table or queue is empty. A replaced role breaks its function: a published version keeps the role that it was
made with, so every call through the alias fails until the code changes. Whoever renames one of these on purpose changes
this list in the same commit, and says in docs/decisions.md how a running stack gets there.
"""

import pytest

from tools.testing.template import resources

FUNCTIONS = [
    "AnswerPing",
    "AuthorizeConnection",
    "AuthorizePartner",
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
    "RefuseFrame",
    "SendMessage",
    "ShowHistory",
]
KEPT = {
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
    },
    "AWS::SecretsManager::Secret": {"CursorSecret", "PaymentsSandboxSecret", "WebhookSecret"},
}


@pytest.mark.parametrize("kind", KEPT)
def test_a_resource_that_must_not_be_replaced_keeps_its_name(kind: str) -> None:
    assert resources(kind).keys() == KEPT[kind]
