"""What a flash does to a film: temperatures, crystallisation, damage."""
