"""The user pool: the only place that asks Cognito."""

from typing import TYPE_CHECKING

from storefront.accounts.access_token import AccessToken

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

# More groups than the pool has
_MOST_GROUPS = 60


class UserPool:
    """Knows the users of one client of a pool, and the groups that they are in now.

    Parameters
    ----------
    cognito
        A Cognito client.
    pool_id, client_id
        The pool, and the client whose tokens count.
    """

    def __init__(self, cognito: "CognitoIdentityProviderClient", pool_id: str, client_id: str) -> None:
        self._cognito = cognito
        self._pool_id = pool_id
        self._client_id = client_id

    def has_issued(self, token: AccessToken) -> bool:
        """Tell whether a token is this pool's, for this client, and neither altered, nor expired, nor revoked.

        Cognito checks the tokens of *every* pool of the region, so the pool in it is compared. Cognito signed
        a token that it has checked, so the pool in it is true.
        """
        if (token.pool_id, token.client_id) != (self._pool_id, self._client_id):
            return False
        try:
            self._cognito.get_user(AccessToken=token.text)
        except (self._cognito.exceptions.NotAuthorizedException, self._cognito.exceptions.UserNotFoundException):
            return False
        return True

    def groups_of(self, user_name: str) -> frozenset[str]:
        """Return the groups that a user is in, whatever their token says."""
        answer = self._cognito.admin_list_groups_for_user(
            UserPoolId=self._pool_id, Username=user_name, Limit=_MOST_GROUPS
        )
        return frozenset(group["GroupName"] for group in answer["Groups"])
