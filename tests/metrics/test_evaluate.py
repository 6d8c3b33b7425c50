"""``evaluate``: what counts, what is told, and what goes into the JSON."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from had_cli.errors import SceneError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Metric
from had_cli.results.metrics.evaluation import SCALING_NOTE, evaluate, mean_auc


def example(rows=40, cols=30):
    random = np.random.default_rng(7)
    truth = np.zeros((rows, cols), bool)
    truth[5:8, 5:9] = True
    return (random.normal(size=(rows, cols)) + 1.5 * truth).astype(np.float32), truth


def third_party(scores_above=0.0):
    def metric(truth, scores):
        return float(np.mean(scores[truth] > scores_above))

    return metric


def broken(truth, scores):
    raise ZeroDivisionError("the first line\nand a second")


def meddling(truth, scores):
    scores[:] = 0
    return 1.0


@pytest.fixture
def offered(monkeypatch):
    """Offer metrics beside the built-in ones, as an installed plugin would."""

    def offer(**functions):
        described = {
            name: Metric(
                name=name, summary="of a test", compute=f"tests:{name}", formula=f"{name}(g, s)", best=1.0
            )
            for name in functions
        }
        built_in, resolve = host.metrics(), host.resolve
        monkeypatch.setattr(host, "metrics", lambda: {**built_in, **described})
        monkeypatch.setattr(
            host, "resolve", lambda ref: functions.get(ref.removeprefix("tests:")) or resolve(ref)
        )

    return offer


def test_all_built_in_metrics_come_through_the_plugin_host():
    evaluation = evaluate(*example())
    assert list(evaluation.metrics) == list(host.metrics())
    assert len(evaluation.metrics) >= 14
    assert evaluation.auc == evaluation.metrics["auc_df"] > 0.7
    assert not evaluation.warnings


def test_pixels_without_a_score_or_masked_out_do_not_count():
    scores, truth = example()
    mask = np.ones(scores.shape, bool)
    scores[0], mask[:, 0] = np.nan, False
    evaluation = evaluate(scores, truth, mask=mask)
    inner = evaluate(scores[1:, 1:], truth[1:, 1:])
    assert evaluation.metrics == inner.metrics
    assert (evaluation.excluded, evaluation.excluded_anomalous) == (40 + 30 - 1, 0)
    assert evaluation.anomalous + evaluation.background == 39 * 29


def test_anomalies_that_have_no_score_are_counted_and_told():
    scores, truth = example()
    scores[5, 5:7] = np.nan
    evaluation = evaluate(scores, truth)
    assert (evaluation.anomalous, evaluation.excluded_anomalous) == (10, 2)
    assert [w for w in evaluation.warnings if "2 of 12 anomalous pixels" in w]


def test_a_truth_of_one_class_is_told_and_leaves_json_nulls():
    scores, _ = example()
    evaluation = evaluate(scores, np.zeros(scores.shape))
    assert math.isnan(evaluation.metrics["auc_df"])
    assert "no anomalous pixel" in evaluation.warnings[0]
    assert evaluation.to_json()["metrics"]["auc_df"] is None


def test_infinite_scores_are_told():
    scores, truth = example()
    scores[6, 6] = np.inf
    evaluation = evaluate(scores, truth)
    assert evaluation.metrics["auc_df"] > 0.7
    assert math.isnan(evaluation.metrics["auc_dtau"])
    assert "infinite" in evaluation.warnings[0]
    assert evaluation.to_json()["metrics"]["auc_dtau"] is None


def test_a_constant_map_is_told():
    scores, truth = example()
    evaluation = evaluate(np.zeros_like(scores), truth)
    assert evaluation.metrics["auc_df"] == 0.5
    assert "constant" in evaluation.warnings[0]


def test_json_is_valid_and_complete():
    scores, truth = example()
    evaluation = evaluate(scores, truth)
    document = json.loads(json.dumps(evaluation.to_json(roc_points=50), allow_nan=False))
    assert document["metrics"] == evaluation.metrics
    assert document["formulas"]["auc_oadp"] == "AUC_OADP = AUC_OA + 1"
    assert document["pixels"] == {"anomalous": 12, "background": 1188, "excluded": 0, "excluded_anomalous": 0}
    assert document["roc"]["tau"][0] == "inf"
    assert {len(v) for v in document["roc"].values()} == {len(document["roc"]["p_f"])}
    assert document["notes"] == [SCALING_NOTE]
    assert set(document["separability"]["background"]) == {"minimum", "p10", "median", "p90", "maximum"}
    assert "roc" not in evaluation.to_json(roc_points=0)


def test_json_writes_infinity_as_text():
    truth = np.arange(8).reshape(2, 4) == 0
    assert evaluate(truth.astype(float), truth).to_json()["metrics"]["auc_snpr"] == "inf"


def test_the_table_prints_the_formula_with_the_number():
    rows = {row.symbol: row for row in evaluate(*example()).table()}
    assert rows["AUC_OA"].formula == "AUC(D,F) + AUC(D,tau) - AUC(F,tau)"
    assert rows["AUC(F,tau)"].best == 0
    assert rows["AUC_SNPR"].best == math.inf


def test_the_roc_ends_where_every_pixel_is_called_anomalous():
    evaluation = evaluate(*example())
    assert (evaluation.roc.p_f[-1], evaluation.roc.p_d[-1]) == (1, 1)
    assert len(evaluation.roc.p_f) == 1201


def test_a_third_party_metric_stands_beside_the_built_in_ones(offered):
    offered(hit_rate=third_party())
    evaluation = evaluate(*example())
    assert 0 < evaluation.metrics["hit_rate"] <= 1
    assert evaluation.table()[-1].symbol == "hit_rate"


def test_a_broken_metric_is_a_warning_in_one_line(offered):
    offered(bad=broken, hit_rate=third_party())
    evaluation = evaluate(*example())
    assert "bad" not in evaluation.metrics
    assert "hit_rate" in evaluation.metrics
    assert evaluation.warnings == ("metric bad failed: ZeroDivisionError: the first line",)


def test_a_metric_cannot_change_what_the_next_one_sees(offered):
    offered(meddler=meddling, hit_rate=third_party())
    scores, truth = example()
    before = scores.copy()
    evaluation = evaluate(scores, truth)
    np.testing.assert_array_equal(scores, before)
    assert "hit_rate" in evaluation.metrics
    assert evaluation.warnings[0].startswith("metric meddler failed: ValueError")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int16, np.uint8, np.dtype(">f4")])
def test_scores_of_any_real_type_are_judged_alike(dtype):
    scores, truth = example()
    whole = np.round((scores - scores.min()) * 20)
    assert evaluate(whole.astype(dtype), truth).metrics == evaluate(whole, truth).metrics


@pytest.mark.parametrize("truth_type", [np.uint8, np.int32, np.float64])
def test_truths_of_zeros_and_one_other_value_are_accepted(truth_type):
    scores, truth = example()
    assert evaluate(scores, truth.astype(truth_type) * 255).metrics == evaluate(scores, truth).metrics


def test_numbered_objects_are_all_anomalous_and_told():
    scores, truth = example()
    numbered = truth.astype(np.uint8)
    numbered[7, 5:9] = 2
    evaluation = evaluate(scores, numbered)
    assert evaluation.metrics == evaluate(scores, truth).metrics
    assert evaluation.warnings == ("the truth holds 2 labels besides 0: all of them count as anomalous",)


def test_files_are_judged_as_their_arrays(tmp_path):
    scores, truth = example()
    scores[0] = np.nan
    np.save(tmp_path / "scores.npy", scores)
    np.save(tmp_path / "truth.npy", truth.astype(np.uint8))
    from_files = evaluate(tmp_path / "scores.npy", str(tmp_path / "truth.npy"))
    assert from_files.metrics == evaluate(scores, truth).metrics
    assert from_files.excluded == 30


def test_a_truth_file_of_another_size_is_refused_by_name(tmp_path):
    scores, truth = example()
    np.save(tmp_path / "truth.npy", truth[1:])
    with pytest.raises(SceneError, match=r"truth\.npy: the truth has 39 x 30 pixels"):
        evaluate(scores, tmp_path / "truth.npy")


def test_mean_auc_counts_each_scene_once():
    scores, truth = example()
    good, bad = evaluate(truth.astype(float), truth), evaluate(-truth[:20].astype(float), truth[:20])
    assert mean_auc([good, bad, good]) == pytest.approx(2 / 3)
    assert math.isnan(mean_auc([]))
    assert math.isnan(mean_auc([good, evaluate(scores, np.zeros_like(truth))]))


def test_a_band_axis_of_one_is_dropped():
    scores, truth = example()
    assert evaluate(scores[..., None], truth[..., None]).metrics == evaluate(scores, truth).metrics


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s, t: (s, t.T), "30 x 40 pixels.*40 x 30; it looks transposed"),
        (lambda s, t: (s, t[1:]), "39 x 30 pixels"),
        (lambda s, t: (s * np.nan, t), "no pixel has a valid score"),
        (lambda s, t: (s + 0j, t), "complex64 values are no scores"),
        (lambda s, t: (s, t.astype("U1")), "values that are no labels"),
        (lambda s, t: (s, np.where(t, np.nan, 0)), "values that are no labels"),
        (lambda s, t: (s, -t.astype(int)), "values that are no labels"),
        (lambda s, t: (s[:0], t[:0]), "no pixel has a valid score"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(change, message):
    with pytest.raises(SceneError, match=message) as caught:
        evaluate(*change(*example()))
    assert "\n" not in str(caught.value)


def test_a_mask_of_another_size_is_refused():
    scores, truth = example()
    with pytest.raises(SceneError, match="the mask has 2 x 2 pixels"):
        evaluate(scores, truth, mask=np.ones((2, 2), bool))


def test_declaring_the_metrics_imports_no_numpy_and_computing_them_no_scikit_learn():
    code = (
        "import sys; from had_cli.results import metrics; metrics.had_metrics();"
        "assert 'numpy' not in sys.modules;"
        "from had_cli.results.metrics.evaluation import evaluate; evaluate([[1., 2.]], [[0, 1]]);"
        "assert not {'sklearn', 'scipy', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
