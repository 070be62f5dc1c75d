"""The gates of a proof as JUnit XML, which every CI server can show."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from trunnion_contract.proof import Gate, Proof

# XML 1.0 has no way to write these, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(proof: Proof) -> str:
    """One test suite with a test case for each gate; a failed one says what was got and what was wanted."""
    failures = sum(not gate.passed for gate in proof.gates)
    counts = {"tests": str(len(proof.gates)), "failures": str(failures), "errors": "0"}
    root = ElementTree.Element("testsuites", {"name": "trunnion prove", **counts})
    suite = ElementTree.SubElement(
        root, "testsuite", {"name": _plain(f"{proof.name} {proof.version}"), **counts, "skipped": "0"}
    )
    properties = ElementTree.SubElement(suite, "properties")
    digests = {"model": proof.model_digest, "use case": proof.usecase_digest, **proof.files, **proof.runtime}
    for name, value in digests.items():
        ElementTree.SubElement(properties, "property", {"name": _plain(name), "value": _plain(value)})
    for gate in proof.gates:
        _add(suite, gate, f"trunnion.{proof.name}")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(suite: ElementTree.Element, gate: Gate, group: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", {"classname": _plain(group), "name": _plain(gate.name)})
    found = _plain(f"got {gate.got}, wanted {gate.wanted}")
    if gate.passed:
        ElementTree.SubElement(case, "system-out").text = found
    else:
        failure = ElementTree.SubElement(case, "failure", {"message": found, "type": "gate"})
        failure.text = _plain(gate.note)


def _plain(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
