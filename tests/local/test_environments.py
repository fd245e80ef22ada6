"""CloudFormation refuses what does not belong into an account."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from tools.stack import samconfig
from tools.stack.stack import REGION, Stack
from tools.testing.template import source


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_an_account_takes_neither_local_s_settings_nor_the_example_s_payment_provider(
    stack: Stack, environment: str
) -> None:
    # Given an account: the emulator has one for each access key of twelve digits
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=stack.endpoint,
        region_name=REGION,
        aws_access_key_id="123456789012",
        aws_secret_access_key=stack.credentials["secretAccessKey"],
    )
    template = {key: source()[key] for key in ("Parameters", "Rules")} | {
        "Resources": {"Any": {"Type": "AWS::SQS::Queue"}}
    }

    # When
    with pytest.raises(ClientError) as refused:
        cloudformation.create_change_set(
            StackName="storefront-elsewhere",
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in samconfig.environment(environment).overrides.items()
            ],
        )

    # Then
    expected = {"local": "local is for the emulator", "prod": "prod needs a payment provider of yours"}
    assert expected[environment] in str(refused.value)
