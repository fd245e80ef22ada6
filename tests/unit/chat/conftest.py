from typing import Any

import pytest
from botocore.client import BaseClient

from tools.testing.aws import Aws
from tools.testing.chat import Chat


@pytest.fixture
def chat(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Chat:
    """An empty chat."""
    made = Chat(aws)

    def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        return made.watched(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return made
