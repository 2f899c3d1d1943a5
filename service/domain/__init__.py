"""Frozen records and rules: no input or output, no torch, no SQL, no HTTP."""
