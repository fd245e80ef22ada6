"""Partners: how they sign in, hand in orders, and read what became of them."""
