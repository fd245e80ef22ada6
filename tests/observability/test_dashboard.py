"""The dashboard answers four questions, in this order."""

import json
import re
from typing import Any

import pytest

from tests.observability.deployed import STACK, deployed, name_of
from tools.testing.template import resources, source

(DASHBOARD,) = deployed("AWS::CloudWatch::Dashboard").values()
WIDGETS = json.loads(DASHBOARD["DashboardBody"])["widgets"]
GRAPHS = [widget["properties"] for widget in WIDGETS if widget["type"] == "metric"]


def expressions(graph: dict[str, Any]) -> list[str]:
    return [part["expression"] for metric in graph["metrics"] for part in metric if "expression" in part]


def test_its_questions_come_in_the_order_in_which_they_are_asked() -> None:
    asked = [widget["properties"]["markdown"] for widget in WIDGETS if widget["type"] == "text"]

    assert asked == [
        "## Are customers served?",
        "## Where is it slow?",
        "## What is piling up?",
        "## What does it cost?",
    ]


def test_its_rows_are_full() -> None:
    assert sum(widget["width"] for widget in WIDGETS) % 24 == 0
    assert sum(widget["width"] for widget in WIDGETS if widget["type"] == "metric") == 6 * len(GRAPHS)


@pytest.mark.parametrize("graph", GRAPHS, ids=[graph["title"] for graph in GRAPHS])
def test_a_graph_names_its_region_and_things_that_are_there(graph: dict[str, Any]) -> None:
    known = {name_of(name) for name in source()["Resources"]} | {STACK, "prod"}

    assert graph["region"] == "eu-west-1"
    for metric in graph["metrics"]:
        texts = [part for part in metric if isinstance(part, str)]
        assert set(texts[3::2]) <= known
    assert all("${" not in text for text in expressions(graph))


@pytest.mark.parametrize("graph", GRAPHS, ids=[graph["title"] for graph in GRAPHS])
def test_an_expression_refers_to_metrics_of_its_graph(graph: dict[str, Any]) -> None:
    ids = {part["id"] for metric in graph["metrics"] for part in metric if isinstance(part, dict) and "id" in part}

    for text in expressions(graph):
        if "SEARCH" in text:
            assert STACK in text
        else:
            assert set(re.findall(r"\b[a-z]\w*\b", text)) <= ids


def test_it_shows_each_queue_and_each_table_but_the_sandbox_s() -> None:
    body = DASHBOARD["DashboardBody"]
    tables = resources("AWS::DynamoDB::Table").keys() - {"PaymentsSandboxTable"}

    assert [name for name in (*resources("AWS::SQS::Queue"), *tables) if name_of(name) not in body] == []


def test_costs_are_counted_with_the_memory_of_each_function() -> None:
    (graph,) = [graph for graph in GRAPHS if graph["title"] == "Lambda"]
    formula = r"^\(FILL\(d1, 0\) \* (\d+) / (\d+) \+ all\) / 1000 \* (\d+) / 1024$"
    counted = re.search(formula, expressions(graph)[1])
    assert counted
    more, of, usual = (int(number) for number in counted.groups())
    memory = {name_of(name): one["MemorySize"] for name, one in deployed("AWS::Lambda::Function").items()}

    larger = [metric[3] for metric in graph["metrics"] if isinstance(metric[-1], dict) and metric[-1].get("id") == "d1"]

    assert of == usual
    assert {name: size for name, size in memory.items() if size != usual} == dict.fromkeys(larger, usual + more)
