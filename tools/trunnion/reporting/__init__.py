"""Reports of the plan's stages, written from the evidence: for people who decide, on one page."""
