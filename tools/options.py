"""Options that commands of several packages share, each with one spelling, and the stack that they choose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:  # boto3 takes longer to load than `storefront --help` may take
    from tools.stack.stack import Stack

State = Annotated[
    Path,
    typer.Option(
        "--state",
        envvar="STOREFRONT_STATE",
        show_envvar=False,
        show_default=".local",
        help="Folder of the local stack.",
    ),
]
StackName = Annotated[
    str | None, typer.Option("--stack", metavar="NAME", help="A stack on AWS; without it, the local stack.")
]
User = Literal["customer", "other", "support"]
Plan = Literal["bronze", "gold"]


def chosen(name: str | None, state: Path) -> Stack:
    """Return a stack on AWS by its name, or the local stack; raise `Problem` if it is not there."""
    from tools.stack.lifecycle import running_stack
    from tools.stack.stack import StackOnAws

    return StackOnAws.named(name) if name else running_stack(state)
