"""Model types, one function each, by the name that Model.proto's ``Type`` has for them."""

from . import glm, ml_program, neural_network
from .base import ModelLowering

MODELS: dict[str, ModelLowering] = {
    "mlProgram": ml_program.ml_program,
    "neuralNetwork": neural_network.neural_network,
    "neuralNetworkClassifier": neural_network.neural_network_classifier,
    "neuralNetworkRegressor": neural_network.neural_network,
    "glmRegressor": glm.glm_regressor,
}
