"""One proved bundle for all tests of the folder, and the key that signed it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from paritygate.gate.bundle import BundleOptions, bundle


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "net.onnx"
    text = '<ir_version: 8, opset_import: ["" : 17]> net (float[N,3] x) => (float[N,2] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(text)
    weights = np.array([[0.5, -1.25], [2.0, 0.75], [-0.375, 1.5]], np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "w"))
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Private and public keys of the sender, and a stranger's."""
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    from cryptography.hazmat.primitives.asymmetric import ec

    folder, found = tmp_path_factory.mktemp("keys"), {}
    for owner in ("sender", "stranger"):
        key = ec.generate_private_key(ec.SECP256R1())
        pem = serialization.Encoding.PEM
        found[owner], found[f"{owner}.pub"] = folder / f"{owner}.pem", folder / f"{owner}.pub.pem"
        found[owner].write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        found[f"{owner}.pub"].write_bytes(public)
    return found


@pytest.fixture(scope="session")
def signed(network: Path, keys: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("model_signing")
    path = tmp_path_factory.mktemp("bundle") / "net.parity.zip"
    assert bundle(network, path, BundleOptions(sign=keys["sender"], licence="apache-2.0")).report.passed
    return path
