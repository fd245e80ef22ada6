"""What every part of the business uses."""
