"""What makes SAM3-I of SAM 3: adapters, and the layers that they sit in."""
