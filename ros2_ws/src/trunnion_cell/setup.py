from setuptools import find_packages, setup

PACKAGE = "trunnion_cell"

setup(
    name=PACKAGE,
    version="0.1.0",
    description="The reference application: the simulated robot and the sorter",
    license="Apache-2.0",
    packages=find_packages(),
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/" + PACKAGE]),
        ("share/" + PACKAGE, ["package.xml"]),
    ],
    entry_points={
        "console_scripts": [
            "proving_robot_node = trunnion_cell.proving_robot:main",
            "simulated_robot_node = trunnion_cell.simulated_robot:main",
            "sorter_node = trunnion_cell.sorter:main",
        ]
    },
)
