"""Operating a stack, on this machine or on AWS."""
