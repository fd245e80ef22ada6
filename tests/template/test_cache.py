"""The stage's cache: only the open catalogue, by everything that changes an answer, for a minute."""

import re
from typing import Any

import pytest

from tools.testing.deployment import Deployment
from tools.testing.template import openapi, source

CACHED = {"/products": "GET", "/products/{sku}": "GET"}


def stage(size: str) -> Any:
    made = Deployment(Environment="dev", CatalogueCacheSize=size).resources
    (found,) = [one["Properties"] for one in made.values() if one["Type"] == "AWS::ApiGateway::Stage"]
    return found


def cached(size: str) -> dict[str, str]:
    """Return the methods of the routes that are cached, by their paths."""
    return {
        one["ResourcePath"].replace("/~1", "/").replace("~1", "/"): one["HttpMethod"]
        for one in stage(size)["MethodSettings"]
        if one.get("CachingEnabled")
    }


def test_by_default_nothing_is_cached_and_no_cache_is_paid_for() -> None:
    assert source()["Parameters"]["CatalogueCacheSize"]["Default"] == "0"
    assert stage("0")["CacheClusterEnabled"] is False
    assert stage("0")["CacheClusterSize"] == {"Ref": "AWS::NoValue"}
    assert cached("0") == {}


def test_a_cache_is_for_the_catalogue_encrypted_and_for_a_minute() -> None:
    assert (stage("0.5")["CacheClusterEnabled"], stage("0.5")["CacheClusterSize"]) == (True, "0.5")
    assert cached("0.5") == CACHED
    of_cached = [one for one in stage("0.5")["MethodSettings"] if one.get("CachingEnabled")]
    assert [(one["CacheTtlInSeconds"], one["CacheDataEncrypted"]) for one in of_cached] == [(60, True)] * len(CACHED)


@pytest.mark.parametrize("path", CACHED)
def test_every_parameter_is_a_key_and_nobody_is_asked_who_they_are(path: str) -> None:
    item = openapi()["paths"][path]
    operation = item["get"]
    parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
    places = {"query": "querystring", "path": "path"}

    keys = operation["x-amazon-apigateway-integration"]["cacheKeyParameters"]

    assert set(keys) == {f"method.request.{places[one['in']]}.{one['name']}" for one in parameters}
    # An answer that depends on its caller must not be kept for another.
    assert operation["security"] == []


def test_no_other_route_has_keys() -> None:
    text = str({path: item for path, item in openapi()["paths"].items() if path not in CACHED})

    assert not re.search("cacheKeyParameters", text)
