"""Films: how fast they grow here, what is said and asked before them, what is left of those that broke off."""
