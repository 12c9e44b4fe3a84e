"""The cell: film, interfaces, controls, spectra, sheets and stacks."""
