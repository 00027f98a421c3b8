"""Constant folding: ONNX' own operator tests with every input a constant, and graphs whose parts are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper, parser
from onnx_models import assert_agreement, convert_model

from fixtures.onnx_node_tests import all_cases
from paritygate.convert.routes.coreml.target import coremltools
