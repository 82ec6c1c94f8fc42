"""The link: frame, error correction, transports, audio, transmitter and receiver."""
