"""Runs the SAM CLI, which parses the template nine times, with the parser of PyYAML that is written in C.

PyYAML has both and parses in Python unless it is told otherwise ("LibYAML bindings", PyYAML Documentation:
https://pyyaml.org/wiki/PyYAMLDocumentation). The SAM CLI's own code is untouched; it is still ``sam deploy``.
"""

import sys

import yaml

if __name__ == "__main__":
    if yaml.__with_libyaml__:
        # Before anything of the SAM CLI derives a class from them.
        yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc,assignment]
        yaml.SafeDumper = yaml.CSafeDumper  # type: ignore[misc,assignment]
    from samcli.cli.main import cli

    sys.exit(cli(prog_name="sam"))
