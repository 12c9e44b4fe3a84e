"""The language of cycling as text, and its borders to PyBaMM's strings and aurora-unicycler's JSON."""
