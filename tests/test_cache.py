"""Results on disk are found again and resumed after a kill, bit for bit.

Many processes compute a result once, and a damaged file does no harm.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import latentlang as ll
from latentlang import locks
from latentlang.prompts.cognates import Alike
from latentlang.prompts.prompt import Prompt
from latentlang.prompts.setting import Setting
from latentlang.prompts.yardstick import Yardstick
from latentlang.runs import cache, question
from latentlang.runs.experiment import Experiment
from latentlang.runs.precompute import precompute

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
    ask = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    ll.run_experiment(model, **ask | {"seed": 2})  # a model's first run also tries ways to read
    counting = model.blocks[0].register_forward_hook(lambda *_: runs.append(1))
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


def plant(path: Path) -> None:
    """Make an entry an old one: whole and about its question, with numbers that are not right."""
    run, old = ll.Run.load(path), path.stat().st_mtime_ns - 10**9
    cache.store(run.with_readings(entropy=run.entropy + 1), path, old)


@pytest.fixture
def small_list() -> pd.DataFrame:
    return ll.load_words().iloc[::12]


@pytest.fixture
def old(tiny, own_cache, small_list):
    """Return a question about a part and one about all, the right answers, and old ones on disk."""
    ask = {"task": "translation", "source": "fr", "target": "zh", "words": small_list}
    ask["progress"] = False
    some, every = {**ask, "every": 2}, {**ask, "every": 1}
    right = {n: ll.run_experiment(tiny("llama"), **q).entropy for n, q in ((2, some), (1, every))}
    for entry in entries(own_cache, "*.safetensors"):
        plant(entry)
    assert not any(
        torch.equal(ll.run_experiment(tiny("llama"), **q).entropy, right[q["every"]])
        for q in (some, every)
    )
    return some, every, right


@pytest.mark.parametrize("refreshed", [0, 1], ids=["a part", "all"])
def test_a_refresh_lasts_and_concerns_every_stored_answer_of_the_pair(old, tiny, refreshed):
    """Part and whole answer each other: neither may give old numbers afterwards."""
    *questions, right = old
    ll.run_experiment(tiny("llama"), **questions[refreshed], refresh=True)
    for asked in questions:
        again = ll.run_experiment(tiny("llama"), **asked)
        torch.testing.assert_close(again.entropy, right[asked["every"]])


def test_a_refresh_concerns_the_runs_with_latents_too(old, tiny, own_cache):
    some, _, right = old
    ll.run_experiment(tiny("llama"), **some, keep_latents=True)
    for entry in entries(own_cache, "*.safetensors"):
        plant(entry)
    ll.run_experiment(tiny("llama"), **some, refresh=True)
    again = ll.run_experiment(tiny("llama"), **some, keep_latents=True)
    torch.testing.assert_close(again.entropy, right[2])


def test_an_interrupted_refresh_leaves_no_old_number(old, tiny, monkeypatch):
    """It stops after its first part; what is asked then is new, and that part is not read twice."""
    some, _, right = old
    monkeypatch.setattr(question, "_PART", 8)
    model, rows = tiny("llama"), []

    def stop(_, inputs, options):
        rows.append(len(options["attention_mask"] if "attention_mask" in options else inputs[0]))
        if len(rows) == 2:
            raise KeyboardInterrupt

    hook = model.module.register_forward_pre_hook(stop, with_kwargs=True)
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ll.run_experiment(model, **some, refresh=True)
    again = ll.run_experiment(model, **some)
    hook.remove()
    torch.testing.assert_close(again.entropy, right[2])
    assert len(right[2]) > 8 and sum(rows[2:]) == len(right[2]) - 8


def test_a_refresh_goes_before_an_older_shared_answer_and_after_a_newer_one(
    old, tiny, own_cache, tmp_path, monkeypatch
):
    some, _, right = old
    shared = tmp_path / "shared"
    shutil.copytree(own_cache / "latentlang" / "results", shared / "results")
    monkeypatch.setenv("LATENTLANG_CACHE", str(shared))
    ll.run_experiment(tiny("llama"), **some, refresh=True)
    again = ll.run_experiment(tiny("llama"), **some)
    torch.testing.assert_close(again.entropy, right[2])
    for entry in (shared / "results").glob("*.safetensors"):
        os.utime(entry)
    newer = ll.run_experiment(tiny("llama"), **some)
    assert not torch.equal(newer.entropy, right[2])


def test_precomputed_answers_keep_their_age(old, tiny, own_cache, tmp_path):
    """Else an old answer, published today, would go before a newer one of a reader."""
    out = tmp_path / "class"
    list(precompute(tiny("llama"), out, [("fr", "zh")], every=60))
    ages = {
        path.name: path.stat().st_mtime_ns for path in entries(own_cache, "*-followed.safetensors")
    }
    published = list((out / "results").glob("*.safetensors"))
    assert len(published) == 2 * len(ages) > 0, "each with the tokens to follow, and without"
    for path in published:
        name = f"{path.stem.removesuffix('-followed')}-followed{path.suffix}"
        assert abs(path.stat().st_mtime_ns - ages[name]) < 2 * 10**9
    time.sleep(0.1)
    before = {path.name: path.stat().st_mtime_ns for path in published}
    list(precompute(tiny("llama"), out, [("fr", "zh")], every=60))
    for path in published:
        assert abs(path.stat().st_mtime_ns - before[path.name]) < 2 * 10**9


def test_the_explorer_of_the_sphere_shows_a_refreshed_answer(old, tiny, own_cache):
    """It keeps the last path in memory; the concept is chosen again after the refresh."""
    model, ask = tiny("llama"), {"source": "de", "target": "zh", "every": 60}
    root = ll.explore.sphere(model, **ask)
    ask |= {"task": "translation", "keep_latents": True, "progress": False}
    stored = ll.run_experiment(model, **ask)
    for entry in entries(own_cache, "*.safetensors"):
        run = ll.Run.load(entry)
        if run.latents is not None and len(run) == len(stored):
            turned = replace(run, latents=run.latents.flip(-1))
            cache.store(turned, entry)
    concept = next(w for w in walk(root) if getattr(w, "description", "") == "Path of")
    status = next(w for w in walk(root) if "role='status'" in str(getattr(w, "value", "")))
    shown = status.value
    concept.value = stored.prompts["concept"][0]
    concept.value = "mean of all"
    for _ in range(300):
        if "Layer" in status.value and status.value != shown:
            break
        time.sleep(0.1)
    assert "Layer" in status.value and status.value != shown


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
@pytest.mark.parametrize("left", [False, True], ids=["no lock file", "a lock file left"])
def test_a_file_system_without_locks_costs_no_result(tiny, own_cache, monkeypatch, code, left):
    """As on some NFS and Lustre homes."""
    question = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    if left:
        ll.run_experiment(tiny("llama"), **question)
        for entry in entries(own_cache, "*.safetensors"):
            entry.unlink()

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.warns(UserWarning, match="not kept: the file system .* offers no locks") as said:
        run = ll.run_experiment(tiny("llama"), **question)
    assert len(said) == 1 and run.entropy.isfinite().all()
    assert not entries(own_cache, "*.safetensors")


HOLD = """
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(file, fcntl.LOCK_EX)
os.write(file, b"Process 4711 on the-other-machine")
print("held", flush=True)
time.sleep(60)
"""


def test_another_process_at_the_same_question_is_waited_for_but_not_for_ever(
    tiny, own_cache, monkeypatch, capsys
):
    monkeypatch.setattr(locks, "PATIENCE", 1.0)
    question = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    ll.run_experiment(tiny("llama"), **question)
    (entry,) = entries(own_cache, "*.safetensors")
    entry.unlink()
    command = [sys.executable, "-c", HOLD, str(entry.with_suffix(".lock"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.warns(UserWarning, match="not kept: Process 4711 on the-other-machine has"):
            run = ll.run_experiment(tiny("llama"), **question)
        other.kill()
    said = capsys.readouterr().out
    assert said.count("Process 4711 on the-other-machine is at work on the same question") == 1
    assert run.entropy.isfinite().all() and not entries(own_cache, "*.safetensors")
    ll.run_experiment(tiny("llama"), **question)  # the lock of a dead process is free
    assert str(os.getpid()) in entry.with_suffix(".lock").read_text()
    assert len(entries(own_cache, "*.safetensors")) == 1


def another(entry: Path, run: ll.Run) -> None:
    """Another question's answer under this name."""
    cache.store(run[:3], entry)


def other_words(entry: Path, run: ll.Run) -> None:
    table = run.prompts.assign(answer_zh="x")
    cache.store(replace(run, prompts=table), entry)


def no_such_token(entry: Path, run: ll.Run) -> None:
    cache.store(replace(run, top_ids=run.top_ids + 10**6), entry)


def metadata(entry: Path, text: str) -> None:
    save_file({"entropy": torch.zeros(2, 4)}, entry, metadata={"latentlang": text})


FOREIGN = {
    "another question": another,
    "other words": other_words,
    "tokens beyond the vocabulary": no_such_token,
    "a list": lambda entry, run: metadata(entry, "[1]"),
    "lists for mappings": lambda entry, run: metadata(
        entry, '{"format": 2, "readings": [], "setting": [], "prompts": [1]}'
    ),
    "nested without end": lambda entry, run: metadata(entry, "[" * 100_000),
    "no file at all": lambda entry, run: (entry.unlink(), entry.mkdir()),
}


@pytest.mark.parametrize("spoil", FOREIGN.values(), ids=FOREIGN)
def test_an_entry_of_a_shared_place_is_looked_at_like_any_other(
    tiny, own_cache, tmp_path, monkeypatch, spoil
):
    question = {"task": "repetition", "target": "zh", "every": 40, "progress": False}
    right = ll.run_experiment(tiny("llama"), **question)
    (entry,) = entries(own_cache, "*.safetensors")
    shared = tmp_path / "shared" / "results"
    shared.mkdir(parents=True)
    entry.rename(shared / entry.name)
    spoil(shared / entry.name, right)
    monkeypatch.setenv("LATENTLANG_CACHE", str(shared.parent))
    with pytest.warns(UserWarning, match="will be computed again"):
        again = ll.run_experiment(tiny("llama"), **question)
    assert_same(again, right)


def assert_same(run: ll.Run, expected: ll.Run) -> None:
    assert run.prompts.equals(expected.prompts) and run.setting == expected.setting
    for (_, _, a), (_, _, b) in zip(run.curves(), expected.curves()):
        assert torch.equal(a, b)


UNREADABLE = """
import os, sys, warnings
import latentlang as ll
model = ll.load_model(sys.argv[1], dtype="float32")
os.environ["LATENTLANG_CACHE"] = os.devnull
ll.checks.check_environment()
with warnings.catch_warnings(action="ignore"):  # imports what is needed, while it can be read
    ll.run_experiment(model, "repetition", target="en", every=40, progress=False)
os.environ.update(LATENTLANG_CACHE=sys.argv[3], XDG_CACHE_HOME=sys.argv[4])
os.setuid(int(sys.argv[2]))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    run = ll.run_experiment(model, "repetition", target="zh", every=40, progress=False)
print(len(run), *(w.message for w in said), sep="\\n")
print(ll.checks.check_environment())
"""


@pytest.fixture
def open_place():
    """A folder that every user of the machine may enter; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("closed", ["results", "an entry"])
def test_shared_files_that_nobody_else_may_read_are_one_sentence(
    tiny, own_cache, open_place, closed
):
    """A class's folder that was filled with umask 077; ``check`` names it."""
    ll.run_experiment(tiny("llama"), "repetition", target="zh", every=40, progress=False)
    (entry,) = entries(own_cache, "*.safetensors")
    shared, home = open_place / "shared", open_place / "reader"
    (shared / "results").mkdir(parents=True)
    entry.rename(shared / "results" / entry.name)
    home.mkdir()
    home.chmod(0o777)
    (shared / "results" / (entry.name if closed == "an entry" else "")).chmod(0)
    reader = 65534 if os.getuid() == 0 else os.getuid()
    env = dict(os.environ, XDG_CACHE_HOME=str(own_cache / "first"), HF_HUB_OFFLINE="1")
    command = [sys.executable, "-c", UNREADABLE, str(tiny.folder("llama")), str(reader)]
    command += [str(shared), str(home)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    (shared / "results").chmod(0o755)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "cannot be read (" in done.stdout and "ermission denied" in done.stdout
    assert f"⚠ {shared / 'results'}" in done.stdout


def test_shared_read_only_place_answers(tiny, own_cache, tmp_path, monkeypatch):
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
        "positions": "all",
        "top_k": 7,
        "keep_latents": True,
        "readings": (*asked.readings[:-1], (asked.readings[-1][0], 99)),
    }
    assert replace(asked, **{name: changes[name]}).key != asked.key


OTHERS = {
    "text": "Deutsch: ",
    "setting": Setting(task="cloze"),
    "concept": "another",
    "demos": ("sky",),
    "answers": {"en": ("sky", "heaven")},
    "token_ids": {"en": frozenset({5})},
    "taken": {"en": frozenset({6})},
    "alike": (Alike("fr–en", "ciel", "sky", 0.0, "near"),),
    "homographs": ("another",),
    "yardstick": Yardstick("another", {"en": frozenset({5})}),
}


@pytest.mark.parametrize("name", [field.name for field in fields(Prompt)])
def test_every_field_of_a_prompt_changes_the_key(tiny, name):
    model = tiny("llama")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)[:3]
    other = replace(prompts[0], **{name: OTHERS[name]})
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
    with pytest.warns(UserWarning, match="^Results are not kept: .* cannot be written"):
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
        ({"every": 0}, "every is a whole number, 1 or more"),
        ({"every": True}, "every is a whole number, 1 or more, not True"),
        ({"source": []}, "at least one source"),
        ({"source": 5}, "source=5 is not possible"),
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
