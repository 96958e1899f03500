"""The demo: recordings through the real node, scored against known truth, told in one page."""
