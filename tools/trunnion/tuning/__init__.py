"""`trunnion tune`: the flow of a use case with other settings again and again, until the best ones are known."""
