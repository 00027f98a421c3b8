"""A real Dask scheduler and two workers on this machine; one is killed while it works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from gate_models import write_config, write_model

from paritygate.gate import GateOptions, gate
from paritygate.gate.api import Silent
from paritygate.gate.config.file import load_config
from paritygate.gate.crews.cluster import Address
from paritygate.gate.crews.parcel import do, pack, unpack
from paritygate.gate.plan import make_plan
from paritygate.validate.errors import ParityGateError
from paritygate.validate.report.document import Entry

pytest.importorskip("distributed")

MODELS = 6


@dataclass
class Cluster:
    address: str
    workers: list[subprocess.Popen[bytes]]


def started(*arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "20s", "DASK_CONFIG": str(folder)}
    with (folder / "log.txt").open("ab") as log:
        command = [sys.executable, "-P", "-m", "distributed.cli." + arguments[0], *arguments[1:]]
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    file = folder / "scheduler.json"
    place = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
    processes = [started("dask_scheduler", *place, "--scheduler-file", str(file), folder=folder)]
    one = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(file))
    try:
        for _ in range(200):
            if file.is_file() and file.read_text().strip().endswith("}"):
                break
            time.sleep(0.05)
        processes += [started("dask_worker", *one, folder=folder) for _ in range(2)]
        import json

        yield Cluster(json.loads(file.read_text())["address"].replace("tcp://", "dask://"), processes[1:])
    finally:
        for process in processes[::-1]:
            process.kill()
            process.wait()


class Killing(Silent):
    """Kills one of the cluster's workers when the first entry is done, and counts what it is told."""

    def __init__(self, victim: subprocess.Popen[bytes]) -> None:
        self.victim = victim
        self.done_times: Counter[str] = Counter()

    def done(self, entry: Entry) -> None:
        if not self.done_times:
            self.victim.send_signal(signal.SIGKILL)
        self.done_times[entry.model] += 1


@pytest.mark.parametrize("scheme", ["dask", "dask+shared"])
def test_a_worker_that_is_killed_takes_nothing_with_it(folder: Path, cluster: Cluster, scheme: str) -> None:
    for number in range(MODELS):
        write_model(folder / "fleet" / f"m{number}.onnx", number + 1.0)
    write_config(folder, '[[model]]\npath = "fleet/*.onnx"\n')
    watcher = Killing(cluster.workers[0])
    address = cluster.address.replace("dask", scheme, 1)
    document = gate(options=GateOptions(executor=address, cache=False), watcher=watcher)
    assert [entry.status.value for entry in document.entries] == ["pass"] * MODELS, [e.error for e in document.entries]
    assert cluster.workers[0].wait(10) == -signal.SIGKILL
    assert set(watcher.done_times.values()) == {1}
    assert sorted(path.name for path in (folder / "exported").rglob("*") if path.is_file()) == [
        f"m{number}.onnx" for number in range(MODELS)
    ]
    for entry in document.entries:
        onnx.checker.check_model(entry.written)
        assert entry.report is not None
        assert entry.report.candidate.path.endswith(entry.written)


def test_a_parcel_holds_all_that_a_model_needs(folder: Path, tmp_path: Path) -> None:
    """External data travels, and reports name the files as the user knows them."""
    path = folder / "models" / "a.onnx"
    model = onnx.load(str(path))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(4096, np.float32), "w"))
    onnx.save(model, str(path), save_as_external_data=True, location="a.data", size_threshold=0)
    np.savez(folder / "x.npz", x=np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32))
    np.save(folder / "labels.npy", np.arange(3))
    table = 'path = "models/a.onnx"\nsamples = "x.npz"\nmetrics = ["top(y, truth=labels.npy)"]\n'
    write_config(folder, f"[[model]]\n{table}")
    (entry,) = make_plan(load_config())
    parcel = pack(entry)
    assert sorted(parcel.files) == [
        *("config/paritygate.toml", "samples/x.npz", "source/a.data", "source/a.onnx", "truth/labels.npy"),
    ]
    delivery = do(parcel, tmp_path / "there")
    assert delivery.produced.error is None
    assert delivery.produced.report is not None
    assert delivery.produced.report.passed
    assert [metric.name for metric in delivery.produced.report.user_metrics] == ["top(y, truth=labels.npy)"]
    assert delivery.produced.report.reference.path == "models/a.onnx"
    assert delivery.produced.report.candidate.path == "exported/models/a.onnx"
    assert str(tmp_path / "there") not in str(delivery.produced.report)
    produced = unpack(delivery, tmp_path / "back")
    assert produced.artifact == tmp_path / "back" / "a.onnx"
    assert produced.artifact.is_file()


def test_a_missing_file_is_said_as_the_user_named_it(folder: Path, tmp_path: Path) -> None:
    write_config(folder, '[[model]]\npath = "gone.onnx"\n')
    (entry,) = make_plan(load_config())
    error = do(pack(entry), tmp_path / "there").produced.error
    assert error is not None
    assert (error.code, error.subject) == ("PG202", "gone.onnx")


@pytest.mark.parametrize(
    ("text", "scheduler", "shared"),
    [
        ("dask://h:1", "tcp://h:1", False),
        ("dask+shared://h:1", "tcp://h:1", True),
        ("dask+tls+shared://h:1", "tls://h:1", True),
    ],
)
def test_addresses(text: str, scheduler: str, shared: bool) -> None:
    assert Address.parse(text) == Address(scheduler, shared)


@pytest.mark.parametrize("text", ["h:1", "ray://h:1", "dask://", "dask+ftp://h:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ParityGateError, match="Dask scheduler"):
        Address.parse(text)
