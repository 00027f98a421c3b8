"""Harmless names of Python's standard library and of numpy that models of every kind hold."""

from __future__ import annotations

from .names import Names, exact

_VALUES = "bool bytes dict float int list str tuple Ellipsis NotImplemented"
_MADE_BY_CALLS = "bytearray bytes complex frozenset range set slice"
_OLD_NAMES = {"unicode": "str", "long": "int", "xrange": "range"}

PYTHON = Names(
    classes=exact({"builtins": "object", "collections": "OrderedDict Counter defaultdict deque"}),
    calls=exact(
        {
            "builtins": f"{_MADE_BY_CALLS} getattr",
            "collections": "OrderedDict Counter defaultdict deque",
            "copyreg": "_reconstructor",
            "datetime": "date datetime time timedelta timezone",
            "decimal": "Decimal",
            "fractions": "Fraction",
            "functools": "partial",
            "uuid": "UUID",
            "_codecs": "encode",
        }
    ),
    values=exact({"builtins": _VALUES}),
    moved={
        **{("__builtin__", name): ("builtins", name) for name in f"{_MADE_BY_CALLS} {_VALUES} object getattr".split()},
        **{("__builtin__", old): ("builtins", new) for old, new in _OLD_NAMES.items()},
        ("copy_reg", "_reconstructor"): ("copyreg", "_reconstructor"),
    },
)
"""Containers, numbers and dates. ``getattr`` makes only the bound methods that are listed; the reader sees to that."""

_SCALARS = (
    "bool int8 int16 int32 int64 intc longlong uint8 uint16 uint32 uint64 uintc ulonglong float16 float32 float64 "
    "longdouble complex64 complex128 clongdouble str_ bytes_ object_ void datetime64 timedelta64 number integer "
    "floating signedinteger unsignedinteger inexact complexfloating generic"
)
_UFUNCS = (
    "absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt ceil cos cosh deg2rad degrees divide equal "
    "exp exp2 expm1 fabs floor floor_divide fmax fmin greater greater_equal hypot isfinite isinf isnan less "
    "less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor maximum minimum mod "
    "multiply negative not_equal positive power rad2deg radians reciprocal remainder rint sign sin sinh sqrt square "
    "subtract tan tanh trunc"
)
_FUNCTIONS = (
    "abs amax amin any all argmax argmin around asarray average clip concatenate count_nonzero cumprod cumsum diff "
    "expand_dims hstack max mean median min nan_to_num nanmax nanmean nanmedian nanmin nanstd nansum nanvar "
    "percentile prod ptp quantile ravel real reshape round squeeze stack std sum transpose var vstack where"
)
_DTYPES = (
    "BoolDType ByteDType Int8DType Int16DType Int32DType Int64DType IntDType LongDType LongLongDType UByteDType "
    "UInt8DType UInt16DType UInt32DType UInt64DType UIntDType ULongDType ULongLongDType Float16DType Float32DType "
    "Float64DType LongDoubleDType Complex64DType Complex128DType CLongDoubleDType StrDType BytesDType ObjectDType "
    "VoidDType DateTime64DType TimeDelta64DType"
)
_BIT_GENERATORS = {
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._sfc64": "SFC64",
}
_REBUILDERS = {"multiarray": ("_reconstruct", "scalar"), "numeric": ("_frombuffer",)}

NUMPY = Names(
    classes=exact(
        {
            "numpy": "ndarray matrix",
            "numpy.ma": "MaskedArray",
            "numpy.random.mtrand": "RandomState",
            "numpy.random._generator": "Generator",
            "numpy.random.bit_generator": "SeedSequence",
            **_BIT_GENERATORS,
        }
    ),
    calls=exact(
        {
            "numpy": "dtype",
            "numpy.ma.core": "_mareconstruct",
            "numpy._core.multiarray": "_reconstruct scalar",
            "numpy._core.numeric": "_frombuffer",
            "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
            "numpy.random.bit_generator": "__pyx_unpickle_SeedSequence",
        }
    ),
    values=exact({"numpy": f"{_SCALARS} {_UFUNCS} {_FUNCTIONS}", "numpy.dtypes": _DTYPES}),
    moved={
        **{
            (f"numpy.core.{module}", name): (f"numpy._core.{module}", name)
            for module, names in _REBUILDERS.items()
            for name in names
        },
        ("numpy", "bool_"): ("numpy", "bool"),
        ("numpy.ma.core", "MaskedArray"): ("numpy.ma", "MaskedArray"),
        ("numpy.matrixlib.defmatrix", "matrix"): ("numpy", "matrix"),
        ("numpy.random", "RandomState"): ("numpy.random.mtrand", "RandomState"),
        ("numpy.random", "Generator"): ("numpy.random._generator", "Generator"),
    },
)
"""Arrays, scalars, random states, and mathematical functions that an estimator may keep as a parameter."""
