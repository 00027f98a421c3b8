"""What pickles and skops files of scikit-learn's and the boosters' estimators hold: exact names, all of them listed.

The lists are written down, not derived while a file is read: a rule such as "every class of scikit-learn" would also
allow what nobody looked at, in this release and in the next. tests/validate/engines/sklearn/test_names.py derives the
names from the installed libraries and holds that none is missing. Left out on purpose: everything that opens files,
connects or imports by name (``sklearn.datasets``, ``sklearn.externals``, ``sklearn.utils._testing``, joblib's memory).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ParityGateError
from ...guard.names import Names, StateCheck, exact
from ...guard.standard import NUMPY, PYTHON
from .estimator_names import ESTIMATORS
from .lightgbm_text import DamagedModelError, check_text

_DISTANCES = [
    "BrayCurtis",
    "Canberra",
    "Chebyshev",
    "Dice",
    "Euclidean",
    "Hamming",
    "Haversine",
    "Jaccard",
    "Kulsinski",
    "Mahalanobis",
    "Manhattan",
    "Matching",
    "Minkowski",
    "PyFunc",
    "RogersTanimoto",
    "RussellRao",
    "SEuclidean",
    "SokalMichener",
    "SokalSneath",
]

_HELPERS = {
    "sklearn._loss.link": "HalfLogitLink IdentityLink Interval LogLink LogitLink MultinomialLogit",
    "sklearn._loss.loss": (
        "AbsoluteError ExponentialLoss HalfBinomialLoss HalfBinomialLossArrayAPI HalfGammaLoss HalfMultinomialLoss "
        "HalfMultinomialLossArrayAPI HalfPoissonLoss HalfPoissonLossArrayAPI HalfSquaredError HalfTweedieLoss "
        "HalfTweedieLossIdentity HuberLoss PinballLoss"
    ),
    "sklearn.calibration": "_CalibratedClassifier",
    "sklearn.cluster._birch": "_CFNode _CFSubcluster",
    "sklearn.cluster._bisect_k_means": "_BisectingTree",
    "sklearn.compose._column_transformer": "make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "sklearn.gaussian_process.kernels": (
        "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Hyperparameter Matern PairwiseKernel "
        "Product RBF RationalQuadratic Sum WhiteKernel"
    ),
    "sklearn.impute._iterative": "_ImputerTriplet",
    "sklearn.linear_model._linear_loss": "LinearModelLoss",
    "sklearn.metrics._scorer": "_CurveScorer _MultimetricScorer _PassthroughScorer _Scorer",
    "sklearn.model_selection._search": "ParameterGrid ParameterSampler",
    "sklearn.model_selection._search_successive_halving": "_SubsampleMetaSplitter",
    "sklearn.model_selection._split": (
        "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut PredefinedSplit "
        "RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold StratifiedKFold "
        "StratifiedShuffleSplit TimeSeriesSplit _CVIterableWrapper"
    ),
    "sklearn.neighbors._ball_tree": "BallTree BallTree32 BallTree64",
    "sklearn.neighbors._kd_tree": "KDTree KDTree32 KDTree64",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.utils._metadata_requests": (
        "MetadataRequest MetadataRouter MethodMapping MethodMetadataRequest MethodPair RouterMappingPair"
    ),
}
_LOSSES = [
    "AbsoluteError",
    "ExponentialLoss",
    "HalfBinomialLoss",
    "HalfGammaLoss",
    "HalfMultinomialLoss",
    "HalfPoissonLoss",
    "HalfSquaredError",
    "HalfTweedieLoss",
    "HalfTweedieLossIdentity",
    "HuberLoss",
    "PinballLoss",
]
_CALLS = {
    "sklearn._loss._loss": f"{' '.join('Cy' + loss for loss in _LOSSES)} __pyx_unpickle_CyHalfMultinomialLoss",
    "sklearn.linear_model._sgd_fast": "EpsilonInsensitive Hinge ModifiedHuber SquaredEpsilonInsensitive SquaredHinge",
    "sklearn.metrics._dist_metrics": " ".join([f"{name}Distance{bits}" for name in _DISTANCES for bits in (32, 64)])
    + " newObj",
    "sklearn.neighbors._ball_tree": "newObj",
    "sklearn.neighbors._kd_tree": "newObj",
    "sklearn.tree._tree": "Tree",
}
_FUNCTIONS = {
    "sklearn.base": "clone",
    "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
    "sklearn.feature_extraction.text": "strip_accents_ascii strip_accents_unicode strip_tags",
    "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
    "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_oneway f_regression r_regression",
    "sklearn.metrics._classification": (
        "accuracy_score balanced_accuracy_score brier_score_loss cohen_kappa_score d2_brier_score d2_log_loss_score "
        "f1_score fbeta_score hamming_loss hinge_loss jaccard_score log_loss matthews_corrcoef precision_score "
        "recall_score zero_one_loss"
    ),
    "sklearn.metrics._ranking": (
        "auc average_precision_score coverage_error dcg_score label_ranking_average_precision_score "
        "label_ranking_loss ndcg_score roc_auc_score top_k_accuracy_score"
    ),
    "sklearn.metrics._regression": (
        "d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error "
        "mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss "
        "mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance median_absolute_error "
        "r2_score root_mean_squared_error root_mean_squared_log_error"
    ),
    "sklearn.metrics._scorer": "negative_likelihood_ratio positive_likelihood_ratio",
    "sklearn.metrics.cluster._supervised": (
        "adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score homogeneity_score "
        "mutual_info_score normalized_mutual_info_score rand_score v_measure_score"
    ),
    "sklearn.metrics.cluster._unsupervised": "calinski_harabasz_score davies_bouldin_score silhouette_score",
    "sklearn.metrics.pairwise": (
        "additive_chi2_kernel chi2_kernel cosine_distances cosine_similarity euclidean_distances haversine_distances "
        "laplacian_kernel linear_kernel manhattan_distances nan_euclidean_distances polynomial_kernel rbf_kernel "
        "sigmoid_kernel"
    ),
    "sklearn.preprocessing._data": "binarize maxabs_scale minmax_scale normalize robust_scale scale",
    "sklearn.preprocessing._function_transformer": "_identity",
    "sklearn.utils.validation": "check_array",
}

_SPARSE = {
    f"scipy.sparse._{kind}": f"{kind}_matrix {kind}_array" for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
}
_BOOSTERS = {
    "xgboost.core": "Booster",
    "xgboost.callback": "EarlyStopping EvaluationMonitor",
    "xgboost.sklearn": "XGBClassifier XGBModel XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor",
    "lightgbm.basic": "Booster",
    "lightgbm.sklearn": "LGBMClassifier LGBMModel LGBMRanker LGBMRegressor",
    "catboost.core": "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor",
}
_PANDAS = {
    "pandas": "Categorical CategoricalDtype CategoricalIndex DataFrame DatetimeIndex Index MultiIndex RangeIndex "
    "Series",
    "pandas.arrays": "BooleanArray DatetimeArray FloatingArray IntegerArray NumpyExtensionArray StringArray "
    "TimedeltaArray",
    "pandas.core.internals.managers": "SingleBlockManager",
}
_PANDAS_CALLS = {
    "pandas": "StringDtype",
    "pandas._libs.arrays": "__pyx_unpickle_NDArrayBacked",
    "pandas._libs.internals": "_unpickle_block",
    "pandas.core.indexes.base": "_new_Index",
    "pandas.core.internals.managers": "BlockManager",
}
_PANDAS_MOVED = {
    "pandas.core.frame": "DataFrame",
    "pandas.core.series": "Series",
    "pandas.core.indexes.base": "Index",
    "pandas.core.indexes.category": "CategoricalIndex",
    "pandas.core.indexes.datetimes": "DatetimeIndex",
    "pandas.core.indexes.multi": "MultiIndex",
    "pandas.core.indexes.range": "RangeIndex",
    "pandas.core.arrays.categorical": "Categorical",
    "pandas.core.dtypes.dtypes": "CategoricalDtype",
}


def _template_of_the_class(made: Any, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of a distribution, which holds source code that it executes: it must be the class's own."""
    own = type(made)()
    if state["_parse_arg_template"] != own._parse_arg_template:
        raise ValueError("code of its own")
    return state


_CONTINUOUS = ["beta", "expon", "gamma", "halfnorm", "lognorm", "norm", "reciprocal", "truncnorm", "uniform"]
_DISCRETE = ["binom", "geom", "poisson", "randint"]
_DISTRIBUTIONS = {
    "scipy.stats._continuous_distns": " ".join(f"{name}_gen" for name in _CONTINUOUS),
    "scipy.stats._discrete_distns": " ".join(f"{name}_gen" for name in _DISCRETE),
}


def _checked_text(made: Any, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The state of a LightGBM Booster, whose text LightGBM follows without looking. Raises PG402 for a damaged one."""
    text = state.get("_handle", state.get("handle"))
    try:
        check_text(str(text or "").encode())
    except DamagedModelError as error:
        cause = f"its LightGBM Booster is damaged: {error}"
        raise ParityGateError("PG402", "LightGBM", cause, "Save the model again.") from error
    return state


_STATES: dict[tuple[str, str], StateCheck] = {
    **dict.fromkeys(exact(_DISTRIBUTIONS), _template_of_the_class),
    ("lightgbm.basic", "Booster"): _checked_text,
}

_SPECIAL = "boxcox erf erfc expit gammaln inv_boxcox log_ndtr logit ndtr ndtri xlogy"
_WHERE_SPECIAL = ("scipy.special", "scipy.special._basic", "scipy.special._special_ufuncs")

_SCIPY = Names(
    classes=exact(
        {
            **_SPARSE,
            **_DISTRIBUTIONS,
            "scipy.interpolate._bsplines": "BSpline",
            "scipy.interpolate._interpolate": "interp1d",
            "scipy.stats._distn_infrastructure": "rv_continuous_frozen rv_discrete_frozen",
            "numpy": "vectorize",
        }
    ),
    values=exact(
        {
            "scipy._lib.array_api_compat.numpy._aliases": "asarray",
            "scipy.special._ufuncs": _SPECIAL,
            "scipy.spatial.distance": "braycurtis canberra chebyshev cityblock correlation cosine euclidean jaccard "
            "minkowski sqeuclidean",
        }
    ),
    methods=frozenset((module, name, "_entropy") for module, name in exact(_DISTRIBUTIONS)),
    moved={(module, name): ("scipy.special._ufuncs", name) for module in _WHERE_SPECIAL for name in _SPECIAL.split()},
    states=_STATES,
)

SKLEARN = (
    PYTHON
    | NUMPY
    | _SCIPY
    | Names(
        classes=exact(ESTIMATORS) | exact(_HELPERS) | exact(_BOOSTERS) | exact(_PANDAS),
        calls=exact(_CALLS) | exact(_PANDAS_CALLS),
        values=exact(_FUNCTIONS),
        moved={(module, name): ("pandas", name) for module, name in exact(_PANDAS_MOVED)},
    )
)
"""Every name that a saved estimator may hold, for joblib, plain pickles and skops alike."""
