"""The discharge on a sputter gun: when it strikes, what it takes, and what it does to its target."""
