"""A tenth of the attack (`make fuzz` runs the whole): every case ends, and leaves, as it should."""

import os
import sys

import attack
import pytest
from attack_classes import CLASSES

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks, bounds memory and looks into /proc"),
    pytest.mark.timeout(600),
]
CASES, SEED = int(os.environ.get("HAD_CASES", "240")), 15


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    with attack.Attack(tmp_path_factory.mktemp("attack"), SEED, workers=1) as attacked:
        return list(attacked.run(attack.chosen_cases(CASES, SEED)))


@pytest.mark.parametrize("verdict", [v for v in attack.VERDICTS if v not in attack.SOUND])
def test_no_case_ends_in(outcomes, verdict):
    assert [o for o in outcomes if o.verdict == verdict] == []


def test_every_class_has_its_share(outcomes):
    assert {outcome.name.split(":")[0] for outcome in outcomes} == set(CLASSES)
    assert abs(len(outcomes) - CASES) <= len(CLASSES)
    assert {outcome.verdict for outcome in outcomes} == set(attack.SOUND)  # the sound ones, and both of them


def test_what_goes_wrong_is_seen(tmp_path, monkeypatch):
    """The judge itself: a file that is replaced, one that is left, a canary, a death, a wait."""
    programs = {
        "lost input": "open('kept','w').write('x')",
        "left file": "open('.had-abcdefgh-x','w'); sys.exit(1)",
        "executed code": "open(os.environ['CANARY'],'w')",
        "crash": "os.kill(os.getpid(), 11)",
        "traceback": "raise OSError('x')",
        "hang": "time.sleep(60)",
        "unclear": "sys.exit(1)",
        "memory": "x = b'1' * (3 << 29)",
        "result": "pass",
    }
    monkeypatch.setattr(attack.Server, "seconds", 20.0)  # a slow machine takes some for a gigabyte
    (tmp_path / "site").mkdir()
    chosen = "import os, sys, time\nif os.environ.get('PROGRAM'):\n    exec(os.environ['PROGRAM'])\n"
    (tmp_path / "site" / "told.py").write_text(chosen)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{':'.join(p for p in sys.path if p)}")

    def made(program):
        def make(_draw, folder):
            (folder / "kept").write_text("input")
            return attack.Case([], {"PROGRAM": program})

        return make

    monkeypatch.setattr(attack.Server, "module", "told")
    with attack.Attack(tmp_path / "attack", SEED, workers=1) as attacked:
        for number, (verdict, program) in enumerate(programs.items()):
            assert attacked.one("self", number, made(program)).verdict == verdict, verdict
