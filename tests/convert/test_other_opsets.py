"""Which opsets are tried where the default won't do."""

from __future__ import annotations

from paritygate.convert.routes.registry import Route, routes_for
from paritygate.convert.targets import DEFAULT_OPSET, MLPACKAGE, ONNX_MODEL
from paritygate.validate.engines import registry as formats


def opsets(routes: tuple[Route, ...], code: str | None) -> list[int | None]:
    return [route.opset for route in routes if route.may_follow(code)]


def test_a_newer_one_follows_what_the_model_needs_and_an_older_one_what_the_engine_refuses() -> None:
    routes = routes_for(formats.SKLEARN_ESTIMATOR, ONNX_MODEL, None)
    assert opsets(routes, "PG408") == [None, 23, 25]
    assert opsets(routes, "PG302") == [None, 23, 17]
    assert all(route.opset is None or route.opset != DEFAULT_OPSET for route in routes)


def test_no_other_one_follows_an_unsupported_operator_or_a_difference() -> None:
    routes = routes_for(formats.SKLEARN_ESTIMATOR, ONNX_MODEL, None)
    assert opsets(routes, "PG404") == opsets(routes, None) == [None]


def test_the_user_s_own_choice_and_the_source_s_own_opset_are_kept() -> None:
    assert len(routes_for(formats.SKLEARN_ESTIMATOR, ONNX_MODEL, None, 18)) == 1
    assert len(routes_for(formats.ONNX, ONNX_MODEL, None)) == 1
    assert all(route.opset is None for route in routes_for(formats.SKLEARN_ESTIMATOR, MLPACKAGE, None))
