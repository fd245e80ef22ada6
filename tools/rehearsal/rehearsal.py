"""`storefront rollout`: releases a version of one function on the running local stack."""

import json
from itertools import cycle
from pathlib import Path
from typing import Any

from storefront.rollout.probes import PROBES
from tools.console import Problem, say, styled
from tools.rehearsal.code_deploy import CodeDeploy
from tools.rehearsal.rollout import End, Rollout
from tools.rehearsal.schedule import schedule_of
from tools.rehearsal.template_alarms import alarms_of, is_smoke_tested
from tools.rehearsal.versions import Change, Versions
from tools.stack.emulator import Emulator
from tools.stack.lifecycle import running_stack
from tools.stack.seed import PRODUCTS
from tools.stack.stack import Stack


def rehearse(state: Path, function: str, configuration: str, change: Change, speed: float, requests: int) -> End:
    """Release a version of the function with this folder in `events/`, and return how that has ended.

    It is a `Problem` if function or configuration is unknown, or the function is not released gradually.
    """
    stack = running_stack(state)
    schedule = schedule_of(configuration)
    versions = Versions(stack, function)
    if versions.handler not in PROBES:
        raise Problem(f"{function} is not released gradually: take the name of a folder in events/, but not a hook's")
    with CodeDeploy(Emulator(state).code_deploy_port) as code_deploy:
        target = versions.publish(change)
        say(styled(f"{function}: version {versions.current} -> {target}, {configuration}", "bold"))
        deployment = code_deploy.deploy(versions.name, target)

        def accepts(when: str) -> bool | None:
            """Call a hook, if the release has it; its verdict counts, not its answer."""
            if when == "post" and not is_smoke_tested(versions.resource):
                return None
            hook, event = stack.outputs[f"{when.title()}TrafficHookFunctionName"], deployment.hook_event()
            call = versions.call(hook, event)
            verdict = deployment.verdicts[event["LifecycleEventHookExecutionId"]]
            if verdict is None:
                raise Problem(f"{hook} has told CodeDeploy nothing: {json.dumps(call.answer)}; see storefront logs")
            return verdict == "Succeeded"

        alarms = alarms_of(versions.resource, versions.name, target)
        events = cycle(_requests_to(versions.handler, stack))
        return Rollout(versions, target, schedule, accepts, alarms, events, speed, requests).run()


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
