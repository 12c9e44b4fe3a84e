"""What the files say: benches, limits, recipes, programs, samples, experiments; checked before any device."""
