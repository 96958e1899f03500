"""A training run: what it is told, its steps, and what it keeps."""
