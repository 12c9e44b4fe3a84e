"""What in a program is unlikely to be meant, by subject."""
