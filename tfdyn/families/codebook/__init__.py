"""Codebook: a few fixed routes of a network, and routers that choose one of them."""
