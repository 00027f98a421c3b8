"""Which policy judges: the user's own, fixed bounds, or the one that is named."""

from __future__ import annotations

from typing import assert_never

from ..options import JudgeOptions, PolicyName
from .computed import ComputedPolicy
from .policies import DefaultPolicy, FixedPolicy, OverridingPolicy
from .policy import Policy


def choose_policy(options: JudgeOptions) -> Policy:
    """The policy that the options describe. Raises ParityGateError PG201 for bounds that make no sense."""
    policy = _policy(options)
    return OverridingPolicy(policy, options.tolerances) if options.tolerances else policy


def _policy(options: JudgeOptions) -> Policy:
    if options.rtol is not None and options.atol is not None:
        return FixedPolicy(options.rtol, options.atol)
    return _named(options.policy) if isinstance(options.policy, PolicyName) else options.policy


def _named(name: PolicyName) -> Policy:
    match name:
        case PolicyName.COMPUTED:
            return ComputedPolicy()
        case PolicyName.TABLE:
            return DefaultPolicy()
    assert_never(name)
