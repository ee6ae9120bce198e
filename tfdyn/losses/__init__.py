"""Losses that several families of networks share."""
