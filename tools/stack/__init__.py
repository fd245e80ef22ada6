"""The local stack: the emulator, the deployment to it, and what it leaves out."""
