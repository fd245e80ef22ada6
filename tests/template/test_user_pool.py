"""The attributes of their own accounts that customers may change."""

from tools.testing.template import resources


def test_a_new_address_counts_once_it_is_confirmed() -> None:
    (pool,) = resources("AWS::Cognito::UserPool").values()

    settings = pool["UserAttributeUpdateSettings"]

    assert settings == {"AttributesRequireVerificationBeforeUpdate": ["email"]}
    # Cognito sends the code that confirms it for these only.
    assert pool["AutoVerifiedAttributes"] == ["email"]


def test_an_access_token_changes_listed_attributes_only() -> None:
    # Without a list, every client may write all standard attributes.
    clients = resources("AWS::Cognito::UserPoolClient")

    assert {name: set(client["WriteAttributes"]) for name, client in clients.items()} == {
        "UserPoolClient": {"email", "name"}
    }
