"""Set-up of a checkout: from a bare machine to a built workspace.

Runs before anything is installed, so it imports the standard library only.
"""
