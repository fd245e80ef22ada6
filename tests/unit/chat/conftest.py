"""The chat for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.unit.chat.rows import ADA, NOW
from tools.testing.aws import Aws
from tools.testing.aws_calls import heard_by
from tools.testing.chat import Chat


@pytest.fixture
def chat(aws: Aws) -> Iterator[Chat]:
    """An empty chat."""
    made = Chat(aws)
    with heard_by(made.hear):
        yield made


@pytest.fixture
def member(chat: Chat) -> Chat:
    """A chat with one connection, which is in one room."""
    chat.connections.open(ADA)
    chat.rooms.join(ADA, "support", NOW)
    return chat
