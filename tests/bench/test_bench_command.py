"""``had bench`` as a user sees it: what it prints, what it leaves, how it ends."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from benching import make, read, rows_of
from sklearn.metrics import average_precision_score, roc_auc_score

from had_cli.bench.configurations import configure
from had_cli.bench.plan import Conditions
from had_cli.bench.run import run_bench
from had_cli.errors import DeviceError, OutputError, UsageError
from had_cli.plugin import host
from had_cli.scenes.open import open_scores


@pytest.fixture
def bench(had, methods):
    """Return ``bench(*words)``, with the methods for tests."""
    return lambda *words: had("bench", *words, site=methods)


def test_scenes_by_methods_give_a_table_and_a_folder(had, scenes, tmp_path):
    done = had("bench", scenes, "-m", "grx", "-m", "slrx", "-o", "out")
    assert done.returncode == 0, done.stderr
    head, first, second, mean, rank = done.stdout.splitlines()[:5]
    assert head.split() == ["AUC(D,F)", "grx", "slrx"]
    assert [first.split()[0], second.split()[0]] == ["alpha", "beta"]
    assert mean.startswith("mean of 2 scenes")
    assert rank.startswith("mean rank")
    assert "[4/4] beta, slrx: AUC(D,F)" in done.stderr
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {
        *("results.json", "results.csv", "results.md", "results.tex"),
        *("curves.json", "timings.json", "timings.csv"),
        *("bench.lock", "cells", "maps", "plots"),
    }
    assert len(list((out / "cells").iterdir())) == 4
    assert {path.name for path in (out / "plots").iterdir()} == {
        "critical_difference.png",
        "critical_difference.pdf",
        *(f"{scene}_{kind}.png" for scene in ("alpha", "beta") for kind in ("roc", "separability")),
    }
    printed = float(first.split()[1])
    assert printed == pytest.approx(read(out / "results.json")["cells"][0]["metrics"]["auc_df"], abs=5e-5)


def test_figures_agree_with_scikit_learn_on_ties_and_masked_pixels(bench, scenes, tmp_path):
    """``steps`` gives few distinct scores; a mask leaves out a third of the scene and two anomalies."""
    _, marked = make(scenes / "alpha.mat", 1)
    mask = np.ones(marked.shape, np.uint8)
    mask[:8] = 0
    np.save(tmp_path / "mask.npy", mask)
    done = bench(scenes / "alpha.mat", "-m", "steps", "--mask", "mask.npy", "--keep-maps", "-o", "out")
    assert done.returncode == 0, done.stderr
    (cell,) = read(tmp_path / "out" / "results.json")["cells"]
    scores, _ = open_scores(tmp_path / "out" / cell["map"])
    valid = np.isfinite(scores)
    np.testing.assert_array_equal(valid, mask == 1)
    assert len(np.unique(scores[valid])) < 12
    truth, values = marked[valid] == 1, scores[valid].astype(float)
    scaled = (values - values.min()) / (values.max() - values.min())
    assert cell["metrics"]["auc_df"] == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
    assert cell["metrics"]["average_precision"] == pytest.approx(
        average_precision_score(truth, values), abs=1e-12
    )
    assert cell["metrics"]["auc_dtau"] == pytest.approx(scaled[truth].mean(), abs=1e-9)
    assert cell["metrics"]["auc_ftau"] == pytest.approx(scaled[~truth].mean(), abs=1e-9)
    assert cell["pixels"]["excluded"] == int((mask == 0).sum())


def test_a_truth_of_one_class_leaves_figures_undefined_and_says_so(had, scenes, tmp_path):
    np.save(scenes / "alpha_gt.npy", np.zeros((24, 30), np.uint8))
    done = had("bench", scenes, "-m", "grx", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert "marks no anomalous pixel" in done.stderr
    results = read(tmp_path / "out" / "results.json")
    assert results["cells"][0]["metrics"]["auc_df"] is None
    assert results["summary"]["auc_df"]["scenes"] == ["beta"]
    assert results["summary"]["auc_ftau"]["scenes"] == ["alpha", "beta"]
    assert "Not in the means" in done.stdout
    rows = rows_of(tmp_path / "out" / "results.csv")
    assert rows[0]["auc_df"] == "nan"


def test_one_failing_cell_does_not_stop_the_rest(bench, scenes, tmp_path):
    done = bench(scenes, "-m", "raising", "-m", "dying", "-m", "steps", "-o", "out", "--no-plots")
    assert done.returncode == 1
    assert "had: alpha, raising: unexpected ZeroDivisionError: of a test" in done.stderr
    assert "had: beta, dying: its process was ended by SIGKILL" in done.stderr
    assert "Traceback" not in done.stderr
    cells = {(c["scene"], c["label"]): c for c in read(tmp_path / "out" / "results.json")["cells"]}
    assert cells["alpha", "steps"]["metrics"]["auc_df"] > 0.5
    assert cells["alpha", "raising"]["metrics"] is None
    assert "ZeroDivisionError" in cells["alpha", "raising"]["error"]
    rows = rows_of(tmp_path / "out" / "results.csv")
    assert len(rows) == 6
    assert rows[0]["auc_df"] == ""
    assert "## Failed" in (tmp_path / "out" / "results.md").read_text()
    assert "failed" in done.stdout
    assert "Traceback" in bench(scenes / "alpha.mat", "-m", "raising", "-o", "out", "--debug").stderr


def test_a_method_that_prints_spoils_neither_results_nor_json(bench, scenes):
    done = bench(scenes, "-m", "chatty", "-o", "out", "--json", "--no-plots")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["output"] == "out"
    assert document["timings"]["cells"][0]["seconds"] > 0
    assert len(document["cells"]) == 2
    assert "warning: alpha, chatty: this method talks too much" in done.stderr


def test_parameters_and_several_configurations_of_one_method_come_from_toml(bench, scenes, tmp_path):
    (tmp_path / "set" / "of").mkdir(parents=True)
    (tmp_path / "set" / "of" / "it.txt").write_text("x")
    (tmp_path / "set" / "c.toml").write_text(
        '[[method]]\nname = "steps"\nlabel = "half"\nparameters = { times = 0.5, where = "of/it.txt" }\n'
        '[[method]]\nname = "grx"\nlabel = "grx-oas"\nparameters = { shrinkage = "oas" }\n'
    )
    done = bench(scenes / "alpha.mat", "-m", "steps", "--config", "set/c.toml", "-o", "out", "--no-plots")
    assert done.returncode == 0, done.stderr
    methods = read(tmp_path / "out" / "results.json")["methods"]
    assert [m["label"] for m in methods] == ["steps", "half", "grx-oas"]
    assert [m["method"] for m in methods] == ["steps", "steps", "grx"]
    assert methods[1]["parameters"] == {"times": 0.5, "where": "set/of/it.txt"}
    assert methods[2]["parameters"]["shrinkage"] == "oas"
    cells = read(tmp_path / "out" / "results.json")["cells"]
    assert cells[0]["f1_threshold"] != cells[1]["f1_threshold"]


def test_weights_reach_their_method(bench, scenes, tmp_path, methods):
    from had_cli.weights.file import Weights

    host.forget()
    Weights(method="weighed", tensors={"factor": np.float32([2])}).save(tmp_path / "w.safetensors")
    words = (scenes / "alpha.mat", "--no-plots", "-m", "weighed", "-o", "out")
    alone = bench(*words, "-m", "grx", "-w", "w.safetensors")
    assert alone.returncode == 0, alone.stderr
    named = bench(*words, "-m", "grx", "-w", "weighed=w.safetensors")
    assert named.returncode == 0, named.stderr
    assert "2 of 2 cells are done already" in named.stderr
    (method, _) = read(tmp_path / "out" / "results.json")["methods"]
    assert method["weights"] == "w.safetensors"
    assert len(method["weights_sha256"]) == 64
    missing = bench(scenes, "-m", "weighed", "-o", "none")
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)
    assert "needs trained weights" in missing.stderr
    assert not (tmp_path / "none").exists()


def test_wrong_usage_is_told_in_one_line_before_anything_is_run(had, scenes, tmp_path):
    for words, status, said in (
        (("-m", "grx", "-m", "grx"), 2, "two configurations are labelled grx"),
        (("-m", "grx", "-o", "scenes"), 1, "holds files that no bench has written"),
    ):
        done = had("bench", scenes, *words)
        assert done.returncode == status, done.stderr
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"scenes"}


@pytest.mark.parametrize(
    ("methods", "weights", "said"),
    [
        ([], [], "name methods with -m METHOD"),
        (["nothing"], [], "nothing"),
        (["grx"], ["grx=x"], "grx uses no weights"),
        (["grx"], ["slrx=x"], "slrx is not among the methods named"),
        (["grx"], ["x.safetensors"], "write -w METHOD=FILE"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(methods, weights, said):
    with pytest.raises(UsageError, match=said):
        configure(methods, weights)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"truth": "t.npy"}, UsageError, "--truth goes with one scene"),
        ({"conditions": Conditions(memory="much")}, UsageError, "--memory takes a size"),
        ({"conditions": Conditions(device="cuda:77")}, DeviceError, "cuda:77"),
        ({"folder": "scenes/alpha.mat"}, OutputError, "is a file; name a folder"),
    ],
)
def test_conditions_that_make_no_sense_are_refused(given, error, said, scenes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=said):
        run_bench(["scenes"], configure(["grx"]), **{"folder": "bench", **given})
    assert not (tmp_path / "bench").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no such file"),
        ("[[method]\n", "is no TOML"),
        ("", r"takes tables \[\[method\]\], and holds none"),
        ("[methods]\n", "not methods"),
        ("method = [1]\n", "method 1: has no key"),
        ('[[method]]\nname = "grx"\nparams = {}\n', "method 1: has no key 'params'"),
        ('[[method]]\nlabel = "x"\n', "method 1: name, label and weights are texts"),
        (
            '[[method]]\nname = "grx"\nparameters = { shrinkage = "much" }\n',
            "method 1: --shrinkage takes one",
        ),
        ('[[method]]\nname = "grx"\nlabel = "a/b"\n', "label 'a/b'"),
        ('[[method]]\nname = "nothing"\n', "method 1:"),
    ],
)
def test_a_wrong_configuration_file_is_told_by_name(tmp_path, text, said):
    if text is not None:
        (tmp_path / "c.toml").write_text(text)
    with pytest.raises(UsageError, match=r"^--config .*c\.toml: .*" + said):
        configure([], [], tmp_path / "c.toml")


def test_the_options_of_a_selection_hold_for_every_cell(had, scenes, tmp_path):
    words = ("--bands", "1-4", "--exclude-bands", "2", "--window", "2", "3", "20", "18", "--seed", "5")
    done = had("bench", scenes, "-m", "grx", "-o", "out", "--no-plots", *words)
    assert done.returncode == 0, done.stderr
    results = read(tmp_path / "out" / "results.json")
    assert {(c["rows"], c["cols"], c["bands_used"]) for c in results["cells"]} == {(18, 20, "1,3-4")}
    assert results["seed"] == 5
    assert results["selection"]["window"] == [2, 3, 20, 18]
    assert not list((tmp_path / "out" / "plots").iterdir())


def test_the_seed_reaches_the_method(bench, scenes, tmp_path):
    for seed, out in ((1, "a"), (1, "b"), (2, "c")):
        done = bench(scenes / "alpha.mat", "-m", "draw", "--seed", seed, "-o", out, "--no-plots")
        assert done.returncode == 0, done.stderr
    aucs = [read(tmp_path / out / "results.json")["cells"][0]["metrics"]["auc_df"] for out in "abc"]
    assert aucs[0] == aucs[1] != aucs[2]


def test_real_scenes_give_the_published_figures(had, shared, tmp_path):
    scenes = [shared / "scenes" / f"{name}.mat" for name in ("abu-airport-1", "abu-urban-2")]
    done = had("bench", *scenes, "-m", "grx", "-m", "slrx", "--bands", "1-200", "-o", "out", "--no-plots")
    assert done.returncode == 0, done.stderr
    cells = read(tmp_path / "out" / "results.json")["cells"]
    assert [round(cell["metrics"]["auc_df"], 4) for cell in cells] == [0.8248, 0.9471, 0.9951, 0.9865]


def test_every_field_of_the_documents_is_told_on_the_page(had, scenes, tmp_path):
    done = had("bench", scenes / "alpha.mat", "-m", "grx", "-o", "out", "--no-plots", "--json")
    assert done.returncode == 0, done.stderr
    page = Path(__file__).parents[2] / "docs" / "guide" / "bench.md"
    told = set(re.findall(r"`(\w+)`", page.read_text(encoding="utf-8")))
    document, timings = json.loads(done.stdout), read(tmp_path / "out" / "timings.json")
    curves = read(tmp_path / "out" / "curves.json")["alpha"]["grx"]
    parts = [document, timings, curves, document["summary"]["auc_df"], *timings["cells"], *document["cells"]]
    parts += [*document["metrics"], *document["methods"], *document["scenes"], document["cells"][0]["pixels"]]
    assert {name for part in parts for name in part} <= told
    assert {"output", "timings"} <= set(document)
