"""The permissions of a role: its own statements, and those of the policy beside its function."""

from functools import cache

from tools.testing.template import Json, resources

# The one policy that functions share: to write traces. X-Ray has no resource to name.
TRACING_POLICY = "TracingPolicy"


@cache
def attached(role: str) -> tuple[str, ...]:
    """Return the names of the managed policies that a role takes."""
    return tuple(policy["Ref"] for policy in resources("AWS::IAM::Role")[role].get("ManagedPolicyArns", []))


def statements(role: str) -> list[Json]:
    """Return the statements of a role's own policies, not of the one that all functions share."""
    inline = resources("AWS::IAM::Role")[role].get("Policies", [])
    managed = [resources("AWS::IAM::ManagedPolicy")[name] for name in attached(role) if name != TRACING_POLICY]
    return [statement for policy in (*managed, *inline) for statement in policy["PolicyDocument"]["Statement"]]
