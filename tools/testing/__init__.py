"""Shared by tests, benchmarks and documentation: the template, the roles, moto."""
