"""People's accounts: sign-up, sign-in and refresh, on the local stack and on AWS alike."""

from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from tools.console import Problem
from tools.stack.stack import Stack


@dataclass(frozen=True)
class Accounts:
    """The accounts of one user pool client; all that Cognito refuses is a `Problem`."""

    cognito: Any
    client_id: str

    @classmethod
    def of(cls, stack: Stack) -> Self:
        """Return the accounts of a stack."""
        return cls(stack.client("cognito-idp"), stack.outputs["UserPoolClientId"])

    def sign_up(self, email: str, password: str) -> None:
        """Ask for an account; it can be used once the address is confirmed."""
        attributes = [{"Name": "email", "Value": email}]
        self._ask("sign_up", Username=email, Password=password, UserAttributes=attributes)

    def confirm(self, email: str, code: str) -> None:
        """Confirm the address with the code that was sent there."""
        self._ask("confirm_sign_up", Username=email, ConfirmationCode=code)

    def sign_in(self, email: str, password: str) -> Any:
        """Return the tokens for a password. Not in prod, whose client takes SRP only."""
        return self._tokens("USER_PASSWORD_AUTH", USERNAME=email, PASSWORD=password)

    def refresh(self, refresh_token: str) -> Any:
        """Return new id and access tokens for a refresh token."""
        return self._tokens("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=refresh_token)

    def _tokens(self, flow: str, **parameters: str) -> Any:
        return self._ask("initiate_auth", AuthFlow=flow, AuthParameters=parameters)["AuthenticationResult"]

    def _ask(self, operation: str, **parameters: Any) -> Any:
        try:
            return getattr(self.cognito, operation)(ClientId=self.client_id, **parameters)
        except ClientError as error:
            raise Problem(f"Cognito refuses: {error.response['Error'].get('Message', error)}") from None


def confirm_locally(stack: Stack, email: str) -> None:
    """Confirm an account without a code, and put it into the group of customers: nobody reads local e-mail."""
    cognito, account = stack.client("cognito-idp"), {"UserPoolId": stack.outputs["UserPoolId"], "Username": email}
    cognito.admin_confirm_sign_up(**account)
    cognito.admin_add_user_to_group(**account, GroupName="customers")
