"""What an anneal, a bake or a film will do, told before it is done."""
