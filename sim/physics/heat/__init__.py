"""Heat in a layered stack: media, grids, three engines."""
