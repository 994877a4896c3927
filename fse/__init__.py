"""Electronic care sheets (FSE) as values and bytes: no socket, no file, no clock, no randomness of its own."""
