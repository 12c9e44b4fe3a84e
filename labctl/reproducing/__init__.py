"""Published tables and figures run again on the twins: paper, twin, deviation, as text and as a page."""
