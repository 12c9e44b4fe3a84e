"""The world without hardware: physics, materials, twins."""
