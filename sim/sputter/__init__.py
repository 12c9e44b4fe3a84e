"""Chambers in which films grow, and a furnace: apparatus behind firmware twins, and the stations made of both."""
