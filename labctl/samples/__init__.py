"""Samples: what people and journals say of them."""
