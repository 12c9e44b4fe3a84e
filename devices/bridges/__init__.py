"""A bridge puts a vendor's library, injected, behind a wire; the instrument's driver is its client."""
