"""Demonstrations in the forms of others: LeRobotDataset v3 and Minari."""
