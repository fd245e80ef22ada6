"""The cost of the shop on AWS."""
