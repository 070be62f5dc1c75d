from setuptools import find_packages, setup

PACKAGE = "trunnion_inference"

setup(
    name=PACKAGE,
    version="0.1.0",
    description="Lifecycle nodes around the detector and the policy",
    license="Apache-2.0",
    packages=find_packages(),
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/" + PACKAGE]),
        ("share/" + PACKAGE, ["package.xml"]),
    ],
    entry_points={
        "console_scripts": [
            "depth_node = trunnion_inference.depth_node:main",
            "detector_node = trunnion_inference.detector_node:main",
            "policy_node = trunnion_inference.policy_node:main",
            "tracker_node = trunnion_inference.tracker_node:main",
        ]
    },
)
