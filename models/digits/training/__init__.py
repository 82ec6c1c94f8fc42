"""How vae-digits was trained; needs PyTorch."""
