"""A weights file holds arrays and their history, and nothing that runs."""

import hashlib
import json
import pickle
import stat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from had_cli.errors import OutputError, OutputExistsError, WeightsError
from had_cli.weights.file import Weights, load_weights, read_header


@pytest.fixture
def weights():
    tensors = {"centre": np.arange(6, dtype=np.float32), "scale": np.float64([[1, 2], [3, 4]])}
    return Weights(method="mean", tensors=tensors, header={"seed": 3, "wavelengths": [400.0, None]})


@pytest.fixture
def saved(weights, tmp_path):
    path = tmp_path / "w.safetensors"
    weights.save(path)
    return path


def test_what_was_saved_is_loaded_with_header_and_hash(weights, saved):
    loaded = load_weights(saved, method="mean")
    assert loaded.method == "mean"
    for name, tensor in weights.tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        np.testing.assert_array_equal(loaded.tensors[name], tensor)
    assert loaded.header["seed"] == 3
    assert loaded.header["wavelengths"] == [400.0, None]
    assert set(loaded.header["versions"]) == {"had"}
    assert loaded.hash == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert read_header(saved) == loaded.header


def test_saving_returns_the_hash_and_the_same_weights_give_the_same_bytes(weights, tmp_path):
    first, second = weights.save(tmp_path / "a"), weights.save(tmp_path / "b")
    assert first.hash == second.hash == load_weights(tmp_path / "a").hash
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@given(
    tensor=npst.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_every_tensor_survives_even_as_a_transposed_view(tmp_path_factory, tensor):
    path = tmp_path_factory.mktemp("w") / "w"
    Weights(method="m", tensors={"t": tensor.T}).save(path)
    loaded = load_weights(path).tensors["t"]
    assert loaded.shape == tensor.T.shape
    np.testing.assert_array_equal(loaded, tensor.T)


def test_other_safetensors_tools_read_the_file(saved):
    from safetensors import safe_open

    with safe_open(saved, "np") as file:
        assert sorted(file.keys()) == ["centre", "scale"]
        assert json.loads(file.metadata()["had"])["method"] == "mean"


def test_undefined_numbers_in_the_header_are_null(tmp_path):
    Weights(method="m", tensors={}, header={"metrics": {"auc": float("nan")}}).save(tmp_path / "w")
    assert load_weights(tmp_path / "w").header["metrics"] == {"auc": None}


def test_nothing_is_overwritten_unasked(weights, saved):
    before = saved.read_bytes()
    with pytest.raises(OutputExistsError, match="--overwrite"):
        Weights(method="other", tensors={}).save(saved)
    assert saved.read_bytes() == before
    Weights(method="other", tensors={}).save(saved, overwrite=True)
    assert load_weights(saved).method == "other"


def test_the_file_is_as_readable_as_others_and_nothing_lies_beside_it(saved, tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert {file.name for file in tmp_path.iterdir()} == {"w.safetensors", "plain"}


def test_a_folder_cannot_be_written_and_a_missing_one_is_told(weights, tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        weights.save(tmp_path)
    with pytest.raises(OutputError, match="there is no folder"):
        weights.save(tmp_path / "no" / "w")


def test_weights_of_another_method_are_refused(saved):
    with pytest.raises(WeightsError, match="weights of mean, not of nl2net"):
        load_weights(saved, method="nl2net")


@pytest.mark.parametrize("part", [0, 1, 7, 8, 40, 200, -1, -8])
def test_a_truncated_file_is_one_line(saved, part):
    content = saved.read_bytes()
    saved.write_bytes(content[:part])
    with pytest.raises(WeightsError) as caught:
        load_weights(saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(data=st.binary(max_size=300))
def test_whatever_the_bytes_are_the_error_is_ours(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("w") / "w"
    path.write_bytes(data)
    with pytest.raises(WeightsError):
        load_weights(path)


@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_flipped_byte_is_an_error_of_ours_or_other_weights(tmp_path_factory, position, value):
    path = tmp_path_factory.mktemp("w") / "w"
    Weights(method="m", tensors={"t": np.arange(5.0)}, header={"seed": 1}).save(path)
    content = bytearray(path.read_bytes())
    content[position % len(content)] = value
    path.write_bytes(bytes(content))
    try:
        load_weights(path)
    except WeightsError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both ends are right


class Explodes:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_is_never_opened(tmp_path, protocol):
    path = tmp_path / "w.pkl"
    path.write_bytes(pickle.dumps(Explodes(), protocol=protocol))
    with pytest.raises(WeightsError, match="pickle or archive, which may hold code, is never opened"):
        load_weights(path)


def test_safetensors_of_others_lack_the_header(tmp_path):
    from safetensors.numpy import save_file

    save_file({"t": np.zeros(3)}, tmp_path / "w")
    with pytest.raises(WeightsError, match="without the header that had writes"):
        load_weights(tmp_path / "w")


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(WeightsError, match="there is no such weights file"):
        load_weights(tmp_path / "absent")
    with pytest.raises(WeightsError, match="cannot read weights: Is a directory"):
        load_weights(tmp_path)


def test_a_method_can_require_the_tensors_it_needs(weights):
    weights.require(centre=(6,), scale=(2, None))
    with pytest.raises(WeightsError, match=r"tensor 'centre' has shape \(6,\), not \(5,\)"):
        weights.require(centre=(5,))
    with pytest.raises(WeightsError, match="no tensor 'bias'"):
        weights.require(bias=(1,))
