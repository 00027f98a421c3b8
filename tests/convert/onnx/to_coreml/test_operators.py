"""ONNX to Core ML: ONNX' own operator tests."""

from __future__ import annotations

import gc

import pytest

from fixtures.onnx_node_tests import Case, cases_of, convert_case, measure

MODULES = [
    "affinegrid",
    "argmax",
    "averagepool",
    "batch_normalization",
    "bitshift",
    "bitwiseand",
    "celu",
    "clip",
    "col2im",
    "constantofshape",
    "conv",
    "convtranspose",
    "cumsum",
    "deformconv",
    "depthtospace",
    "det",
    "div",
    "dropout",
    "einsum",
    "expand",
    "eyelike",
    "flatten",
    "gather",
    "gathernd",
    "gelu",
    "gemm",
    "gridsample",
    "groupnormalization",
    "instance_normalization",
    "layernormalization",
    "logsoftmax",
    "lrn",
    "matmul",
    "maxpool",
    "maxunpool",
    "mod",
    "nonmaxsuppression",
    "onehot",
    "pad",
    "pow",
    "prelu",
    "rangeop",
    "reduce_log_sum_exp",
    "reducesum",
    "resize",
    "roialign",
    "rmsnormalization",
    "rotaryembedding",
    "scatterelements",
    "scatternd",
    "slice",
    "softmax",
    "spacetodepth",
    "split",
    "tile",
    "topk",
    "trilu",
    "unique",
    "where",
    "lstm",
    "gru",
    "rnn",
    "if_",
    "loop",
    "scan",
    "quantizelinear",
    "dequantizelinear",
    "dynamicquantizelinear",
    "qlinearconv",
    "qlinearmatmul",
    "convinteger",
    "matmulinteger",
    "ai_onnx_ml.array_feature_extractor",
    "ai_onnx_ml.binarizer",
    "ai_onnx_ml.tree_ensemble",
]
"""Files of ONNX' operator tests, by their names there."""

PASS = [
    "argmax_default_axis_example_select_last_index",
    "averagepool_2d_ceil",
    "averagepool_2d_dilations",
    "averagepool_2d_same_lower",
    "averagepool_3d_default",
    "batchnorm_epsilon_training_mode",
    "bitshift_left_uint8",
    "bitwise_and_i32_2d",
    "celu",
    "clip_default_int8_max",
    "basic_conv_with_padding",
    "conv_with_autopad_same",
    "deform_conv_with_mask_bias",
    "depthtospace_crd_mode_example",
    "det_nd",
    "div_uint8",
    "dropout_default_mask",
    "einsum_batch_diagonal",
    "einsum_inner_prod",
    "expand_dim_changed",
    "eyelike_with_dtype",
    "flatten_negative_axis1",
    "gather_negative_indices",
    "gathernd_example_int32_batch_dim1",
    "gelu_tanh_2",
    "gemm_all_attributes",
    "gridsample_reflection_padding",
    "group_normalization_epsilon",
    "instancenorm_epsilon",
    "layer_normalization_4d_axis1",
    "logsoftmax_large_number",
    "lrn",
    "matmul_4d_1d",
    "maxpool_2d_dilations",
    "maxpool_2d_uint8",
    "maxpool_with_argmax_2d_precomputed_strides",
    "mod_int64_fmod",
    "mod_mixed_sign_float32",
    "pow_types_int32_float32",
    "prelu_broadcast",
    "range_int32_type_negative_delta",
    "roialign_mode_max",
    "rms_normalization_3d_axis0_epsilon",
    "rotary_embedding_interleaved",
    "scatter_elements_with_duplicate_indices",
    "scatternd_max",
    "softmax_axis_0",
    "split_equal_parts_default_axis_opset18",
    "where_long_example",
    "unique_not_sorted_without_axis",
    "lstm_batchwise",
    "lstm_bidirectional",
    "gru_seq_length",
    "rnn_seq_length",
    "if",
    "loop11",
    "quantizelinear_axis",
    "quantizelinear_blocked_asymmetric",
    "dynamicquantizelinear_min_adjusted_expanded",
    "qlinearconv",
    "qlinearmatmul_3D_int8_float16",
    "convinteger_with_padding",
    "ai_onnx_ml_array_feature_extractor",
    "ai_onnx_ml_tree_ensemble_single_tree",
    "ai_onnx_ml_tree_ensemble_set_membership",
]
"""Cases that pass with every input computed: an unusual option of each family, which covers the usual ones."""

PASS_FIXED = [
    "cumsum_1d_reverse_exclusive",
    "col2im_pads",
    "constantofshape_int_zeros",
    "convtranspose_output_shape",
    "convtranspose_group_2",
    "maxunpool_export_with_output_shape",
    "nonmaxsuppression_two_batches",
    "onehot_with_negative_axis",
    "wrap_pad",
    "constant_pad_axes",
    "reduce_log_sum_exp_keepdims_random",
    "reduce_sum_empty_axes_input_noop",
    "resize_downsample_scales_cubic_antialias",
    "resize_tf_crop_and_resize_extrapolation_value",
    "resize_upsample_sizes_nearest_not_larger",
    "slice_neg_steps",
    "tile",
    "top_k_smallest",
    "tril_neg",
]
"""Cases that pass once their parameters are constants (or as they are)."""


@pytest.fixture(scope="module")
def collected() -> dict[str, Case]:
    found = {case.name.removeprefix("test_"): case for case in cases_of(*MODULES)}
    gc.freeze()  # coremltools collects garbage after each conversion
    return found


@pytest.mark.parametrize("name", PASS)
def test_operator(collected: dict[str, Case], name: str) -> None:
    result = measure(collected[name], convert_case, ".mlpackage")
    assert result.outcome == "passes", result.detail


@pytest.mark.parametrize("name", PASS_FIXED)
def test_operator_with_constant_parameters(collected: dict[str, Case], name: str) -> None:
    result = measure(collected[name], convert_case, ".mlpackage")
    assert result.outcome in ("passes", "fixed"), result.detail


@pytest.mark.parametrize(
    "name", ["gemm_all_attributes", "averagepool_2d_same_lower", "layer_normalization_4d_axis1", "where_long_example"]
)
def test_neural_network(collected: dict[str, Case], name: str) -> None:
    assert measure(collected[name], convert_case, ".mlmodel").outcome == "passes"
