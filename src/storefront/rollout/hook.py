"""The common part of both hooks: check, and report the result to CodeDeploy."""

from collections.abc import Callable
from typing import Any

from storefront.rollout.code_deploy import CodeDeploy, HookExecution
from storefront.shared.observability import logger


class NotFit(Exception):
    """The new version must not get any traffic; the text says why."""


def report(event: dict[str, Any], code_deploy: CodeDeploy, check: Callable[[HookExecution], None]) -> dict[str, str]:
    """Run a check and report what it has found.

    A check that could not be made counts as one that failed: nobody has seen the version work. Were nothing reported,
    CodeDeploy would go on waiting.

    Parameters
    ----------
    event
        The hook's event.
    code_deploy
        The service that gets the verdict.
    check
        Ends quietly if all is well, and raises if not.
    """
    execution = HookExecution.of(event)
    logger.append_keys(deployment_id=execution.deployment_id)
    try:
        check(execution)
    except NotFit as reason:
        logger.error("release refused", extra={"reason": str(reason)})
        succeeded = False
    except Exception:
        logger.exception("release could not be checked")
        succeeded = False
    else:
        logger.info("release checked")
        succeeded = True
    code_deploy.report(execution, succeeded=succeeded)
    return {"status": "Succeeded" if succeeded else "Failed"}
