from setuptools import find_packages, setup

PACKAGE = "trunnion_bridge"

setup(
    name=PACKAGE,
    version="0.1.0",
    description="REST, WebSocket and a live page in front of the cell",
    license="Apache-2.0",
    packages=find_packages(),
    package_data={PACKAGE: ["py.typed", "page/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/" + PACKAGE]),
        ("share/" + PACKAGE, ["package.xml"]),
    ],
    entry_points={"console_scripts": ["bridge = trunnion_bridge.main:main"]},
)
