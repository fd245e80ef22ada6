"""Orders: from acceptance to a settled order."""
