"""Data: what prod keeps whatever happens to the stack, and how it is protected at rest and on its way."""

import pytest

from tools.testing.deployment import Deployment
from tools.testing.template import Json, source, walk

PROVIDER = {
    "PaymentsProviderUrl": "https://payments.example",
    "PaymentsProviderSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments-AbCdEf",
}
ENVIRONMENTS = source()["Parameters"]["Environment"]["AllowedValues"]
DEPLOYED = {
    environment: Deployment(
        # This machine has no CodeDeploy.
        Environment=environment,
        GradualReleases="false" if environment == "local" else "true",
        **PROVIDER,
    ).resources
    for environment in ENVIRONMENTS
}
HOLDS_DATA = {"AWS::DynamoDB::Table", "AWS::Cognito::UserPool", "AWS::SecretsManager::Secret"}
# A new value of this one ends the cursors that are out there, nothing else.
NOBODY_WOULD_MISS = {"CursorSecret"}


def of(environment: str, kind: str) -> dict[str, Json]:
    return {name: one for name, one in DEPLOYED[environment].items() if one["Type"] == kind}


def refused_without_tls(policy: Json) -> list[Json]:
    """Return the statements that refuse everybody who comes without TLS."""
    return [
        statement
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement.get("Effect") == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]


def test_prod_retains_its_data_when_the_stack_or_the_resource_goes() -> None:
    for kind in HOLDS_DATA:
        for name, resource in of("prod", kind).items():
            wanted = None if name in NOBODY_WOULD_MISS else "Retain"
            assert resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == wanted, name


@pytest.mark.parametrize("environment", sorted({*ENVIRONMENTS} - {"prod"}))
def test_elsewhere_a_stack_takes_its_data_with_it(environment: str) -> None:
    for name, resource in DEPLOYED[environment].items():
        # SAM keeps the versions of functions, so that an alias can go back to one; they go with their function.
        if resource["Type"] != "AWS::Lambda::Version":
            assert resource.get("DeletionPolicy", "Delete") == "Delete", name
            assert resource.get("UpdateReplacePolicy", "Delete") == "Delete", name


@pytest.mark.parametrize("file", ["template.yaml", "operations.yaml", "bootstrap.yaml", "governance.yaml"])
def test_what_becomes_of_a_resource_is_said_in_words_that_the_transform_takes(file: str) -> None:
    # AWS::LanguageExtensions fails for RetainExceptOnCreate (aws-cloudformation/cfn-language-discussion, issue 139).
    assert "AWS::LanguageExtensions" in source(file)["Transform"]

    said = {
        text
        for path, text in walk(source(file))
        if isinstance(text, str) and {"DeletionPolicy", "UpdateReplacePolicy"} & {*path}
    }

    assert said <= {"Retain", "Delete", "IsProd"}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_tables_and_customers_are_protected_from_deletion_in_prod_alone(environment: str) -> None:
    protected = environment == "prod"

    for name, table in of(environment, "AWS::DynamoDB::Table").items():
        properties = table["Properties"]
        recovery = properties.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled", False)
        assert properties.get("DeletionProtectionEnabled", False) is recovery is protected, name
    for name, pool in of(environment, "AWS::Cognito::UserPool").items():
        assert pool["Properties"]["DeletionProtection"] == ("ACTIVE" if protected else "INACTIVE"), name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_tables_and_queues_are_encrypted_at_rest(environment: str) -> None:
    assert of(environment, "AWS::DynamoDB::Table")
    for name, table in of(environment, "AWS::DynamoDB::Table").items():
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}, name
    assert of(environment, "AWS::SQS::Queue")
    for name, queue in of(environment, "AWS::SQS::Queue").items():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True, name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_queues_take_nothing_without_tls_but_from_the_emulator(environment: str) -> None:
    refused = [
        queue["Ref"]
        for policy in of(environment, "AWS::SQS::QueuePolicy").values()
        for statement in refused_without_tls(policy)
        for queue in policy["Properties"]["Queues"]
        if statement["Action"] == "sqs:*" and statement["Resource"] == {"Fn::GetAtt": [queue["Ref"], "Arn"]}
    ]

    queues = [] if environment == "local" else of(environment, "AWS::SQS::Queue")
    assert sorted(refused) == sorted(queues)


def test_a_queue_has_one_policy_since_the_last_one_put_would_count() -> None:
    queues = [
        queue["Ref"]
        for policy in of("prod", "AWS::SQS::QueuePolicy").values()
        for queue in policy["Properties"]["Queues"]
    ]

    assert len(queues) == len(set(queues))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_topics_take_nothing_without_tls_but_from_the_emulator(environment: str) -> None:
    refused = [
        topic["Ref"]
        for policy in of(environment, "AWS::SNS::TopicPolicy").values()
        for statement in refused_without_tls(policy)
        for topic in policy["Properties"]["Topics"]
        if statement["Action"] == "sns:Publish" and statement["Resource"] == topic
    ]

    topics = [] if environment == "local" else of(environment, "AWS::SNS::Topic")
    assert sorted(refused) == sorted(topics)
