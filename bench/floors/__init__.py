"""What a function costs that does nothing of ours: each module is a whole function, and a floor for the others."""
