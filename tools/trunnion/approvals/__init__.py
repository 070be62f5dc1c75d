"""Approvals: who agreed to which bundle, signed, in a ledger that shows when it was tampered with."""
