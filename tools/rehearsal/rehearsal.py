"""`storefront rollout`: releases a version of one function on the running local stack."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storefront.rollout.probes import PROBES
from tools.console import Problem, say, styled
from tools.rehearsal.code_deploy import CodeDeploy, Deployment
from tools.rehearsal.rollout import End, Hooks, Pace, Rollout
from tools.rehearsal.schedule import schedule_of
from tools.rehearsal.template_alarms import alarms_of
from tools.rehearsal.versions import Change, Versions
from tools.stack.emulator import Emulator
from tools.stack.lifecycle import running_stack
from tools.stack.seed import PRODUCTS
from tools.stack.stack import STATE_DIRECTORY, Stack

DEFAULT_FUNCTION = "list-products"
DEFAULT_CONFIGURATION = "Linear10PercentEvery1Minute"


@dataclass(frozen=True, slots=True)
class Plan:
    """A release: of the function with this folder in `events/`, under one of CodeDeploy's configurations."""

    function: str = DEFAULT_FUNCTION
    configuration: str = DEFAULT_CONFIGURATION
    change: Change = Change.GOOD
    pace: Pace = field(default_factory=Pace)


def rehearse(plan: Plan, state: Path = STATE_DIRECTORY) -> End:
    """Release a version of a function, and return how that has ended.

    Raises
    ------
    Problem
        There is no such function or configuration, or the function is not released gradually.
    """
    stack = running_stack(state)
    schedule = schedule_of(plan.configuration)
    versions = Versions(stack, plan.function)
    if versions.handler not in PROBES:
        raise Problem(
            f"{plan.function} is not released gradually: take the name of a folder in events/, but not a hook's"
        )
    with CodeDeploy(Emulator(state).code_deploy_port) as code_deploy:
        target = versions.publish(plan.change)
        say(styled(f"{plan.function}: version {versions.current} -> {target}, {plan.configuration}", "bold"))
        deployment = code_deploy.deploy(versions.name, target)
        hooks = Hooks(
            lambda: _fit(versions, deployment, stack.outputs["PreTrafficHookFunctionName"]),
            lambda: _fit(versions, deployment, stack.outputs["PostTrafficHookFunctionName"]),
        )
        alarms = alarms_of(versions.resource, versions.name, target)
        events = _requests_to(versions.handler, stack)
        return Rollout(versions, target, schedule, hooks, alarms, events, plan.pace).run()


def _fit(versions: Versions, deployment: Deployment, hook: str) -> bool:
    """Call a hook; its verdict counts, not its answer."""
    event = deployment.hook_event()
    call = versions.run_hook(hook, event)
    verdict = deployment.verdicts[event["LifecycleEventHookExecutionId"]]
    if verdict is None:
        raise Problem(f"{hook} has told CodeDeploy nothing: {json.dumps(call.answer)}; see storefront logs")
    return verdict == "Succeeded"


def _requests_to(handler: str, stack: Stack) -> list[Any]:
    """Return the function's requests: what customers ask for, or an event that changes nothing."""
    probe = dict(PROBES[handler].event)
    match handler.split(".")[-2]:
        case "list_products":
            return [probe | {"queryStringParameters": {"limit": limit}} for limit in ("3", "10", "20")]
        case "get_product":
            skus = [product["sku"] for product in json.loads(PRODUCTS.read_text())]
            return [probe | {"pathParameters": {"sku": sku}} for sku in skus]
        case "authorize_partner":
            # A refusal is an error in this function's metrics, so these are requests of a partner.
            return [probe | {"authorizationToken": f"Bearer {stack.partners['gold'].token}"}]
    return [probe]
