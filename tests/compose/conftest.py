"""The secrets of the compose file, made by its own script, and the Redis that is started with them."""

import pytest

from tests.compose.preparation import prepare
from tests.compose.redis_server import composed_redis


@pytest.fixture(scope="session")
def volumes(tmp_path_factory):
    """The folder of all volumes, after `prepare` has run."""
    folder = tmp_path_factory.mktemp("compose") / "volumes"
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def redis_of_compose(volumes, tmp_path_factory):
    """It answers, and wants the password that is in the volume."""
    with composed_redis(volumes / "redis", tmp_path_factory.mktemp("redis")) as server:
        yield server
