"""The settings of each environment in samconfig.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from tools.stack.stack import ROOT

ENVIRONMENTS = ("local", "dev", "staging", "prod")


@dataclass(frozen=True)
class Environment:
    """How an environment is deployed."""

    name: str
    stack: str
    overrides: dict[str, str]


def environment(name: str) -> Environment:
    """Return what samconfig.toml says about an environment."""
    settings = tomllib.loads((ROOT / "samconfig.toml").read_text())[name]["deploy"]["parameters"]
    overrides = dict(override.split("=", 1) for override in settings["parameter_overrides"])
    return Environment(name, settings["stack_name"], overrides)


def differences() -> list[tuple[str, str, list[str]]]:
    """Return the parameters that differ: name, description, and the value in each of ``ENVIRONMENTS``."""
    # It takes longer to load than most commands that ask for an environment take.
    from samcli.yamlhelper import yaml_parse  # noqa: PLC0415

    declared = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    deployed = [environment(name) for name in ENVIRONMENTS]
    rows = [
        (name, row["Description"], [each.overrides.get(name, str(row.get("Default", ""))) for each in deployed])
        for name, row in declared.items()
    ]
    return [row for row in rows if len(set(row[2])) > 1]
