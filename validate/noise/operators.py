"""How much each ONNX operator rounds, in units of its dtype's unit roundoff.

Operators that aren't listed give results that are right to one unit: additions, products, quotients.
"""

from __future__ import annotations

import math
from collections.abc import Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


EXACT = _names(
    """Abs And ArgMax ArgMin ArrayFeatureExtractor Bernoulli Binarizer BitShift BitwiseAnd BitwiseNot BitwiseOr
    BitwiseXor CastLike CategoryMapper Ceil Clip Col2Im Compress Concat ConcatFromSequence Constant ConstantOfShape
    ConvInteger DepthToSpace DictVectorizer Dropout DynamicQuantizeLinear Equal Expand EyeLike FeatureVectorizer Flatten
    Floor Gather GatherElements GatherND Greater GreaterOrEqual Hardmax Identity If Imputer IsInf IsNaN LabelEncoder
    Less LessOrEqual Loop MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Min Multinomial Neg NonMaxSuppression NonZero
    Not OneHot OneHotEncoder Optional OptionalGetElement Or Pad QuantizeLinear RandomNormal RandomNormalLike
    RandomUniform RandomUniformLike Range ReduceMax ReduceMin Relu Reshape ReverseSequence Round Scan ScatterElements
    ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength Shape Shrink Sign
    Size Slice SpaceToDepth Split SplitToSequence Squeeze StringNormalizer TfIdfVectorizer ThresholdedRelu Tile TopK
    Transpose Trilu Unique Unsqueeze Where Xor ZipMap"""
)
"""Operators that choose, count or move values: their results carry no rounding of their own."""

COMPARISONS = _names("Equal Greater GreaterOrEqual IsInf Less LessOrEqual")
"""What mostly guards an operation, choosing between results that agree where they meet: ``x > 0 ? x : 0.1*x``."""

JUMPS = _names(
    """ArgMax ArgMin Binarizer Ceil Compress DynamicQuantizeLinear Floor Hardmax LabelEncoder Mod NonMaxSuppression
    NonZero OneHot QuantizeLinear Round Shrink Sign TopK TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
    Unique"""
)
"""Operators whose results jump where an operand crosses some value, so that rounding decides there."""

RECURRENT = _names("LSTM GRU RNN")

TREES = _names("TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor")
"""Ensembles add up leaves; their operands are compared, not summed."""

SUMS = (
    RECURRENT
    | TREES
    | _names(
        """Attention AveragePool BatchNormalization Conv ConvTranspose CumSum DFT Einsum Gemm GlobalAveragePool
        GlobalLpPool GroupNormalization InstanceNormalization LRN LayerNormalization LinearClassifier LinearRegressor
        LogSoftmax LpNormalization LpPool MatMul MeanVarianceNormalization Normalizer QLinearMatMul RMSNormalization
        ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceProd ReduceSum ReduceSumSquare STFT
        Scaler SVMClassifier SVMRegressor Softmax"""
    )
)
"""Operators that add many terms, in an order of the library's own."""

_ELEMENTARY = _names(
    """Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Elu Erf Exp Gelu GridSample HardSwish LinearClassifier Log
    LogSoftmax Mish Pow ReduceLogSum ReduceLogSumExp Resize SVMClassifier SVMRegressor Selu Sigmoid Sin Sinh Softmax
    Softplus Softsign Swish Tan Tanh"""
)

UNITS: Mapping[str, float] = {**dict.fromkeys(_ELEMENTARY, 4.0), **dict.fromkeys(RECURRENT, 8.0)}
"""Elementary functions differ by a few units from one library to the next."""

ABSOLUTE: Mapping[str, float] = {
    **dict.fromkeys(_names("Celu Cos Elu LogSoftmax Selu Sin"), 2.0),
    **dict.fromkeys(_names("Gelu HardSwish Mish Softplus Swish"), 1.0),
    **dict.fromkeys(_names("GRU LSTM RNN Sigmoid Softsign Tanh"), 1.0),
}
"""Units of 1 that results err by however small they are: ``exp(x) - 1`` near 0, ONNX Runtime's Sigmoid in its tail."""

_BLOCK = 128
"""Terms that a library adds one after the other; longer sums are split into such blocks, whose sums are added."""


def of_result(terms: int) -> float:
    """Units of a sum whose terms have one sign: a partial sum of k terms rounds by k times a term's.

    Standard deviations: the errors of the partial sums, ``k*u*mean`` for k up to n, add up to ``u*mean*n**1.5/3``.
    """
    return max(1.0, math.sqrt(min(terms, _BLOCK) / 3))


def of_operand(terms: int) -> float:
    """Units on each term that stand for the rounding of a sum of terms of both signs.

    The partial sums grow like ``sqrt(k)``, their errors add up to ``u*n/sqrt(2)`` of a term's size, and n independent
    errors of ``a`` units to ``a*u*sqrt(n)`` (Higham and Mary, A New Approach to Probabilistic Rounding Error Analysis,
    2019).
    """
    return max(1.0, math.sqrt(min(terms, _BLOCK) / 2))
