"""The environment of a worker: what the libraries need and nothing else, so that no model can reach a secret."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

_NAMES = frozenset(
    (
        *("HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TERM", "SYSTEMROOT", "LD_PRELOAD"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
        *("PYTHONHOME", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUSERBASE", "PYTHONNOUSERSITE"),
        *("PYTHONWARNINGS", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONFAULTHANDLER", "PYTHONMALLOC"),
        *("NVIDIA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE", "TF_DETERMINISTIC_OPS", "KERAS_BACKEND", "KERAS_HOME"),
        *("TORCH_HOME", "TORCH_NUM_THREADS", "TORCH_EXTENSIONS_DIR", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"),
        *("TRANSFORMERS_OFFLINE", "JOBLIB_MULTIPROCESSING", "LOKY_MAX_CPU_COUNT", "MPLBACKEND", "MPLCONFIGDIR"),
    )
)
"""Variables that reach a worker."""

_PREFIXES = (
    *("LC_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_", "NUMBA_", "MALLOC_"),
    *("CUDA_", "ROCR_", "HIP_", "XLA_", "ONEDNN_", "DNNL_", "PYTORCH_", "TORCHINDUCTOR_", "TORCHDYNAMO_"),
    *("TF_CPP_", "TF_ENABLE_", "TF_USE_", "TF_XLA_", "TF_NUM_", "TF_FORCE_", "TF_GPU_", "TF_CUDNN_", "TF_DISABLE_"),
)
"""Families of variables that reach a worker. Not TF_ as a whole: Terraform keeps passwords in TF_VAR_ and TF_TOKEN_."""

_NUMERIC = ("NVIDIA_TF32_OVERRIDE", "TF_DETERMINISTIC_OPS", "KERAS_BACKEND", "TORCH_NUM_THREADS", "PYTHONHASHSEED")

_SECRET = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "APIKEY", "API_KEY", "PRIVATE")
"""Words that no variable of a family may have in its name."""

_FOLDERS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
"""Lists of folders, in which an empty entry means the current folder: nearly always an accident."""

_SET = {
    "PYTHONSAFEPATH": "1",  # for the Python processes that a worker starts: none imports from the current folder
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def worker_environment(given: Mapping[str, str], temporary: Path, also: Iterable[str] = ()) -> dict[str, str]:
    """The variables of ``given`` that a worker gets, ``also`` by name, and those that we set.

    Temporary files go to the folder ``temporary``.
    """
    named = frozenset(also)
    chosen = {name: value for name, value in given.items() if name in named or _passes(name)}
    folders = {name: _absolute(given[name], keep_relative=name == "PYTHONPATH") for name in _FOLDERS if name in given}
    places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(temporary))
    return {"TF_CPP_MIN_LOG_LEVEL": "3"} | chosen | {k: v for k, v in folders.items() if v} | _SET | places


def numeric_variables(given: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``given`` that may change what a worker computes, or which code it runs."""
    named = ("PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", *_NUMERIC)
    return {name: given[name] for name in sorted(given) if name in named or name.startswith(_PREFIXES[1:])}


def _passes(name: str) -> bool:
    return name in _NAMES or (name.startswith(_PREFIXES) and not any(word in name for word in _SECRET))


def _absolute(folders: str, *, keep_relative: bool) -> str:
    """A list of folders without empty entries. Relative ones are what they are now, for PYTHONPATH; else left out."""
    given = [entry for entry in folders.split(os.pathsep) if entry]
    kept = given if keep_relative else [entry for entry in given if Path(entry).is_absolute()]
    return os.pathsep.join(str(Path(entry).absolute()) for entry in kept)
