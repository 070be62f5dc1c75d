from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from trunnion_contract.manifest import ModelManifest, Parity
from trunnion_contract.proof import (
    DetectorEvaluation,
    Failure,
    Gate,
    Proof,
    ScenarioResult,
    VariantProof,
    wilson,
)
from trunnion_sim.report.page import Picture, Pictures, render

DETECTOR = DetectorEvaluation(
    images=200, map50=0.951, map50_95=0.7, map50_by_class={"gear": 0.951}, confusion=((9, 1), (2, 0))
)
FAILURE = Failure(seed=100_007, reason="a nut <fell> & rolled", picture="failures/nominal-100007.mp4")
SCENARIO = ScenarioResult(
    name="nominal",
    success=wilson(193, 200),
    success_lower_min=0.8,
    limit_violations=0,
    interventions=12,
    median_time_s=6.25,
    trajectory_sha256="ab" * 32,
    failures=(FAILURE, Failure(seed=100_009, reason="time was up")),
)
PICTURE = Picture("000001.jpg", ".jpg", b"\xff\xd8\xff")


@pytest.fixture
def whole_model(model: ModelManifest) -> ModelManifest:
    assert model.detector is not None
    parity = Parity(step="torch to ONNX", samples=64, absolute=3.1e-4, absolute_max=1e-3, relative=1e-6)
    return model.model_copy(update={"detector": model.detector.model_copy(update={"parity": (parity,)})})


@pytest.fixture
def page(proof: Proof, whole_model: ModelManifest) -> str:
    whole = proof.model_copy(update={"detector": DETECTOR, "scenarios": (SCENARIO,), "simulated": True})
    failures = {"failures/nominal-100007.mp4": Picture("", ".mp4", b"ftyp")}
    return render(whole, whole_model, Pictures([PICTURE], failures))


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_asks_the_network_for_nothing(page: str) -> None:
    links = [value for name, value in _Tags(page).attributes if name in ("src", "href", "action", "srcset")]
    assert links
    assert all(link.startswith(("data:image/", "data:video/")) for link in links)
    assert not re.search(r"url\(|@import|<script|<link|https?://", page)


def test_every_tag_is_closed(page: str) -> None:
    assert _Tags(page).open == []


def test_numbers_gates_digests_and_pictures_are_on_the_page(page: str, proof: Proof) -> None:
    shown = ["96.5 %", "193 of 200", "0.951", "0.00031 px", "detector mAP50", "abababababab", PICTURE.uri]
    assert all(text in page for text in [*shown, *proof.files.values()])


def test_learning_curves_are_on_the_page_where_training_drew_them(proof: Proof, model: ModelManifest) -> None:
    curves = Picture("learning curves of the policy", ".png", b"\x89PNG")
    page = render(proof, model, Pictures(curves=[curves]))
    assert _Tags(page).open == []
    assert '<h2 id="learning">' in page
    assert f'<img src="{curves.uri}" alt="learning curves of the policy"' in page
    assert "learning" not in render(proof, model, Pictures()).lower()


def test_the_confusion_matrix_and_a_plot_of_each_success_rate_are_on_the_page(page: str) -> None:
    (table,) = re.findall(r'<table class="confusion">.*?</table>', page, re.DOTALL)
    assert re.findall(r"<td[^>]*>([^<]*)</td>", table) == ["9", "1", "2", "–"]
    for words in ("gear", "missed", "nothing there"):
        assert f">{words}</th>" in table
    (plot,) = re.findall(
        r'<div class="plot" role="img" aria-label="96\.5 %, interval [\d.]+ % to [\d.]+ %">(.*?)</div>',
        page,
        re.DOTALL,
    )
    for drawn in ("tick", "line", "gate", "dot"):
        assert f'<span class="{drawn}" style="left:' in plot


def test_a_failure_comes_with_the_command_that_plays_it_again(page: str) -> None:
    assert "trunnion replay 100007 --scenario nominal --run runs/cell" in page
    assert "time was up" in page


def test_text_from_outside_cannot_become_markup(page: str) -> None:
    assert "a nut &lt;fell&gt; &amp; rolled" in page
    assert "<fell>" not in page


def test_the_verdict_is_the_first_thing_told(proof: Proof, model: ModelManifest) -> None:
    failed = Gate(name="nominal, lower bound", got="0.7", wanted="at least 0.8", passed=False)
    good = render(proof, model, Pictures())
    bad = render(proof.model_copy(update={"gates": (*proof.gates, failed)}), model, Pictures())
    assert "<title>cell 0.1.0: proven</title>" in good
    assert "The only gate passed" in good
    assert "<title>cell 0.1.0: not proven</title>" in bad
    assert "1 of 2 gates failed" in bad


def test_without_a_simulation_the_page_says_so(proof: Proof, model: ModelManifest) -> None:
    assert "This use case asks for no simulation" in render(proof, model, Pictures())


def test_light_and_dark_are_both_there(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_the_same_proof_gives_the_same_page(page: str, proof: Proof, whole_model: ModelManifest) -> None:
    assert render(proof, whole_model, Pictures()) == render(proof, whole_model, Pictures())


def test_the_page_is_the_same_whether_the_proof_was_made_now_or_read_again(
    proof: Proof, whole_model: ModelManifest
):
    scores = {"gear": 0.951, "bolt": 0.9}
    pages = {
        render(
            proof.model_copy(update={"detector": DETECTOR.model_copy(update={"map50_by_class": by_class})}),
            whole_model,
            Pictures([PICTURE], {}),
        )
        for by_class in (scores, dict(sorted(scores.items())))
    }
    assert len(pages) == 1


def test_each_precision_is_shown_and_its_failures_can_be_played_again(
    proof: Proof, model_in_int8: ModelManifest, page: str
) -> None:
    assert 'id="precision"' not in page
    failure = Failure(seed=100_011, reason="time was up", picture="failures/nominal-100011-int8.mp4")
    nominal = SCENARIO.model_copy(update={"name": "nominal, int8", "failures": (failure,)})
    evaluation = DETECTOR.model_copy(update={"map50": 0.947})
    variant = VariantProof(precision="int8", sha256="0", detector=evaluation, nominal=nominal)
    found = {"detector": DETECTOR, "scenarios": (SCENARIO,), "variants": (variant,), "simulated": True}
    pictures = Pictures([], {"failures/nominal-100011-int8.mp4": Picture("", ".mp4", b"ftyp")})
    text = render(proof.model_copy(update=found), model_in_int8, pictures)
    assert 'id="precision"' in text
    assert "0.947" in text
    assert "193 of 200" in text
    assert "trunnion replay 100011 --scenario nominal --precision int8" in text
    _Tags(text)
