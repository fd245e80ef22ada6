"""Payments: charging orders, and webhooks of the payment provider."""
