"""What training draws, and the batches that are made of it."""
