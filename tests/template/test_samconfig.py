"""`sam deploy --config-env X` needs nothing more, and goes where it says."""

import tomllib
from typing import Any

import pytest

from tools.stack import samconfig
from tools.testing.deployment import Deployment
from tools.testing.template import ROOT, source

SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())
ON_AWS = ("dev", "staging", "prod")


@pytest.mark.parametrize("name", samconfig.ENVIRONMENTS)
def test_an_environment_has_its_own_stack_and_parameters_of_the_template(name: str) -> None:
    environment = samconfig.environment(name)

    assert environment.stack == f"storefront-{name}"
    assert environment.overrides["Environment"] == name
    assert environment.overrides.keys() <= source()["Parameters"].keys()


def test_a_plain_sam_deploy_goes_to_dev() -> None:
    assert SETTINGS["default"] == SETTINGS["dev"]


def test_what_is_built_runs_on_the_processor_that_it_is_deployed_to() -> None:
    built = [SETTINGS[name]["build"]["parameters"]["parameter_overrides"] for name in ("default", "dev")]
    deployed = [samconfig.environment(name).overrides["Architecture"] for name in ON_AWS]

    assert {f"Architecture={processor}" for processor in deployed} == {one for each in built for one in each}


@pytest.mark.parametrize("name", ON_AWS)
def test_sam_deploy_to_aws_needs_no_more_options(name: str) -> None:
    settings = SETTINGS[name]["deploy"]["parameters"]

    assert settings["capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert settings["resolve_s3"]
    assert settings["tags"] == ["application=storefront", f"environment={name}"]
    assert not settings["fail_on_empty_changeset"]


def test_somebody_confirms_what_goes_to_prod() -> None:
    asks = {name: SETTINGS[name]["deploy"]["parameters"]["confirm_changeset"] for name in ON_AWS}

    assert asks == {"dev": False, "staging": False, "prod": True}


@pytest.mark.parametrize("name", ["dev", "staging"])
def test_the_template_takes_the_parameters_in_an_account(name: str) -> None:
    deployed = Deployment(**{"AWS::AccountId": "123456789012"}, **samconfig.environment(name).overrides)

    assert deployed.broken_rules == []


def test_the_template_refuses_local_s_parameters_in_an_account() -> None:
    deployed = Deployment(**{"AWS::AccountId": "123456789012"}, **samconfig.environment("local").overrides)

    assert len(deployed.broken_rules) == 1


@pytest.mark.parametrize("kept", ["PaymentsProviderUrl", "PaymentsProviderSecretArn"])
def test_prod_is_not_deployed_with_anything_of_the_example_s_payment_provider(kept: str) -> None:
    example = samconfig.environment("prod").overrides
    ours = {
        "PaymentsProviderUrl": "https://pay.octo.example",
        "PaymentsProviderSecretArn": "arn:aws:secretsmanager:eu-west-1:210987654321:secret:storefront-prod-pay-AbCdEf",
    }

    assert len(Deployment(**example).broken_rules) == len(ours)
    assert len(Deployment(**{**example, **ours, kept: example[kept]}).broken_rules) == 1
    assert Deployment(**{**example, **ours}).broken_rules == []


def test_the_table_has_what_differs_and_nothing_else() -> None:
    rows = {name: values for name, _, values in samconfig.differences()}

    assert rows["Environment"] == list(samconfig.ENVIRONMENTS)
    assert rows["RetryAfterSeconds"][0] == "1"
    assert "DeniedCidrs" not in rows
