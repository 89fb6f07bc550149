"""`rssbound observe` on the running kernel, started as users start it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import schemas
from limits import PATIENCE_SECONDS

from rssbound.cli.observing import session
from rssbound.live.recording import line_of, read_record
from rssbound.live.sample import FIELDS, Sample, is_outside

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")

GROW = """
import os, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
kept = []
end = time.monotonic() + 1.5
while time.monotonic() < end:
    kept.append(bytes([1]) * (1 << 20))
    time.sleep(0.05)
"""


@pytest.fixture
def child():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        yield started
        started.kill()


def samples_in(text):
    return [json.loads(line) for line in text.splitlines()]


def test_one_look_at_ones_own_process(call):
    code, out, err = call("observe", "--pid", str(os.getpid()), "--format", "json")
    document = json.loads(out)
    schemas.validate(document, "observation-1")
    (sample,) = document["samples"]

    assert (code, err) == (0, "")
    assert sample["pid"] == os.getpid()
    assert sample["approximate_pages"] > 1000
    assert document["outside"] == 0
    assert -sample["bound_over_pages"] <= sample["difference_pages"] <= sample["bound_under_pages"]
    assert sample["difference_pages"] == sample["precise_pages"] - sample["approximate_pages"]


def test_every_sample_as_it_comes(call):
    code, out, _ = call(
        *("observe", "--pid", str(os.getpid()), "--interval", "0.05", "--count", "4")
    )
    found = samples_in(out)

    assert code == 0
    assert [tuple(sample) for sample in found] == [FIELDS] * 4
    times = [sample["time"] for sample in found]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 0.14


def test_all_processes_of_this_machine_are_within_their_bounds(call):
    code, out, err = call("observe", "--all", "--format", "csv")
    rows = out.splitlines()

    assert (code, err) == (0, "")
    assert rows[0].split(",") == list(FIELDS)
    assert len(rows) > 3


def test_a_command_is_watched_with_its_children_until_it_ends(run, tmp_path):
    record = tmp_path / "run.ndjson"
    done = run(
        *("observe", "--interval", "0.1", "--record", str(record), "--format", "json"),
        *("--", "sh", "-c", f"{sys.executable} -c '{GROW}'; exit 3"),
    )
    document = json.loads(done.stdout)
    schemas.validate(document, "observation-summary-1")
    seen = list(read_record(str(record)))

    assert done.returncode == 3
    assert done.stderr.decode().startswith("rssbound: sh: exited with 3\n")
    assert {"sh"} < {process["comm"] for process in document["processes"]}
    assert document["samples"] == len(seen) > 10
    assert not any(map(is_outside, seen))
    sizes = [sample.precise_pages for sample in seen if sample.comm.startswith("python")]
    assert max(sizes) > min(sizes) + 10 * 256


def test_the_output_of_a_command_is_kept_apart_from_the_samples(run):
    done = run("observe", "--interval", "0.1", "--", "sh", "-c", "echo hello; sleep 0.3")

    assert done.returncode == 0
    assert {sample["comm"] for sample in samples_in(done.stdout.decode())} >= {"sh"}
    assert b"hello" in done.stderr


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("sh", "-c", "exit 0"), 0, ""),
        (("sh", "-c", "kill -KILL $$"), 128 + 9, "rssbound: sh: killed by SIGKILL\n"),
        (("/nowhere",), 2, "rssbound: /nowhere: cannot start: No such file or directory\n"),
    ],
)
def test_the_exit_code_of_a_command(run, command, code, said):
    done = run("observe", "--", *command)

    assert done.returncode == code
    assert done.stderr.decode().startswith(said)


@pytest.mark.parametrize(
    ("interval", "said"),
    [("5", "sampled only once, because it ended within --interval (5 s)"), ("0.05", "")],
)
def test_a_command_shorter_than_the_interval_is_reported(run, interval, said):
    done = run("observe", "--interval", interval, "--", "sleep", "0.5")
    lines = done.stderr.decode().splitlines()

    assert done.returncode == 0
    assert len(samples_in(done.stdout.decode())) == 1 if said else 3
    assert [line for line in lines if "sampled only once" in line] == (
        [f"rssbound: sleep: {said}; a shorter one takes more samples"] if said else []
    )


def waits(pid):
    """Tell how often a process has gone to sleep."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)[1])


def wait_for_a_look(pid):
    """Wait until a watch has opened a file of its process, and has then slept between looks."""
    end = time.monotonic() + PATIENCE_SECONDS
    watched = re.compile(r"/proc/\d+/statm")
    while not any(map(watched.fullmatch, map(os.path.realpath, Path(f"/proc/{pid}/fd").iterdir()))):
        assert time.monotonic() < end
        time.sleep(0.05)
    before = waits(pid)
    while waits(pid) < before + 3:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_watch_and_its_command_and_keeps_the_record(tmp_path, number, code):
    record = tmp_path / "run.parquet"
    command = [sys.executable, "-m", "rssbound", "observe", "--interval", "0.1"]
    begun = tmp_path / "begun"
    command += ["--record", str(record), "--", "sh", "-c", f"touch {begun}; exec sleep 60"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as watch:
        while not begun.exists() and watch.poll() is None:
            time.sleep(0.05)
        wait_for_a_look(watch.pid)
        watch.send_signal(number)
        out, err = watch.communicate(timeout=PATIENCE_SECONDS)

    assert (watch.returncode, err) == (code, b"")
    assert b"samples of" in out
    pids = {sample.pid for sample in read_record(str(record))}
    assert pids
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_a_closed_pipe_ends_the_watch(tmp_path):
    record = tmp_path / "run.parquet"
    rssbound = f"{sys.executable} -m rssbound observe --all --interval 0.02 --format ndjson"
    script = f"{rssbound} --record {record} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, check=True, timeout=PATIENCE_SECONDS
    )
    *_, code = done.stdout.splitlines()

    assert (code, done.stderr) == (b"141", b"")
    assert list(read_record(str(record)))


def test_a_process_that_ends_ends_the_watch(run, child):
    child.stdin.close()
    done = run("observe", "--pid", str(child.pid), "--interval", "0.1", "--duration", "60")

    assert done.returncode in {0, 2}  # it may have ended before the first sample


def test_a_distant_threshold_is_decided_and_a_close_one_is_not(call):
    for threshold, verdict in (("1GiB", "below"), ("1MiB", "above")):
        _, out, _ = call(
            *("observe", "--pid", str(os.getpid()), "--threshold", threshold, "--format", "json")
        )
        assert json.loads(out)["samples"][0]["verdict"] == verdict
    pages = json.loads(out)["samples"][0]["precise_pages"]
    _, out, _ = call(
        *("observe", "--pid", str(os.getpid()), "--threshold", str(pages * 4096)),
        *("--format", "json"),
    )
    (sample,) = json.loads(out)["samples"]
    if sample["bound_under_pages"]:
        assert sample["verdict"] == "cannot tell"


def test_page_tables_are_walked_where_statm_is_not_precise(call, monkeypatch):
    from rssbound.cli.commands import observe as observe_module

    monkeypatch.setattr(observe_module, "facts_of", walking_facts)
    code, out, _ = call(
        *("observe", "--pid", str(os.getpid()), "--interval", "0.2", "--count", "4"),
        *("--cpu-budget", "50%", "--format", "plain"),
    )

    assert code == 0
    assert "smaps_rollup: " in out
    assert " outside " not in out


def test_a_stream_says_at_the_end_what_walks_took(call, monkeypatch):
    from rssbound.cli.commands import observe as observe_module

    monkeypatch.setattr(observe_module, "facts_of", walking_facts)
    code, out, err = call(
        *("observe", "--pid", str(os.getpid()), "--interval", "0.05", "--count", "3"),
        *("--cpu-budget", "0.0001%"),
    )
    found = samples_in(out)

    assert code == 0
    assert len(found) == 3
    assert found[-1]["precise_pages"] is None
    assert "rssbound: 1 process: precise value not read this time, because --cpu-budget" in err
    assert re.search(
        r"^rssbound: smaps_rollup: [01] reads?( of \d+\.\d\d ms)?, ", err, re.MULTILINE
    )


def walking_facts(machine, scenario, measure):
    from dataclasses import replace

    from rssbound.live.facts import facts_of

    return replace(facts_of(machine, scenario, lambda: True), precise="smaps_rollup")


def test_reasons_for_hidden_processes_are_whole_sentences(call, monkeypatch):
    from rssbound.cli.commands import observe as observe_module

    monkeypatch.setattr(observe_module, "hides_others", lambda: True)
    monkeypatch.setattr(observe_module, "is_in_container", lambda: True)
    _, out, _ = call("observe", "--all", "--format", "json")
    notes = json.loads(out)["notes"]

    assert any("hidepid" in note for note in notes)
    assert any("container" in note for note in notes)
    assert all(note.endswith(".") for note in notes)


# -- a record


def recorded(tmp_path, *differences):
    file = tmp_path / "run.ndjson"
    samples = (
        Sample(
            *(float(number), 7, "a", 1, "0", 1000 - difference, 1000, difference, 186, 186),
            *(4096, "percpu", "6.18.1", None),
        )
        for number, difference in enumerate(differences)
    )
    file.write_text("".join(map(line_of, samples)))
    return str(file)


def test_a_summary_of_a_record_has_its_largest_differences(call, tmp_path):
    code, out, err = call("observe", "--summary", recorded(tmp_path, 10, -20, 100))

    assert (code, err) == (0, "")
    assert "3 samples of 1 process in 2.0 s" in out
    assert "400 KiB" in out
    assert "54%" in out


def test_a_record_with_a_sample_outside_ends_with_1(call, tmp_path):
    code, out, _ = call("observe", "--summary", recorded(tmp_path, 10, 187), "--format", "json")
    document = json.loads(out)
    schemas.validate(document, "observation-summary-1")

    assert (code, document["outside"], document["processes"][0]["outside"]) == (1, 1, 1)
    assert document["typical"] is None  # the record is from another kernel


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "nothing to watch; give --all, --name, --pid, --cgroup or -- COMMAND."),
        (("--all", "--", "true"), "COMMAND is watched alone"),
        (("--count", "3", "--", "true"), "COMMAND is watched alone"),
        (("--summary", "x", "--all"), "--summary only reads a record; leave out --all."),
        (("--summary", "x", "true"), "--summary only reads a record; leave out"),
        (("--cpu-budget", "200%", "--all"), "'200%' is not a share of a CPU such as 1% or 0.5%"),
        (("--cpu-budget", "much", "--all"), "'much' is not a share of a CPU"),
        (("--pid", "2147483647"), "--pid 2147483647: no such process"),
        (("--pid", "2147483647", "--pid", "2147483646"), "--pid 2147483646: no such process"),
        (("--name", "no-such-command"), "nothing to watch: none of the selected processes"),
        (("--cgroup", "no/such"), "--cgroup no/such: no such cgroup below /sys/fs/cgroup"),
        (("--summary", "/nowhere"), "/nowhere: No such file or directory"),
        (("--all", "--metrics", "99999"), "--metrics 99999: "),
        (("--all", "--metrics", "localhost"), "--metrics localhost: expected a port, ADDRESS:PORT"),
        (("--all", "--metrics", "host:http"), "--metrics host:http: expected a port, ADDRESS:PORT"),
        (("--all", "--metrics", "/nowhere/x.prom"), "--metrics /nowhere/x.prom: No such file"),
        (
            ("--all", "--interval", "nan"),
            "'nan' is not a time in seconds, from 0.01 to 100,000,000",
        ),
        (("--all", "--interval", "inf"), "'inf' is not a time in seconds"),
        (("--all", "--duration", "nan"), "'nan' is not a time in seconds, from 0 to"),
        (("--all", "--duration", "soon"), "'soon' is not a time in seconds"),
        (("--all", "--record", "/nowhere/x"), "/nowhere/x: No such file or directory"),
    ],
)
def test_faults_of_observe_are_one_line(call, arguments, fault):
    code, out, err = call("observe", *arguments)

    assert (code, out) == (2, "")
    assert fault in err
    assert all(line.startswith("rssbound: ") for line in err.splitlines())
    assert "Traceback" not in err


# -- metrics


def test_metrics_in_a_file(call, tmp_path):
    from prometheus_client.parser import text_string_to_metric_families

    file = tmp_path / "rssbound.prom"
    code, _, _ = call(
        *("observe", "--pid", str(os.getpid()), "--count", "1", "--metrics", str(file)),
        *("--format", "csv"),
    )
    families = {family.name: family for family in text_string_to_metric_families(file.read_text())}
    labels = {"pid": str(os.getpid())}

    assert code == 0
    assert list(tmp_path.iterdir()) == [file]
    for name in ("approximate", "precise", "difference", "bound_under", "bound_over"):
        (sample,) = families[f"rssbound_rss_{name}_bytes"].samples
        assert sample.labels["pid"] == labels["pid"]
        assert sample.value % 4096 == 0
    assert families["rssbound_samples_outside_bound"].samples[0].value == 0


def test_metrics_on_a_port():
    from rssbound.cli.observing.metrics import metrics_at

    one = Sample(1.5, 7, 'a"\n', 1, "0", 9, 10, 1, 186, None, 4096, "percpu", "6.18.1", None)
    with metrics_at("127.0.0.1:19717") as expose:
        expose([one])
        with urllib.request.urlopen("http://127.0.0.1:19717/metrics") as answer:
            text = answer.read().decode()
        expose([])
        with urllib.request.urlopen("http://127.0.0.1:19717/metrics") as answer:
            later = answer.read().decode()

    assert 'rssbound_rss_difference_bytes{comm="a\\"\\n",pid="7"} 4096.0' in text
    assert "bound_over_bytes{" not in text  # there is no number for no bound
    assert 'pid="7"' not in later  # an ended process is not shown any longer


def test_metrics_take_prometheus_client(call, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    code, _, err = call("observe", "--all", "--metrics", "9105")

    assert code == 2
    assert "is not installed: " in err
    assert err.endswith("pip install prometheus_client\n")


def test_a_sample_outside_its_bound_is_counted_marked_and_ends_with_1(call, monkeypatch):
    """No kernel exceeds its bound, so the bound is made too small here."""
    from rssbound.bounds.counter.interval import EXACT
    from rssbound.cli.commands import observe as observe_module
    from rssbound.live.watch import Watch

    class Nothing:
        def __init__(self, machine, scenario):
            pass

        def of(self, threads, cpus):
            return EXACT

    monkeypatch.setattr(observe_module, "Bounds", Nothing)
    monkeypatch.setattr(session, "Watch", Watch)
    code, out, _ = call("observe", "--all", "--format", "plain")

    assert code == 1
    assert "outside the bound, marked !" in out
    assert any(line.lstrip().startswith("!") for line in out.splitlines())


UNLUCKY = """
import contextlib, os, signal, sys
from rssbound.cli import main
from rssbound.cli.observing import session

class Unlucky(session.Watch):
    def look(self):
        with contextlib.suppress(BaseException):  # as in a finaliser
            os.kill(os.getpid(), signal.{name})
        return super().look()

session.Watch = Unlucky
signal.signal(signal.{name}, signal.SIG_DFL)  # nohup around the tests does not count
asked = "observe --interval 0.01 --count 100 --pid".split()
sys.exit(main.main([*asked, str(os.getpid())]))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_whose_exception_is_lost_ends_the_watch_all_the_same(name):
    script = UNLUCKY.format(name=name)
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 128 + getattr(signal, name)
    assert len(samples_in(ended.stdout)) == 1
