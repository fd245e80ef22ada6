"""Releases: what CodeDeploy asks before and after it shifts traffic to a new version."""
