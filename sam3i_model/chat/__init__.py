"""What a client of a chat address is made of: address, budget, transport, answers, cache."""
