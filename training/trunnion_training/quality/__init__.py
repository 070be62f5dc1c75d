"""Quality of a dataset: what no reader of single files can see, measured, and shown with pictures."""
