"""The trail that nobody deletes, the rules that the shop keeps, and the analyzer of governance.yaml."""

import re
from typing import Any

import pytest

from tests.support import bootstrap
from tests.support.as_deployed import Stack, as_deployed, governance_stack, referred
from tests.support.bootstrap import ACCOUNT, REGION, listed
from tests.support.physical import Physical
from tools.testing.template import Json

WHOLE = governance_stack()
PHYSICAL = Physical(WHOLE)
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/storefront-governance-trail"
BUCKET = f"arn:aws:s3:::storefront-governance-trail-{ACCOUNT}-{REGION}"
RECORDS = f"arn:aws:s3:::storefront-governance-config-{ACCOUNT}-{REGION}"
OVER_TLS = {"aws_SecureTransport": "true"}
# "List of AWS Config Managed Rules", AWS Config Developer Guide: the type of resource that each is about, and the
# parameters that it takes. The one about the account needs no record.
MANAGED = {
    "API_GW_ENDPOINT_TYPE_CHECK": ("AWS::ApiGateway::RestApi", {"endpointConfigurationTypes"}),
    "DYNAMODB_TABLE_ENCRYPTED_KMS": ("AWS::DynamoDB::Table", set()),
    "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED": ("AWS::Lambda::Function", set()),
    "LAMBDA_FUNCTION_SETTINGS_CHECK": ("AWS::Lambda::Function", {"runtime"}),
    "S3_ACCOUNT_LEVEL_PUBLIC_ACCESS_BLOCKS_PERIODIC": (None, set()),
    "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED": ("AWS::S3::Bucket", set()),
    "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED": ("AWS::S3::Bucket", set()),
}


def of(kind: str, stack: Stack = WHOLE) -> dict[str, Json]:
    return {name: one["Properties"] for name, one in stack.resources.items() if one["Type"] == kind}


def rules() -> dict[str, Json]:
    return of("AWS::Config::ConfigRule")


def statements(policy: str) -> list[Json]:
    found: list[Json] = PHYSICAL.rendered(WHOLE.resources[policy]["Properties"]["PolicyDocument"]["Statement"])
    return found


def decision(policy: str, principal: Any, action: str, resource: str, **context: str) -> str:
    """Return what a bucket's policy says: `deny`, `allow`, or `neither`."""
    about = [one for one in statements(policy) if one["Principal"] in ("*", principal)]
    for effect in ("Deny", "Allow"):
        chosen = [one for one in about if one["Effect"] == effect]
        if bootstrap.allows(chosen, action, resource, context):
            return effect.lower()
    return "neither"


def test_the_trail_has_the_calls_of_all_regions_and_shows_changed_files() -> None:
    (trail,) = of("AWS::CloudTrail::Trail").values()

    assert trail["IsLogging"]
    assert trail["IsMultiRegionTrail"]
    assert trail["IncludeGlobalServiceEvents"]
    assert trail["EnableLogFileValidation"]
    # Without selectors a trail has all management events, and none of the data events, which are billed.
    assert "EventSelectors" not in trail
    # The bucket must let it write before it is made.
    assert "TrailBucketPolicy" in referred(WHOLE.resources["Trail"])


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_the_trail_s_bucket_is_locked_versioned_encrypted_and_private(mode: str) -> None:
    resource = governance_stack(LockMode=mode, RetentionDays="90").resources["TrailBucket"]
    bucket = resource["Properties"]

    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert bucket["ObjectLockEnabled"]
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"] == {"Mode": mode, "Days": "90"}
    assert_is_kept_and_private(bucket)
    # A version that expires earlier than its lock stays until that is over.
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == "90"


def assert_is_kept_and_private(bucket: Json) -> None:
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert {*bucket["PublicAccessBlockConfiguration"].values()} == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize(
    "action", ["DeleteObject", "DeleteObjectVersion", "BypassGovernanceRetention", "PutObjectRetention"]
)
def test_nobody_deletes_records_of_calls_or_takes_their_lock_off(action: str) -> None:
    record = f"{BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/28/one.json.gz"

    assert decision("TrailBucketPolicy", {"AWS": "anybody"}, f"s3:{action}", record, **OVER_TLS) == "deny"


@pytest.mark.parametrize(("policy", "bucket"), [("TrailBucketPolicy", BUCKET), ("RecordsBucketPolicy", RECORDS)])
def test_nobody_reads_or_writes_without_tls(policy: str, bucket: str) -> None:
    for action, resource in (("s3:GetObject", f"{bucket}/one"), ("s3:ListBucket", bucket)):
        assert decision(policy, {"AWS": "anybody"}, action, resource, aws_SecureTransport="false") == "deny"
        assert decision(policy, {"AWS": "anybody"}, action, resource, **OVER_TLS) == "neither"


def test_cloudtrail_writes_for_this_trail_in_this_account_s_folder() -> None:
    cloudtrail = {"Service": "cloudtrail.amazonaws.com"}
    folder, another = f"{BUCKET}/AWSLogs/{ACCOUNT}/one", f"{BUCKET}/AWSLogs/210987654321/one"
    ours = OVER_TLS | {"aws_SourceArn": TRAIL, "s3_x-amz-acl": "bucket-owner-full-control"}

    assert decision("TrailBucketPolicy", cloudtrail, "s3:GetBucketAcl", BUCKET, **ours) == "allow"
    assert decision("TrailBucketPolicy", cloudtrail, "s3:PutObject", folder, **ours) == "allow"
    assert decision("TrailBucketPolicy", cloudtrail, "s3:PutObject", another, **ours) == "neither"
    foreign = ours | {"aws_SourceArn": TRAIL.replace(ACCOUNT, "210987654321")}
    assert decision("TrailBucketPolicy", cloudtrail, "s3:PutObject", folder, **foreign) == "neither"
    assert decision("TrailBucketPolicy", {"Service": "s3.amazonaws.com"}, "s3:PutObject", folder, **ours) == "neither"


def test_config_delivers_to_a_bucket_without_a_lock_which_it_may_write() -> None:
    (channel,) = of("AWS::Config::DeliveryChannel").values()
    bucket = WHOLE.resources[channel["S3BucketName"]["Ref"]]["Properties"]
    (policy,) = WHOLE.resources["RecorderRole"]["Properties"]["Policies"]
    granted = PHYSICAL.rendered(policy["PolicyDocument"]["Statement"])
    acl = {"s3_x-amz-acl": "bucket-owner-full-control"}

    # "Managing the Delivery Channel", AWS Config Developer Guide
    assert "ObjectLockEnabled" not in bucket
    assert_is_kept_and_private(bucket)
    assert bootstrap.allows(granted, "s3:PutObject", f"{RECORDS}/AWSLogs/{ACCOUNT}/Config/one", acl)
    assert bootstrap.allows(granted, "s3:GetBucketAcl", RECORDS, {})
    assert not bootstrap.allows(granted, "s3:PutObject", f"{BUCKET}/AWSLogs/{ACCOUNT}/one", acl)


def test_a_managed_rule_is_one_of_aws_s_with_parameters_that_it_takes() -> None:
    given = {
        one["Source"]["SourceIdentifier"]: {*one.get("InputParameters", {})}
        for one in rules().values()
        if one["Source"]["Owner"] == "AWS"
    }

    assert given == {name: parameters for name, (_, parameters) in MANAGED.items()}


def test_the_recorder_records_what_the_rules_are_about_and_no_more() -> None:
    (recorder,) = of("AWS::Config::ConfigurationRecorder").values()

    group = recorder["RecordingGroup"]
    assert not group["AllSupported"]
    assert not group["IncludeGlobalResourceTypes"]
    assert sorted(group["ResourceTypes"]) == sorted({kind for kind, _ in MANAGED.values() if kind})


@pytest.mark.parametrize("rule", rules())
def test_a_rule_waits_for_the_recorder(rule: str) -> None:
    assert "Recorder" in referred(WHOLE.resources[rule])


def limits(**parameters: str) -> dict[str, int]:
    """Return the largest value of each setting that the rule in Guard's language lets a function have."""
    (source,) = (
        one["Source"]
        for one in of("AWS::Config::ConfigRule", governance_stack(**parameters)).values()
        if one["Source"]["Owner"] == "CUSTOM_POLICY"
    )
    text = source["CustomPolicyDetails"]["PolicyText"]
    assert re.search(r'^rule limits when resourceType == "AWS::Lambda::Function" \{$', text, re.MULTILINE)
    return {name: int(most) for name, most in re.findall(r"^ +configuration\.(\w+) <= (\d+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_the_shop_keeps_the_rules(environment: str) -> None:
    shop = as_deployed(environment)

    functions = list(of("AWS::Lambda::Function", shop).values())
    runtimes = listed(rules()["FunctionRuntimes"]["InputParameters"]["runtime"].split(","))
    types = rules()["ApiEndpoints"]["InputParameters"]["endpointConfigurationTypes"].split(",")
    assert {one["Runtime"] for one in functions} <= {*runtimes}
    # No more than the shop needs: a function that asks for more is found.
    assert limits() == {
        "timeout": max(one["Timeout"] for one in functions),
        "memorySize": max(one["MemorySize"] for one in functions),
    }
    assert {*shop.resources["RestApi"]["Properties"]["EndpointConfiguration"]["Types"]} <= {*types}
    assert all(one["SSESpecification"] == {"SSEEnabled": True} for one in of("AWS::DynamoDB::Table", shop).values())


def test_the_limits_are_parameters() -> None:
    assert limits(MostSeconds="900", MostMegabytes="10240") == {"timeout": 900, "memorySize": 10240}


def test_the_analyzer_finds_access_from_outside_of_the_account_and_is_none_that_is_billed() -> None:
    (analyzer,) = of("AWS::AccessAnalyzer::Analyzer").values()

    assert analyzer["Type"] == "ACCOUNT"


def test_where_config_records_already_there_are_the_trail_and_the_analyzer() -> None:
    kinds = {one["Type"] for one in governance_stack(RecordConfiguration="false").resources.values()}

    assert kinds == {
        "AWS::AccessAnalyzer::Analyzer",
        "AWS::CloudTrail::Trail",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
    }
