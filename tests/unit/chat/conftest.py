import pytest
from botocore.client import BaseClient

from tests.support.aws import Aws
from tests.support.chat import Chat


@pytest.fixture
def chat(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Chat:
    """An empty chat."""
    made = Chat(aws)
    monkeypatch.setattr(
        BaseClient, "_make_api_call", lambda client, operation, parameters: made.watched(client, operation, parameters)
    )
    return made
