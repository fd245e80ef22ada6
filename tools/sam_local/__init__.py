"""`sam local` against the running stack."""
