"""Runs the SAM CLI with the parser of PyYAML that is written in C (PyYAML Documentation, "LibYAML bindings")."""

import sys

import yaml

if __name__ == "__main__":
    if yaml.__with_libyaml__:
        # Before anything of the SAM CLI derives a class from them.
        yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc,assignment]
        yaml.SafeDumper = yaml.CSafeDumper  # type: ignore[misc,assignment]
    from samcli.cli.main import cli

    sys.exit(cli(prog_name="sam"))
