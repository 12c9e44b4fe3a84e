"""The lamp: bank, pulse, load on the tube, where its light is absorbed."""
