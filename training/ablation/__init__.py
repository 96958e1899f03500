"""What each part of SAM3-I brings: variants of it are trained from one base and measured alike."""
