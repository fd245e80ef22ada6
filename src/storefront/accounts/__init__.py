"""Accounts: who a member of support is."""
