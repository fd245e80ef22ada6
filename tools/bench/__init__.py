"""Benchmarks: what things cost in time and in calls, on this machine and with the assumptions that each one states."""
