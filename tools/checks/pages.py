"""Writes the tables of the documentation that are made from code: ``storefront docs``; a test compares them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from string import Template
from typing import Any

from samcli.yamlhelper import yaml_parse

from payments.behaviour import APPROVES, BEHAVIOURS
from storefront.chat.connection import (
    CONNECTION_TIME,
    MAX_CONNECTIONS,
    MAX_FRAME_BYTES,
    MAX_FRAMES,
    MAX_POSTS_AT_ONCE,
    MAX_ROOMS,
    WINDOW_SECONDS,
)
from storefront.chat.request import JoinRoom, LeaveRoom, Ping, Request, SendMessage, ShowHistory
from storefront.orders.status import ON_PAYMENT_EVENT, ON_REDELIVERY, TRANSITIONS
from tools.demo import verified
from tools.demo.journeys import JOURNEYS, Journey
from tools.lessons import index
from tools.lessons.page import lessons
from tools.markdown import table
from tools.rehearsal import comparison
from tools.rehearsal.simulation import Assumptions
from tools.sam_local import mounted_routes
from tools.stack import differences, samconfig
from tools.stack.stack import ROOT
from tools.testing.calls import recorded
from tools.testing.grants import BY_AWS, Grant, grants

_BLOCK = re.compile(r"(<!-- made from code: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_PICTURED_ERROR_RATE = 0.01


def main() -> None:
    """Write every table anew."""
    for page in pages():
        path = ROOT / page
        path.write_text(rendered(path.read_text()))


def pages() -> list[str]:
    """Return the pages that may hold tables, as paths from the root."""
    return [
        "README.md",
        "lessons/README.md",
        *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md")),
    ]


def rendered(text: str) -> str:
    """Return a page with its tables made anew."""
    return _BLOCK.sub(lambda block: block[1] + TABLES[block["name"]]() + block[3], text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without blanks around its bars: the narrowest that there is."""
    return re.sub(r"(?m)^\| | \| | \|$", "|", table(head, rows))


def _status(status: str | None) -> str:
    return f"`{status}`" if status else "nothing"


def _state_diagram() -> str:
    arrows = "".join(f"    {row.source or '[*]'} --> {row.target}\n" for row in TRANSITIONS)
    return (
        f"```mermaid\nstateDiagram-v2\n{arrows}    CONFIRMED --> [*]\n    REJECTED --> [*]\n    REFUNDED --> [*]\n```\n"
    )


def _sandbox() -> str:
    rows = [(f"`…{cents:02}`", f"`{row.sku}`", row.charge, row.outcome) for cents, row in BEHAVIOURS.items()]
    rows.append(("any other", "all others", APPROVES.charge, APPROVES.outcome))
    return _table(("amount ends in", "product", "the sandbox", "the order"), rows)


def _chat_frame(model: type[Request]) -> tuple[str, ...]:
    schema = model.model_json_schema()
    members = [
        f"`{name}`{_bounds(rules)}{'' if name in schema['required'] else ', optional'}"
        for name, rules in schema["properties"].items()
        if name not in ("action", "requestId")
    ]
    return f"`{schema['properties']['action']['const']}`", "; ".join(members), str(model.__doc__)


def _bounds(rules: Mapping[str, Any]) -> str:
    for unit, least, most in ((" characters", "minLength", "maxLength"), ("", "minimum", "maximum")):
        if most in rules:
            return f" ({rules[least]} to {rules[most]:,}{unit})"
    return ""


def _chat_limits() -> str:
    minutes = int(CONNECTION_TIME.total_seconds() // 60)
    rows = (
        ("connections of a user", f"{MAX_CONNECTIONS}"),
        ("rooms of a connection", f"{MAX_ROOMS}"),
        ("frames of a user", f"{MAX_FRAMES} in {WINDOW_SECONDS} seconds"),
        ("a frame", f"{MAX_FRAME_BYTES:,} bytes"),
        ("a connection's rows", f"{minutes // 60} h {minutes % 60} min"),
        ("posts of a broadcast at the same time", f"{MAX_POSTS_AT_ONCE}"),
    )
    return _table(("ours", "limit"), rows)


def _alarms() -> Iterator[tuple[str, ...]]:
    """The alarms as the templates have them: a loop is one row, unless each of its alarms says something else."""
    for file in ("template.yaml", "operations.yaml"):
        template = yaml_parse((ROOT / file).read_text())
        for name, resource in template["Resources"].items():
            if name.startswith("Fn::ForEach::"):
                variable, names, looped = resource
                looped_alarms = _looped_descriptions(variable, names, looped, template["Mappings"])
                yield from (_alarm(key, text) for key, text in looped_alarms)
            elif name.endswith("Alarm"):
                yield _alarm(name, resource["Properties"]["AlarmDescription"])


def _looped_descriptions(
    variable: str, names: list[str], looped: dict[str, Any], mappings: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    for key, resource in looped.items():
        if not key.endswith("Alarm"):
            continue
        match resource["Properties"]["AlarmDescription"]:
            case {"Fn::Sub": [text, values]}:
                for name in names:
                    filled = {word: mappings[where["Fn::FindInMap"][0]][name][word] for word, where in values.items()}
                    yield key.replace(f"${{{variable}}}", name), Template(text).substitute(filled)
            case {"Fn::Sub": text} | text:
                yield key.replace(f"${{{variable}}}", f"<{variable}>"), text


def _alarm(name: str, text: str) -> tuple[str, ...]:
    what, _, anchor = text.partition("; docs/operations.md#")
    what = re.sub(r"\$\{(\w+)\}", r"`<\1>`", what)
    return f"`{name}`", f"[{what}](#{anchor})"


def _environments() -> Iterator[tuple[str, ...]]:
    yield "stack", *(f"`{samconfig.environment(name).stack}`" for name in samconfig.ENVIRONMENTS), ""
    for name, description, values in samconfig.differences():
        yield f"`{name}`", *(f"`{value}`" if value else "none" for value in values), description


def _verified(journey: Journey) -> tuple[str, ...]:
    seen = verified.load().get(journey.name, {})
    return journey.name, _seen(seen.get("local")), _seen(seen.get("aws"))


def _seen(how: Mapping[str, str] | None) -> str:
    return f"{how['date']} `{how['commit']}`" if how else "not yet"


def _permissions() -> Iterator[tuple[str, ...]]:
    """One row for each function: its resources, each with its actions."""
    allowed = [grant for grant in grants() if not grant.action.startswith("logs:")]
    for function, of_function in groupby(allowed, attrgetter("function")):
        by_resource: dict[str, list[str]] = {}
        for grant in of_function:
            where = " ".join((grant.resource, *grant.leading_keys))
            by_resource.setdefault(where, []).append(f"{grant.action}{_seen_in(grant)}")
        cells = (f"`{where}`: {', '.join(actions)}" for where, actions in by_resource.items())
        yield function.removesuffix("Function"), "<br>".join(cells)


def _seen_in(grant: Grant) -> str:
    """Mark the actions of the event source mapping, and those that no test has been seen to need."""
    if grant.action in BY_AWS:
        return r"\*"
    return "" if any(grant.allows(call) for call in recorded()) else " (not seen)"


def _lessons() -> Iterator[tuple[str, ...]]:
    for each in lessons():
        yield str(each.number), f"[{each.title}]({each.directory.name}/README.md)", str(each.minutes)


# By the name in a page's comment. A function's log, which each may write, is in the text of the permissions.
TABLES: dict[str, Callable[[], str]] = {
    "alarms": lambda: _table(("alarm", "fires when"), _alarms()),
    "order states": lambda: _table(
        ("from", "to", "made by", "condition", "writes"),
        ((_status(row.source), _status(row.target), row.made_by, row.condition, row.writes) for row in TRANSITIONS),
    ),
    "order state diagram": _state_diagram,
    "redelivery": lambda: _table(
        ("a message comes, and the order is", "it does"),
        ((_status(status), effect) for status, effect in ON_REDELIVERY.items()),
    ),
    "payment events": lambda: _table(
        ("an event comes, and the order is", "it does"),
        ((_status(status), effect) for status, effect in ON_PAYMENT_EVENT.items()),
    ),
    "sandbox": _sandbox,
    "chat frames": lambda: _table(
        ("action", "members beside `requestId`", "purpose"),
        (_chat_frame(model) for model in (JoinRoom, LeaveRoom, SendMessage, ShowHistory, Ping)),
    ),
    "chat limits": _chat_limits,
    "local differences": lambda: _table(
        ("asked for", "on the local stack", "because"),
        ((row.asked, row.locally, row.why) for row in differences.DIFFERENCES),
    ),
    "lessons": lambda: _table(("", "lesson", "minutes"), _lessons()),
    "concepts": lambda: _table(("notes", "concept", "lesson and step"), index.rows()),
    "release comparison": lambda: _table(*comparison.as_short_table(Assumptions())),
    "release picture": lambda: comparison.as_picture(_PICTURED_ERROR_RATE, Assumptions()),
    "environments": lambda: _table(("parameter", *samconfig.ENVIRONMENTS, "meaning"), _environments()),
    "verified": lambda: _table(("journey", "seen here", "seen on AWS"), map(_verified, JOURNEYS)),
    "permissions": lambda: _table(("function", "may"), _permissions()),
    "sam local routes": lambda: _table(
        ("route", "function", "under `sam local start-api`"),
        (
            (f"`{route.method} {route.path}`", f"`{route.function}`" if route.function else "none", route.guard)
            for route in mounted_routes.routes()
        ),
    ),
}
