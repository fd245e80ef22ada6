"""The resources of each environment."""

import re

import pytest

from tools.testing.deployment import Deployment
from tools.testing.template import source, walk

PROVIDER = {
    "PaymentsProviderUrl": "https://payments.example",
    "PaymentsProviderSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments-AbCdEf",
}
ENVIRONMENTS = source()["Parameters"]["Environment"]["AllowedValues"]
SANDBOX = {name for name in source()["Resources"] if "Sandbox" in name}


def deployment(environment: str) -> Deployment:
    return Deployment(Environment=environment, **(PROVIDER if environment == "prod" else {}))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_sandbox_is_everywhere_but_in_prod(environment: str) -> None:
    names = deployment(environment).resources.keys()

    if environment == "prod":
        assert not [name for name in names if "Sandbox" in name]
    else:
        assert names >= SANDBOX


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_refers_to_what_the_environment_does_not_have(environment: str) -> None:
    deployed = deployment(environment)
    known = deployed.resources.keys() | deployed.parameters.keys()

    for path, node in walk({**deployed.resources, "Outputs": deployed.outputs}):
        for name in _referred(node):
            assert name in known or name.startswith("AWS::"), f"{'/'.join(path)} refers to {name}"


def test_functions_in_prod_use_the_provider_that_was_configured() -> None:
    resources = deployment("prod").resources

    assert resources["PaymentsUrlParameter"]["Properties"]["Value"] == PROVIDER["PaymentsProviderUrl"]
    for function in ("ProcessOrdersFunction", "ReconcileOrdersFunction"):
        variables = resources[function]["Properties"]["Environment"]["Variables"]
        assert variables["PAYMENTS_SECRET_ARN"] == PROVIDER["PaymentsProviderSecretArn"]


@pytest.mark.parametrize("missing", PROVIDER)
def test_prod_is_refused_without_a_payment_provider(missing: str) -> None:
    configured = {name: value for name, value in PROVIDER.items() if name != missing}

    broken = Deployment(Environment="prod", **configured).broken_rules

    assert broken == [f"prod needs {missing}"]


def test_local_is_refused_outside_of_the_emulator() -> None:
    broken = Deployment(Environment="local", **{"AWS::AccountId": "123456789012"}).broken_rules

    assert broken == ["local is for the emulator on this machine (make up); to an AWS account deploy dev"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_with_what_it_needs_is_not_refused(environment: str) -> None:
    assert deployment(environment).broken_rules == []


def _referred(node: object) -> list[str]:
    """Return the resources and parameters that an intrinsic function names."""
    match node:
        case {"Ref": str(name)}:
            return [name]
        case {"Fn::GetAtt": [name, *_]}:
            return [name]
        case {"Fn::Sub": str(text)}:
            return [name.partition(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)]
    return []
