"""Bands as users write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from had_cli.errors import SceneError, UsageError
from had_cli.scenes.selection import parse_bands

CENTRES = np.linspace(400, 2500, 211)  # every 10 nm
BAD = (CENTRES > 1340) & (CENTRES < 1440)


def numbers(text, count=211, wavelengths=CENTRES, bad=BAD, **options):
    return (parse_bands(text, count, wavelengths, bad, **options) + 1).tolist()


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1", [1]),
            ("1-3", [1, 2, 3]),
            ("1-2,5, 7 - 8", [1, 2, 5, 7, 8]),
            ("9,1-3,2", [1, 2, 3, 9]),
            ("-3", [1, 2, 3]),
            ("209-", [209, 210, 211]),
            ("211-211", [211]),
        ],
    )
    def test_are_counted_from_one_with_both_ends(self, text, expected):
        assert numbers(text) == expected

    def test_bring_bad_bands_as_well(self):
        assert numbers("90-110") == list(range(90, 111))

    @given(st.lists(st.tuples(st.integers(1, 300), st.integers(0, 50)), min_size=1, max_size=8))
    def test_any_ranges_are_the_union_of_their_bands(self, ranges):
        text = ",".join(f"{first}-{first + more}" if more else f"{first}" for first, more in ranges)
        expected = sorted({band for first, more in ranges for band in range(first, first + more + 1)})
        assert numbers(text, count=350, wavelengths=None, bad=None) == expected


class TestWavelengths:
    @pytest.mark.parametrize(
        ("text", "low", "high"),
        [
            ("500-700nm", 500, 700),
            ("500nm-700nm", 500, 700),
            ("0.5-0.7um", 500, 700),
            ("0.5um-700nm", 500, 700),
            ("0.5 - 0.7 µm", 500, 700),
            ("-700nm", 0, 700),
            ("2400nm-", 2400, 9999),
            ("2400-nm", 2400, 9999),
        ],
    )
    def test_include_both_ends(self, text, low, high):
        expected = np.flatnonzero([low <= centre <= high for centre in CENTRES]) + 1
        assert numbers(text) == expected.tolist()

    def test_leave_out_bad_bands(self):
        found = np.array(numbers("1300-1500nm")) - 1
        assert not BAD[found].any()
        assert CENTRES[found].min() == 1300
        assert CENTRES[found].max() == 1500

    def test_one_value_is_the_nearest_good_band(self):
        assert numbers("504nm") == [11]
        assert numbers("1.345um") == [95]  # 1340 nm; 1350 is nearer, but bad

    def test_mix_with_numbers(self):
        assert numbers("1-2,2490-2500nm") == [1, 2, 210, 211]

    def test_decimal_ends_are_exact(self):
        assert numbers("0.41-0.43um") == [2, 3, 4]


class TestRefusals:
    @pytest.mark.parametrize(
        "text", ["", ",", "a", "1-2-3", "1..3", "nm", "-", "1;2", "400-900nmm", "--3", "nm400"]
    )
    def test_what_is_no_band_is_wrong_usage(self, text):
        with pytest.raises(UsageError, match="is not understood; give bands such as"):
            numbers(text)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("0", "bands are counted from 1"),
            ("0-5", "bands are counted from 1"),
            ("-0", "bands are counted from 1"),
            ("5-3", "runs backwards"),
            ("900-400nm", "runs backwards"),
            ("1.5-3", "band numbers are whole; write nm or um"),
            ("400nm-900", "is not understood"),
        ],
    )
    def test_wrong_usage(self, text, message):
        with pytest.raises(UsageError, match=message):
            numbers(text)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("1-212", "asks for band 212, but the scene has 211 bands"),
            ("300-", "asks for band 300"),
            ("9" * 5000, "but the scene has 211 bands"),
            ("3-4um", "holds no good band of the scene, which covers 400 to 2500 nm"),
            ("350nm", "holds no good band"),
            ("1350-1430nm", "holds no good band"),
        ],
    )
    def test_what_the_scene_does_not_have(self, text, message):
        with pytest.raises(SceneError, match=message):
            numbers(text)

    def test_wavelengths_that_the_scene_does_not_know(self):
        with pytest.raises(SceneError, match="knows no wavelengths; name its bands by number"):
            numbers("400-900nm", wavelengths=None)

    def test_excluding_a_range_without_bands_excludes_none(self):
        assert numbers("3-4um", excluding=True) == []
        with pytest.raises(SceneError, match="--exclude-bands '300'"):
            numbers("300", excluding=True)

    @given(st.text(alphabet="0123456789-,.numµ ", max_size=15))
    def test_any_text_gives_bands_or_one_line(self, text):
        found, refusal = np.array([0]), ""
        try:
            found = parse_bands(text, 211, CENTRES, BAD)
        except (UsageError, SceneError) as error:
            refusal = str(error)
        assert "\n" not in refusal
        assert len(found)
        assert (np.diff(found) > 0).all()
        assert 0 <= found[0] <= found[-1] < 211
