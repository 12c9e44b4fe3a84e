"""What stations of deposition are made of: recipes, states, interlocks, guns, watchers, records, and what flies."""
