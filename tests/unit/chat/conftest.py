"""The chat for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tools.testing.aws import Aws
from tools.testing.aws_calls import heard_by
from tools.testing.chat import Chat


@pytest.fixture
def chat(aws: Aws) -> Iterator[Chat]:
    """An empty chat."""
    made = Chat(aws)
    with heard_by(made.hear):
        yield made
