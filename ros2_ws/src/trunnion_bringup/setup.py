from glob import glob

from setuptools import find_packages, setup

PACKAGE = "trunnion_bringup"

setup(
    name=PACKAGE,
    version="0.1.0",
    description="Launch files, parameters, the Fast DDS profile and the table of nodes",
    license="Apache-2.0",
    packages=find_packages(),
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/" + PACKAGE]),
        ("share/" + PACKAGE, ["package.xml"]),
        ("share/" + PACKAGE + "/config", glob("config/*")),
        ("share/" + PACKAGE + "/launch", glob("launch/*.py")),
    ],
    entry_points={"console_scripts": ["heartbeats = trunnion_bringup.heartbeats:main"]},
)
