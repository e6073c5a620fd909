"""Results on disk are found again and resumed after a kill, bit for bit.

Many processes compute a result once, and a damaged file does no harm.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

import latentlang as ll
from latentlang.runs.experiment import Experiment

RUN = """
import sys
import latentlang as ll
model = ll.load_model(sys.argv[1], dtype="float32")
ll.run_experiment(model, "translation", "fr", "zh", progress=False).save(sys.argv[2])
"""


def start(folder: Path, home: Path, out: Path) -> subprocess.Popen:
    """Run the experiment in a process and a cache of its own."""
    env = dict(os.environ, XDG_CACHE_HOME=str(home), OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")
    env.pop("LATENTLANG_CACHE", None)
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), str(out)],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )


def entries(home: Path, pattern: str) -> list[Path]:
    return sorted((home / "latentlang" / "results").glob(pattern))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Give the test a user cache of its own and no shared one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LATENTLANG_CACHE", raising=False)
    return tmp_path / "home"


def test_killed_run_goes_on_where_it_was_with_the_same_numbers(tiny, tmp_path):
    folder, home = tiny.folder("llama"), tmp_path / "home"
    killed = start(folder, home, tmp_path / "never.safetensors")
    deadline = time.time() + 120
    while (
        len(entries(home, "*.parts/*.safetensors")) < 2
        and killed.poll() is None
        and time.time() < deadline
    ):
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    finished = {path: path.stat().st_mtime_ns for path in entries(home, "*.parts/*.safetensors")}
    assert len(finished) >= 2 and not entries(home, "*[0-9a-f].safetensors"), (
        "the kill came too late to show anything"
    )

    resumed = start(folder, home, tmp_path / "resumed.safetensors")
    while resumed.poll() is None:  # finished parts are read, not written again
        assert all(
            not path.exists() or path.stat().st_mtime_ns == written
            for path, written in finished.items()
        )
        time.sleep(0.05)
    fresh = start(folder, tmp_path / "elsewhere", tmp_path / "fresh.safetensors")
    assert resumed.returncode == 0 and fresh.wait() == 0
    one, two = (ll.Run.load(tmp_path / f"{name}.safetensors") for name in ("resumed", "fresh"))
    assert one.prompts.equals(two.prompts)
    for (_, _, a), (_, _, b) in zip(one.curves(), two.curves()):
        assert torch.equal(a, b)


def test_four_processes_leave_one_good_entry(tiny, tmp_path):
    home = tmp_path / "home"
    runs = [start(tiny.folder("llama"), home, tmp_path / f"{n}.safetensors") for n in range(4)]
    assert [run.wait() for run in runs] == [0] * 4
    assert (
        len(entries(home, "*.safetensors")) == 1
        and not entries(home, "*.parts")
        and not entries(home, "*.tmp")
    )
    results = [ll.Run.load(tmp_path / f"{n}.safetensors") for n in range(4)]
    assert all(torch.equal(results[0].entropy, other.entropy) for other in results[1:])


def test_second_time_comes_from_disk_and_refresh_does_not(tiny, own_cache):
    model, runs = tiny("llama"), []
    counting = model.blocks[0].register_forward_hook(lambda *_: runs.append(1))
    ask = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    first = ll.run_experiment(model, **ask)
    computed = len(runs)
    again = ll.run_experiment(model, **ask)
    assert computed and len(runs) == computed
    assert torch.equal(first.entropy, again.entropy)
    ll.run_experiment(model, **ask, refresh=True)
    ll.run_experiment(model, **ask | {"seed": 1})
    counting.remove()
    assert len(runs) == 3 * computed


def test_damaged_entry_is_reported_set_aside_and_computed_again(tiny, own_cache):
    ask = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    first = ll.run_experiment(tiny("llama"), **ask)
    (entry,) = entries(own_cache, "*.safetensors")
    entry.write_bytes(entry.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged"):
        again = ll.run_experiment(tiny("llama"), **ask)
    assert torch.equal(first.entropy, again.entropy)
    assert (
        len(entries(own_cache, "*.damaged")) == 1 and len(entries(own_cache, "*.safetensors")) == 1
    )


def test_shared_read_only_place_is_read_first(tiny, own_cache, tmp_path, monkeypatch):
    ask = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    first = ll.run_experiment(tiny("llama"), **ask)
    (entry,) = entries(own_cache, "*.safetensors")
    shared = tmp_path / "shared" / "results"
    shared.mkdir(parents=True)
    entry.rename(shared / entry.name)
    monkeypatch.setenv("LATENTLANG_CACHE", str(shared.parent))
    again = ll.run_experiment(tiny("llama"), **ask)
    assert torch.equal(first.entropy, again.entropy) and not entries(own_cache, "*.safetensors")


@pytest.mark.parametrize("name", [field.name for field in fields(Experiment)])
def test_every_field_of_an_experiment_changes_its_key(tiny, name):
    """A field without an effect on the key would return another question's numbers."""
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:3]
    asked = Experiment.of(model, prompts)
    assert asked == Experiment.of(model, prompts) and asked.key == Experiment.of(model, prompts).key
    changes = {
        "model": (("name", "another"),),
        "setting": replace(prompts.setting, seed=1),
        "prompts": asked.prompts[:2],
        "lens": "tuned",
        "top_k": 7,
        "keep_latents": True,
        "readings": (*asked.readings[:-1], (asked.readings[-1][0], 99)),
    }
    assert replace(asked, **{name: changes[name]}).key != asked.key


def test_a_prompts_tokens_are_part_of_the_key(tiny):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:3]
    other = replace(prompts[0], token_ids={**prompts[0].token_ids, "zh": frozenset({5})})
    changed = replace(prompts, prompts=(other, *prompts.prompts[1:]))
    assert Experiment.of(model, changed).key != Experiment.of(model, prompts).key


def test_a_spelling_that_changes_nothing_but_the_word_shown_is_another_question(tiny):
    """Texts and tokens are the same; the pivot's first spelling (for the sphere) differs."""
    model, words = tiny("llama"), ll.load_words().iloc[:40].copy()
    pairs = [(word[0], f"x{word[0]}") for word in words["en"]]
    keys = []
    for order in (1, -1):
        words["en"] = [pair[::order] for pair in pairs]
        prompts = ll.build_prompts(
            "translation", "fr", "zh", tokenizer=model.tokenizer, words=words
        )
        keys.append(Experiment.of(model, prompts).key)
    assert keys[0] != keys[1]


def test_interrupt_keeps_whole_parts_only(tiny, own_cache):
    """A stop in a part's second batch: half a part is not stored; the next run is whole."""
    model, batches = tiny("llama"), []

    def stop(*_):
        batches.append(1)
        if len(batches) == 2:
            raise KeyboardInterrupt

    ask = {"task": "translation", "source": "fr", "target": "zh", "every": 8, "progress": False}
    hook = model.blocks[0].register_forward_pre_hook(stop)
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ll.run_experiment(model, **ask)
    hook.remove()
    assert (
        len(batches) == 2
        and not entries(own_cache, "*.safetensors")
        and not entries(own_cache, "*.parts/*.safetensors")
    )
    whole = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer).about(
        ll.load_words().index[::8]
    )
    assert list(ll.run_experiment(model, **ask).prompts["concept"]) == [p.concept for p in whole]


def test_entries_have_the_permissions_of_other_new_files(tiny, own_cache):
    """safetensors writes for its owner alone; a shared cache must be readable by a whole class."""
    ll.run_experiment(tiny("llama"), "repetition", target="zh", every=40, progress=False)
    (entry,) = entries(own_cache, "*.safetensors")
    plain = own_cache / "plain"
    plain.touch()
    assert entry.stat().st_mode == plain.stat().st_mode


def test_place_that_cannot_be_written_still_answers(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="cannot be kept"):
        found = ll.run_experiment(
            tiny("llama"), "repetition", target="zh", every=40, progress=False
        )
    assert found.entropy.isfinite().all()


FULL = """
import resource, sys, warnings
import latentlang as ll

model = ll.load_model(sys.argv[1], dtype="float32")
# Writing any longer file fails.
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    found = ll.run_experiment(model, "translation", "fr", "zh", every=40, progress=False)
print(len(found), *(str(w.message) for w in said if "could not be kept" in str(w.message)))
"""


def test_a_write_that_fails_costs_no_result(tiny, tmp_path):
    """On a full disk the answer comes all the same, with a sentence; no half-written file stays."""
    env = dict(os.environ, XDG_CACHE_HOME=str(tmp_path / "home"), HF_HUB_OFFLINE="1")
    env.pop("LATENTLANG_CACHE", None)
    command = [sys.executable, "-c", FULL, str(tiny.folder("llama"))]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[0]) > 5 and "free space there" in done.stdout
    assert not entries(tmp_path / "home", "**/*.tmp") and not entries(
        tmp_path / "home", "**/*.safetensors"
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"every": 0}, "every=1 or more"),
        ({"source": []}, "at least one source"),
        ({"every": 476}, "no usable"),
    ],
)
def test_nothing_to_ask_about_is_one_sentence(tiny, own_cache, change, sentence):
    words = ll.load_words()
    words = words.loc[["lion", *words.index.drop("lion")]]  # a cognate first: it is dropped
    asked = {"source": "fr", "every": 1, **change}
    with pytest.raises(ll.errors.DataError, match=sentence):
        ll.run_experiment(
            tiny("llama"),
            "translation",
            asked["source"],
            "es",
            every=asked["every"],
            words=words,
            progress=False,
        )
