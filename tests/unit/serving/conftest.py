"""One instance without a network, which has had its first look at Redis."""

import asyncio

import pytest

from serving import stored_lists
from tests.unit.serving.instance_in_memory import Service, stored_list


@pytest.fixture
def service():
    service = Service()
    service.redis.values[stored_lists.POPULAR] = stored_list(["p1", "p2", "p3"], model_version=None)
    asyncio.run(service.cache.refresh())
    return service
