"""What a SourceMeter's driver is made of: its dialect, what it can do, how a step becomes a trigger model."""
