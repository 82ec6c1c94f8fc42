"""Training and export of models, on PyTorch; never imported at run time."""
