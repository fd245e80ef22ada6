import pytest

from tests.support.aws import Aws
from tests.unit.orders.shop import Shop


@pytest.fixture
def shop(aws: Aws, payments_sandbox: str) -> Shop:
    return Shop(aws, payments_sandbox)
