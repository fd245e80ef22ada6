"""Writes the tables of the documentation that are made from code: ``make docs``; a test compares them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any

from samcli.yamlhelper import yaml_parse

from payments.behaviour import APPROVES, BEHAVIOURS
from storefront.chat.connection import (
    CONNECTION_TIME,
    MAX_FRAME_BYTES,
    MAX_FRAMES,
    MAX_POSTS_AT_ONCE,
    MAX_ROOMS,
    WINDOW_SECONDS,
)
from storefront.chat.request import JoinRoom, LeaveRoom, Ping, Request, SendMessage, ShowHistory
from storefront.orders.order import ON_PAYMENT_EVENT, ON_REDELIVERY, TRANSITIONS
from tests.defences import DEFENCES
from tools.demo import verified
from tools.demo.tour import JOURNEYS, Need
from tools.rehearsal import comparison
from tools.rehearsal.comparison import Assumptions
from tools.rehearsal.schedule import schedule_of
from tools.sam_local import mounted_routes
from tools.stack import differences, samconfig
from tools.stack.stack import ROOT
from tools.testing.calls import recorded
from tools.testing.grants import BY_LAMBDA, Grant, grants

_BLOCK = re.compile(r"(<!-- made from code: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_PICTURED_ERROR_RATE = 0.01


def main() -> None:
    """Write every table anew."""
    for page in pages():
        path = ROOT / page
        path.write_text(rendered(path.read_text()))


def pages() -> list[str]:
    """Return the pages that may hold tables, as paths from the root."""
    return ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("**/*.md"))]


def rendered(text: str) -> str:
    """Return a page with its tables made anew."""
    return _BLOCK.sub(lambda block: block[1] + TABLES[block["name"]]() + block[3], text)


def _order_states() -> str:
    return _table(
        ("from", "to", "made by", "condition", "writes"),
        ((_status(row.source), _status(row.target), row.made_by, row.condition, row.writes) for row in TRANSITIONS),
    )


def _redelivery() -> str:
    return _table(
        ("a message comes, and the order is", "it does"),
        ((_status(status), effect) for status, effect in ON_REDELIVERY.items()),
    )


def _payment_events() -> str:
    return _table(
        ("an event comes, and the order is", "it does"),
        ((_status(status), effect) for status, effect in ON_PAYMENT_EVENT.items()),
    )


def _state_diagram() -> str:
    arrows = "".join(f"    {row.source or '[*]'} --> {row.target}\n" for row in TRANSITIONS)
    return f"```mermaid\nstateDiagram-v2\n{arrows}    CONFIRMED --> [*]\n    REJECTED --> [*]\n```\n"


def _sandbox() -> str:
    rows = [(f"`…{cents:02}`", f"`{row.sku}`", row.charge, row.outcome) for cents, row in BEHAVIOURS.items()]
    rows.append(("any other", "all others", APPROVES.charge, APPROVES.outcome))
    return _table(("amount ends in", "product", "the sandbox", "the order"), rows)


def _chat_frames() -> str:
    models = (JoinRoom, LeaveRoom, SendMessage, ShowHistory, Ping)
    return _table(("action", "members beside `requestId`", "what for"), (_chat_frame(model) for model in models))


def _chat_frame(model: type[Request]) -> tuple[str, ...]:
    schema = model.model_json_schema()
    required = set(schema["required"])
    members = [
        f"`{name}`{_bounds(rules)}{'' if name in required else ', optional'}"
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
    return _table(
        ("ours", "limit"),
        (
            ("rooms that a connection is in", f"{MAX_ROOMS}"),
            ("frames of a connection", f"{MAX_FRAMES} in {WINDOW_SECONDS} seconds"),
            ("a frame", f"{MAX_FRAME_BYTES:,} bytes"),
            ("a connection's rows", _hours(CONNECTION_TIME)),
            ("posts of a broadcast at the same time", f"{MAX_POSTS_AT_ONCE}"),
        ),
    )


def _hours(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min"


def _differences() -> str:
    return _table(("asked for", "on the local stack"), ((row.asked, row.locally) for row in differences.DIFFERENCES))


def _defences() -> str:
    return _table(
        ("check", "where", "attack", "mutation"),
        (
            (
                defence.check,
                f"`{defence.module.removeprefix('storefront.')}`",
                defence.attack.__name__.replace("_", " "),
                f"`{defence.code}` becomes {f'`{defence.mutation}`' if defence.mutation else 'nothing'}",
            )
            for defence in DEFENCES
        ),
    )


def _release_minutes() -> str:
    shifts = schedule_of("Linear10PercentEvery1Minute")
    return _table(
        ("minute", "the old version serves", "the new version serves"),
        ((str(shift.minute), f"{1 - shift.share:.0%}", f"{shift.share:.0%}") for shift in shifts),
    )


def _release_assumptions() -> str:
    return _table(
        ("input", "what it is", "here"),
        (
            (f"`--{each.name.replace('_', '-')}`", each.metadata["help"], str(each.default).strip("()"))
            for each in fields(Assumptions)
        ),
    )


def _release_comparison() -> str:
    return _table(*comparison.as_short_table(Assumptions()))


def _release_picture() -> str:
    return comparison.as_picture(_PICTURED_ERROR_RATE, Assumptions())


def _alarms() -> str:
    """The alarms as the template has them: a loop is one row."""
    return _table(("alarm", "fires when", "entry"), (_alarm(name, resource) for name, resource in _alarm_resources()))


def _alarm_resources() -> Iterator[tuple[str, dict[str, Any]]]:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    for name, resource in template["Resources"].items():
        if name.startswith("Fn::ForEach::"):
            variable, _, looped = resource
            shown = {key.replace(f"${{{variable}}}", f"<{variable}>"): each for key, each in looped.items()}
            yield from ((key, each) for key, each in shown.items() if key.endswith("Alarm"))
        elif name.endswith("Alarm"):
            yield name, resource


def _alarm(name: str, resource: dict[str, Any]) -> tuple[str, ...]:
    what, _, anchor = str(resource["Properties"]["AlarmDescription"]).partition("; docs/operations.md#")
    what = re.sub(r"\$\{(\w+)\}", r"`<\1>`", what)
    return f"`{name}`", what, f"[{anchor.replace('-', ' ')}](#{anchor})"


def _environments() -> str:
    rows: list[tuple[str, ...]] = [
        ("stack", *(f"`{samconfig.environment(name).stack}`" for name in samconfig.ENVIRONMENTS), "")
    ]
    for name, description, values in samconfig.differences():
        rows.append((f"`{name}`", *(f"`{value}`" if value else "none" for value in values), description))
    return _table(("parameter", *samconfig.ENVIRONMENTS, "what it is"), rows)


def _verified() -> str:
    record = verified.load()
    rows = [
        (
            journey.name,
            ", ".join(need.value for need in Need if need in journey.needs),
            *(_seen(record.get(journey.name, {}).get(place)) for place in ("local", "aws")),
        )
        for journey in JOURNEYS
    ]
    return _table(("journey", "needs", "seen on this machine", "seen on AWS"), rows)


def _seen(how: Mapping[str, str] | None) -> str:
    return f"{how['date']}, {how['environment']}, commit `{how['commit']}`" if how else "not yet"


def _sam_local_routes() -> str:
    return _table(
        ("route", "function", "under `sam local start-api`"),
        (
            (f"`{route.method} {route.path}`", f"`{route.function}`" if route.function else "none", route.guard)
            for route in mounted_routes.routes()
        ),
    )


def _permissions() -> str:
    """What every function may do for itself, its log, is in the text."""
    rows = ((grant, _made_by(grant)) for grant in grants() if not grant.action.startswith("logs:"))
    return _table(
        ("function", "may", "on", "seen in"),
        (
            (
                grant.function.removesuffix("Function"),
                f"`{grant.action}`",
                f"`{' '.join((grant.resource, *grant.leading_keys))}`",
                seen_in,
            )
            for grant, seen_in in rows
        ),
    )


def _made_by(grant: Grant) -> str:
    if grant.action in BY_LAMBDA:
        return f"no test: {BY_LAMBDA[grant.action]}"
    return (
        ", ".join(sorted({place for call, seen in recorded().items() if grant.allows(call) for place in seen}))
        or "not yet"
    )


TABLES: dict[str, Callable[[], str]] = {
    "alarms": _alarms,
    "order states": _order_states,
    "order state diagram": _state_diagram,
    "redelivery": _redelivery,
    "payment events": _payment_events,
    "sandbox": _sandbox,
    "chat frames": _chat_frames,
    "chat limits": _chat_limits,
    "local differences": _differences,
    "defences": _defences,
    "release minutes": _release_minutes,
    "release assumptions": _release_assumptions,
    "release comparison": _release_comparison,
    "release picture": _release_picture,
    "environments": _environments,
    "verified": _verified,
    "permissions": _permissions,
    "sam local routes": _sam_local_routes,
}


def _status(status: str | None) -> str:
    return f"`{status}`" if status else "nothing"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
