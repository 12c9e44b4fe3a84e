"""Stations whose long actions run by themselves: what they share, whatever flies on them."""
