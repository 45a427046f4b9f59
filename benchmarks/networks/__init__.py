"""Each network in every framework, from the same sizes and with the same weights."""
