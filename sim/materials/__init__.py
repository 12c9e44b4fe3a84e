"""What the layers are made of: numbers with their sources, one material or fit per file."""
