"""What the shop costs on AWS."""
