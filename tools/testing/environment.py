"""The environment that handlers read when they are imported: no AWS account can be reached with it."""

import os

# The names are those of the template's resources, the values those that `tools.testing.aws` gives them.
_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # nosec B105
    "AWS_DEFAULT_REGION": "us-east-1",
    # Nothing is read from the home directory of whoever runs this.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_LAMBDA_FUNCTION_NAME": "testing",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "POWERTOOLS_SERVICE_NAME": "storefront",
    "POWERTOOLS_METRICS_NAMESPACE": "Storefront",
    "CHAT_ALLOWED_ORIGINS": "https://shop.example.com,http://localhost:3000",
    "CHAT_STATUS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/chat-status",
    "CHAT_TABLE": "ChatTable",
    "CHAT_URL": "wss://chat.execute-api.us-east-1.amazonaws.com/dev",
    "CONNECTIONS_URL": "https://chat.execute-api.us-east-1.amazonaws.com/dev",
    "CORS_ALLOWED_ORIGIN": "*",
    "CURSOR_SECRET_ARN": "cursor-secret",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
    "EVENT_BUS_NAME": "orders",
    "ORDERS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/orders",
    "ORDERS_TABLE": "OrdersTable",
    "PARTNERS_TABLE": "PartnersTable",
    "PARTNER_ORDERS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/partner-orders",
    "PARTNER_ORDERS_TABLE": "PartnerOrdersTable",
    "PAYMENTS_SANDBOX_TABLE": "PaymentsSandboxTable",
    "PAYMENTS_SECRET_ARN": "payments-secret",
    "PAYMENTS_URL_PARAMETER": "/payments/url",
    "PRODUCTS_TABLE": "ProductsTable",
    "REST_API_URL_PARAMETER": "/rest-api/url",
    "RETRY_AFTER_SECONDS": "20",
    "REVIEW_AFTER_SECONDS": "1800",
    "USER_POOL_CLIENT_ID": "the-client",
    "USER_POOL_ID": "us-east-1_thepool",
    "WEBHOOK_SECRET_ARN": "webhook-secret",
}


def set_up() -> None:
    """Set this process's environment; call it before any handler is imported."""
    for variable in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[variable]
    os.environ.update(_VARIABLES)
