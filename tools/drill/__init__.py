"""Practice for operators: an incident on the local stack, and the runbook that mends it."""
