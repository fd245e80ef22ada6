"""A web page that a developer has open does nothing to this machine; programs with the stack's credentials do all."""

import json
import stat
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tools.stack.stack import Stack

PAGE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
SHOP = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}
FUNCTIONS = "/2015-03-31/functions"
FUNCTION = {"FunctionName": "evil", "Runtime": "python3.13", "Role": "r", "Handler": "h.h", "Code": {"ZipFile": "UEsF"}}
SIGN_IN = "AWSCognitoIdentityProviderService.InitiateAuth"
KNOWN_KEY = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def status(stack: Stack, path: str, headers: dict[str, str], body: object = None, method: str = "POST") -> int:
    text = body if isinstance(body, str | None) else json.dumps(body)
    return requests.request(method, f"{stack.endpoint}{path}", headers=headers, data=text, timeout=10).status_code


def test_a_page_cannot_create_a_function_with_a_body_that_browsers_send_unasked(stack: Stack) -> None:
    simple = PAGE | {"Content-Type": "text/plain", "Authorization": KNOWN_KEY.format("lambda")}

    assert status(stack, FUNCTIONS, simple, FUNCTION) == 403
    assert status(stack, FUNCTIONS, PAGE, FUNCTION) == 403
    assert status(stack, FUNCTIONS, PAGE, method="OPTIONS") == 403


def test_without_its_origin_a_page_still_lacks_the_credentials(stack: Stack) -> None:
    for headers in ({}, {"Authorization": KNOWN_KEY.format("lambda")}, {"Authorization": "AWS test:signature"}):
        assert status(stack, FUNCTIONS, headers, FUNCTION) in {400, 403}
    names = {each["FunctionName"] for each in stack.client("lambda").list_functions()["Functions"]}
    assert "evil" not in names


@pytest.mark.parametrize("key", ["test", "000000000000", ""])
def test_a_secret_is_not_read_with_a_key_that_everybody_knows(stack: Stack, key: str) -> None:
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=stack.endpoint,
        region_name=stack.region,
        aws_access_key_id=key or "none",
        aws_secret_access_key="test",
    )

    with pytest.raises(ClientError) as refused:
        secrets.get_secret_value(SecretId=stack.outputs["WebhookSecretArn"])

    assert refused.value.response["Error"]["Code"] in {
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }


def test_the_stack_s_key_with_another_secret_opens_nothing(stack: Stack) -> None:
    wrong = Stack(stack.endpoint, stack.region, stack.credentials | {"secretAccessKey": "x" * 40}, {}, {})

    with pytest.raises(ClientError):
        wrong.client("sts").get_caller_identity()
    with pytest.raises(ClientError):
        wrong.client("s3").list_buckets()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "x.localhost:{port}"]
)
@pytest.mark.parametrize("path", ["/", "/_ministack/health", "api"])
def test_a_name_that_has_been_rebound_to_this_machine_is_refused(stack: Stack, host: str, path: str) -> None:
    called = f"{urlsplit(stack.url).path}/products" if path == "api" else path
    headers = {"Host": host.format(port=urlsplit(stack.endpoint).port)}

    assert status(stack, called, headers, method="GET") == 403


def test_containers_of_sam_local_find_it_by_their_names(stack: Stack) -> None:
    port = urlsplit(stack.endpoint).port

    for host in ("stack.storefront:4566", f"host.docker.internal:{port}", f"localhost:{port}", f"[::1]:{port}"):
        assert status(stack, "/_ministack/health", {"Host": host}, method="GET") == 200
        assert status(stack, "/_ministack/reset", {"Host": host}) in {400, 403}


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config", "/_localstack/health", "/"])
def test_the_emulator_s_own_controls_ask_for_a_signature(stack: Stack, path: str) -> None:
    assert status(stack, path, {}) in {400, 403}


def test_the_gateway_s_path_leads_to_apis_only(stack: Stack) -> None:
    """A path that only begins like an API's falls through to the services by their target."""
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    for path in ("/_aws/execute-api/", "/_aws/execute-api/x", "/_aws/lambda-url/"):
        assert status(stack, path, headers, {}) in {400, 403}


def test_a_function_is_called_through_the_api_with_the_root_s_key_only_if_it_is_signed(stack: Stack) -> None:
    path = f"{urlsplit(stack.url).path}/products/MUG-001"
    headers = {"Authorization": KNOWN_KEY.format("execute-api"), "Content-Type": "application/json"}

    assert status(stack, path, headers, {}, "PUT") == 403


def test_pages_may_call_the_shop_and_its_own_page_may_sign_in(stack: Stack) -> None:
    products = f"{urlsplit(stack.url).path}/products"
    form = {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": stack.outputs["UserPoolClientId"],
        "AuthParameters": {"USERNAME": stack.users["customer"].email, "PASSWORD": stack.users["customer"].password},
    }
    target = {"X-Amz-Target": SIGN_IN, "Content-Type": "application/x-amz-json-1.1"}

    assert status(stack, products, PAGE, method="GET") == 200
    assert status(stack, "/", SHOP | target, form) == 200
    assert status(stack, "/", target, form) == 200
    assert status(stack, "/", PAGE | target, form) == 403
    assert status(stack, "/?Action=ListUsers", SHOP | target, form) == 403
    assert status(stack, FUNCTIONS, SHOP | target, FUNCTION) == 403
    admin = SHOP | {"X-Amz-Target": "AWSCognitoIdentityProviderService.ListUsers"}
    assert status(stack, "/", admin, {"UserPoolId": stack.outputs["UserPoolId"]}) == 403


def test_a_page_opens_no_websocket_but_the_chat_s(stack: Stack) -> None:
    authority = urlsplit(stack.endpoint).netloc

    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://{authority}/mqtt", additional_headers={"Origin": "https://evil.example"})

    assert refused.value.response.status_code == 403


def test_a_presigned_url_is_good_and_a_changed_one_is_not(stack: Stack) -> None:
    keys = {
        "aws_access_key_id": stack.credentials["accessKeyId"],
        "aws_secret_access_key": stack.credentials["secretAccessKey"],
    }
    version = Config(signature_version="s3v4")
    s3 = boto3.client("s3", endpoint_url=stack.endpoint, region_name=stack.region, config=version, **keys)
    bucket = s3.list_buckets()["Buckets"][0]["Name"]
    s3.put_object(Bucket=bucket, Key="a b/+ü", Body=b"text")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b/+ü"})

    assert requests.get(url, timeout=10).text == "text"
    assert requests.get(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"), timeout=10).status_code == 403
    assert requests.put(url, data="other", timeout=10).status_code == 403


def test_a_signed_hash_is_of_the_body_that_comes(stack: Stack) -> None:
    keys = Credentials(stack.credentials["accessKeyId"], stack.credentials["secretAccessKey"])
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    signed = AWSRequest(method="POST", url=stack.endpoint, data=b"{}", headers=headers)
    SigV4Auth(keys, "dynamodb", stack.region).add_auth(signed)

    assert requests.post(stack.endpoint, data=b"{}", headers=dict(signed.headers), timeout=10).status_code == 200
    assert (
        requests.post(stack.endpoint, data=b'{"Limit": 1}', headers=dict(signed.headers), timeout=10).status_code == 400
    )


def test_a_function_s_code_is_downloaded_by_the_address_that_was_given_out_only(stack: Stack) -> None:
    functions = stack.client("lambda")
    name = functions.list_functions()["Functions"][0]["FunctionName"]
    address = functions.get_function(FunctionName=name)["Code"]["Location"]

    assert requests.get(address, timeout=10).content.startswith(b"PK")
    assert requests.get(address.partition("?")[0], timeout=10).status_code in {400, 403}
    assert requests.get(address[:-1] + "g", timeout=10).status_code in {400, 403}


def test_other_users_of_this_machine_read_none_of_the_stack_s_files(stack: Stack, state: Path) -> None:
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for name in ("stack.json", "emulator.lock"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600
