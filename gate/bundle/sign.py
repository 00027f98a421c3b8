"""Signatures: one of model-signing over all files, and a statement of ours about parity (DSSE, in-toto).

model-signing writes a Sigstore bundle that any of its verifiers checks. The second file says what the first can't: that
parity was proved for this artifact, by this manifest. Both are made with an elliptic curve key, offline.
DSSE: https://github.com/secure-systems-lab/dsse; in-toto Statement v1: https://in-toto.io/Statement/v1.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from ...validate.errors import ParityGateError
from ...validate.report.environment import sha256_of
from .layout import MODEL, REPORT, SIGNATURES, SUMS, Facts

_OF_FILES, _OF_PARITY = "model.sig", "parity.dsse.json"
_PAYLOAD = "application/vnd.in-toto+json"
PREDICATE = "urn:paritygate:parity:v1"
_REMEDY = "Don't use the model; ask its sender."


def sign(folder: Path, key: Path, facts: Facts) -> None:
    """Sign a bundle's folder with the private key (PEM) in ``key``.

    Raises ParityGateError PG226 without the extra, PG201 for a key that can't sign, PG202 for one that isn't there.
    """
    private, place = _private_key(key), folder / SIGNATURES
    place.mkdir()
    payload = json.dumps(_statement(folder, facts), sort_keys=True).encode()
    signature = private.sign(_encoded(payload), _algorithm(private.curve.key_size))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _PAYLOAD,
        "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
    }
    (place / _OF_PARITY).write_text(json.dumps(envelope, indent=1, sort_keys=True) + "\n")
    config = _library().signing.Config().use_elliptic_key_signer(private_key=key)
    config.set_hashing_config(_hashing(folder)).sign(folder, place / _OF_FILES)


def is_signed(folder: Path) -> bool:
    """Whether a bundle holds signatures, right or wrong."""
    return (folder / SIGNATURES).is_dir()


def check_signature(folder: Path, key: Path, facts: Facts) -> None:
    """Check both signatures with the public key (PEM) in ``key``.

    Raises ParityGateError PG540 for a bundle that isn't signed by that key as it is, and what :func:`sign` raises.
    """
    public, library = _public_key(key), _library()
    from cryptography.exceptions import InvalidSignature

    place = folder / SIGNATURES
    try:
        envelope = json.loads((place / _OF_PARITY).read_bytes())
        payload, signature = (base64.b64decode(text, validate=True) for text in _parts(envelope))
        public.verify(signature, _encoded(payload), _algorithm(public.curve.key_size))
        statement = json.loads(payload)
    except FileNotFoundError as error:
        raise ParityGateError("PG540", folder.name, "the bundle is not signed", _REMEDY) from error
    except (InvalidSignature, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        cause = "its statement of parity is not signed by this key"
        raise ParityGateError("PG540", f"{SIGNATURES}/{_OF_PARITY}", cause, _REMEDY) from error
    if statement != _statement(folder, facts):
        cause = "it is about another bundle, or the bundle was changed after it was signed"
        raise ParityGateError("PG540", f"{SIGNATURES}/{_OF_PARITY}", cause, _REMEDY)
    try:
        verifier = library.verifying.Config().use_elliptic_key_verifier(public_key=key)
        verifier.set_hashing_config(_hashing(folder)).verify(folder, place / _OF_FILES)
    except Exception as error:  # cryptography's, pydantic's and model-signing's own share no base class
        cause = f"its files are not signed by this key as they are: {error or type(error).__name__}"
        raise ParityGateError("PG540", f"{SIGNATURES}/{_OF_FILES}", cause, _REMEDY) from error


def _parts(envelope: Any) -> tuple[str, str]:
    if envelope["payloadType"] != _PAYLOAD:
        raise ValueError(envelope["payloadType"])
    return envelope["payload"], envelope["signatures"][0]["sig"]


def _statement(folder: Path, facts: Facts) -> dict[str, Any]:
    """An in-toto statement: the artifact's files are its subject, the proof its predicate."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"{MODEL}/{name}", "digest": {"sha256": d}} for name, d in sorted(facts.files.items())],
        "predicateType": PREDICATE,
        "predicate": {
            "verdict": "pass",
            "samples": len(facts.samples),
            "redacted": facts.redacted,
            "manifest": {"name": SUMS, "digest": {"sha256": sha256_of(folder / SUMS)}},
            "report": {"name": REPORT, "digest": {"sha256": sha256_of(folder / REPORT)}},
        },
    }


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)


def _algorithm(bits: int) -> Any:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA({256: hashes.SHA256(), 384: hashes.SHA384()}.get(bits, hashes.SHA512()))


def _hashing(folder: Path) -> Any:
    """All files but the signatures themselves."""
    return _library().hashing.Config().set_ignored_paths(paths=[folder / SIGNATURES], ignore_git_paths=False)


def _library() -> Any:
    try:
        import model_signing
        import model_signing.hashing
        import model_signing.signing
        import model_signing.verifying
    except ImportError as error:
        cause = f"signatures need the extra: {error}"
        raise ParityGateError("PG226", "--sign, --key", cause, "pip install 'paritygate[signing]'") from error
    return model_signing


def _private_key(path: Path) -> Any:
    _library()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return _checked(path, _loaded(path, lambda data: load_pem_private_key(data, None)))


def _public_key(path: Path) -> Any:
    _library()
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return _checked(path, _loaded(path, load_pem_public_key))


def _loaded(path: Path, load: Any) -> Any:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise ParityGateError("PG202", str(path), f"the key can't be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        cause = "it holds no PEM key of the kind that is needed, or one with a password"
        raise ParityGateError("PG201", str(path), cause, _MAKE_ONE) from error


def _checked(path: Path, key: Any) -> Any:
    curve = getattr(getattr(key, "curve", None), "name", "")
    if curve not in ("secp256r1", "secp384r1", "secp521r1"):
        raise ParityGateError("PG201", str(path), f"it is not on a curve that model-signing takes ({curve})", _MAKE_ONE)
    return key


_MAKE_ONE = "Make one: openssl ecparam -name prime256v1 -genkey -noout -out key.pem; openssl ec -in key.pem -pubout."
