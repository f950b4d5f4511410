"""Readers of input-output tables, one module for each family of layouts."""
