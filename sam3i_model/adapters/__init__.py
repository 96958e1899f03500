"""What makes SAM3-I of SAM 3: adapters, where they sit, and others put in their place."""
