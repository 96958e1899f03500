"""Texts for annotated images, and the tokenizer of the small model that learns from them."""
