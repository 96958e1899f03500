"""What an evaluation keeps, counts and shows."""
