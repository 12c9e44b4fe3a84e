"""The sputter system: its parts by their roles, states, interlocks, gas, plasma, layers."""
