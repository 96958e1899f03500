"""What a model is taught, and what it costs to be wrong."""
