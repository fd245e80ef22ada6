"""Loops in the template of a nested stack.

The emulator expands the loops of ``AWS::LanguageExtensions`` in the template of a stack, and not in that of a nested
one; here it does in both. Fn::ForEach, AWS CloudFormation Template Reference Guide:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import engine, language_extensions

_in_nested_stack = ContextVar("_in_nested_stack", default=False)


def noted(deploy: Callable[..., Any]) -> Callable[..., Any]:
    """Remember, while a nested stack is deployed, that one is."""

    def deploy_nested_stack(*arguments: Any, **options: Any) -> Any:
        token = _in_nested_stack.set(True)
        try:
            return deploy(*arguments, **options)
        finally:
            _in_nested_stack.reset(token)

    return deploy_nested_stack


def expanded_in_nested_stacks(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Expand a nested stack's loops with its parameters, which a deployment asks for before it reads the resources."""

    def resolve_parameters(template: dict[str, Any], *arguments: Any) -> Any:
        values = resolve(template, *arguments)
        if _in_nested_stack.get():
            literals = {name: value["Value"] for name, value in values.items()}
            expanded = language_extensions.apply(template, literals)
            expanded = engine._without_transform(expanded, language_extensions.TRANSFORM)
            template.clear()
            template.update(expanded)
        return values

    return resolve_parameters
