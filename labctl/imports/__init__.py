"""Files of other programs, kept as runs beside ours: BDF, EC-Lab's text export, Neware's CSV."""
