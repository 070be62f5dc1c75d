"""Inference on request: images in, detections out, by the same edge runtime as the robot's own."""
