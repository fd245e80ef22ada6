"""Starts the emulator, with a gap closed: it leaves loops in the template of a nested stack as they are.

The emulator's own Python runs this file, so it imports nothing of this package. The emulator applies transforms to the
template of a stack, but not to that of a nested one; here it applies `AWS::LanguageExtensions` to both.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.app import main  # type: ignore[import-not-found]
from ministack.services.cloudformation import engine, provisioners  # type: ignore[import-not-found]

_deploys_nested_stack = ContextVar("_deploys_nested_stack", default=False)
_deploy_nested_stack = provisioners._cfn_nested_stack_deploy
_resolve_parameters = engine._resolve_parameters


def _deploy_with_loops(*arguments: Any, **options: Any) -> Any:
    token = _deploys_nested_stack.set(True)
    try:
        return _deploy_nested_stack(*arguments, **options)
    finally:
        _deploys_nested_stack.reset(token)


def _resolve_and_transform(template: dict[str, Any], *arguments: Any) -> Any:
    """Return the values of the parameters; the deployment asks for them before it looks at the resources."""
    values = _resolve_parameters(template, *arguments)
    if _deploys_nested_stack.get():
        literals = {name: value["Value"] for name, value in values.items()}
        transform = engine.language_extensions.TRANSFORM
        expanded = engine._without_transform(engine.language_extensions.apply(template, literals), transform)
        template.clear()
        template.update(expanded)
    return values


if __name__ == "__main__":
    provisioners._cfn_nested_stack_deploy = _deploy_with_loops
    engine._resolve_parameters = _resolve_and_transform
    main()
