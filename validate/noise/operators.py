"""How much each ONNX operator rounds, in units of its dtype's unit roundoff.

The results of operators that aren't listed are accurate to one unit: additions, products, quotients.
"""

from __future__ import annotations

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
"""Operators that select, count or move values: they add no rounding error."""

COMPARISONS = _names("Equal Greater GreaterOrEqual IsInf Less LessOrEqual")
"""Mostly guards: they select between results that agree at the threshold, as in ``x > 0 ? x : 0.1*x``."""

DISCONTINUOUS = _names(
    """ArgMax ArgMin Binarizer Ceil Compress DynamicQuantizeLinear Floor Hardmax LabelEncoder Mod NonMaxSuppression
    NonZero OneHot QuantizeLinear Round Shrink Sign TopK TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
    Unique"""
)
"""Operators whose result jumps where an operand crosses a threshold, so that rounding decides there."""

RECURRENT = _names("LSTM GRU RNN")

TREES = _names("TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor")
"""Ensembles add up leaf values; their operands are compared with thresholds, not summed."""

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
"""Operators that add many terms, in an order that each library chooses."""

_ELEMENTARY = _names(
    """Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Elu Erf Exp Gelu GridSample HardSwish LinearClassifier Log
    LogSoftmax Mish Pow ReduceLogSum ReduceLogSumExp Resize SVMClassifier SVMRegressor Selu Sigmoid Sin Sinh Softmax
    Softplus Softsign Swish Tan Tanh"""
)

UNITS: Mapping[str, float] = {**dict.fromkeys(_ELEMENTARY, 4.0), **dict.fromkeys(RECURRENT, 8.0)}
"""Operator -> units of relative error: elementary functions differ by a few units between libraries."""

ABSOLUTE: Mapping[str, float] = {
    **dict.fromkeys(_names("Celu Cos Elu LogSoftmax Selu Sin"), 2.0),
    **dict.fromkeys(_names("Gelu HardSwish Mish Softplus Swish"), 1.0),
    **dict.fromkeys(_names("GRU LSTM RNN Sigmoid Softsign Tanh"), 1.0),
}
"""Operator -> units of absolute error, however small the result: ``exp(x) - 1`` near 0, ONNX Runtime's Sigmoid in its
tail."""
