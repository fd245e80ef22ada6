"""`storefront logs --stack` reads the log groups of a stack on AWS."""

import json
import time

import boto3
import pytest
from moto import mock_aws

from tools.cli import run

GROUP = "/aws/lambda/shop/place-order"


def test_the_logs_of_a_stack_on_aws_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP}}
    with mock_aws():
        # Given a stack with a function that has logged
        template = json.dumps({"Resources": {"PlaceOrderLogs": group}})
        boto3.client("cloudformation").create_stack(StackName="shop", TemplateBody=template)
        logs = boto3.client("logs")
        logs.create_log_stream(logGroupName=GROUP, logStreamName="stream")
        line = {"timestamp": int(time.time() * 1000), "message": "an order is placed"}
        logs.put_log_events(logGroupName=GROUP, logStreamName="stream", logEvents=[line])

        # When
        run("logs", "--stack", "shop", "--function", "place-order")

    # Then
    assert "place-order an order is placed" in capsys.readouterr().out
