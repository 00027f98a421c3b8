"""Which TensorFlow operators may run: judged by TensorFlow's own registry and explicit lists, before any graph runs.

TensorFlow marks operators that do more than compute as stateful. A model needs some of these (variables, tables, random
numbers); they are listed in :data:`STATEFUL`, and any other one is refused. A few operators that touch files, the
network or libraries aren't marked; these are listed in :data:`TOUCHING`.
"""

from __future__ import annotations

from typing import Any

_CONTROL = (
    "Assert Case CheckNumerics CheckNumericsV2 DestroyResourceOp DeviceIndex DisableCopyOnRead Empty GuaranteeConst If "
    "IsResourceHandleRefCounting Print StatefulPartitionedCall StatelessRandomGetAlg TemporaryVariable Timestamp While"
)
_VARIABLES = (
    "AssignAddVariableOp AssignSubVariableOp AssignVariableOp ConsumeMutexLock MutexLock MutexV2 ReadVariableOp "
    "ResourceCountUpTo ResourceGather ResourceGatherNd ResourceScatterAdd ResourceScatterDiv ResourceScatterMax "
    "ResourceScatterMin ResourceScatterMul ResourceScatterNdAdd ResourceScatterNdMax ResourceScatterNdMin "
    "ResourceScatterNdSub ResourceScatterNdUpdate ResourceScatterSub ResourceScatterUpdate ResourceStridedSliceAssign "
    "VarHandleOp VarIsInitializedOp Variable VariableShape VariableV2"
)
_TRAINING = (
    "ResourceApplyAdaMax ResourceApplyAdadelta ResourceApplyAdagrad ResourceApplyAdagradDA ResourceApplyAdagradV2 "
    "ResourceApplyAdam ResourceApplyAdamWithAmsgrad ResourceApplyAddSign ResourceApplyCenteredRMSProp "
    "ResourceApplyFtrl ResourceApplyFtrlV2 ResourceApplyGradientDescent ResourceApplyKerasMomentum "
    "ResourceApplyMomentum ResourceApplyPowerSign ResourceApplyProximalAdagrad ResourceApplyProximalGradientDescent "
    "ResourceApplyRMSProp ResourceSparseApplyAdadelta ResourceSparseApplyAdagrad ResourceSparseApplyAdagradDA "
    "ResourceSparseApplyAdagradV2 ResourceSparseApplyCenteredRMSProp ResourceSparseApplyFtrl "
    "ResourceSparseApplyFtrlV2 ResourceSparseApplyKerasMomentum ResourceSparseApplyMomentum "
    "ResourceSparseApplyProximalAdagrad ResourceSparseApplyProximalGradientDescent ResourceSparseApplyRMSProp"
)
_TABLES = (
    "AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable AnonymousMutableHashTableOfTensors "
    "HashTable HashTableV2 InitializeTableV2 LookupTableExportV2 LookupTableFindV2 LookupTableImportV2 "
    "LookupTableInsertV2 LookupTableRemoveV2 LookupTableSizeV2 MutableDenseHashTable MutableDenseHashTableV2 "
    "MutableHashTable MutableHashTableOfTensors MutableHashTableOfTensorsV2 MutableHashTableV2"
)
_RANDOM = (
    "AllCandidateSampler LearnedUnigramCandidateSampler LogUniformCandidateSampler Multinomial NonDeterministicInts "
    "ParameterizedTruncatedNormal RandomCrop RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle "
    "RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip SampleDistortedBoundingBox "
    "SampleDistortedBoundingBoxV2 StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2 "
    "StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt "
    "ThreadUnsafeUnigramCandidateSampler TruncatedNormal UniformCandidateSampler"
)
_CONTAINERS = (
    "Stack StackCloseV2 StackPopV2 StackPushV2 StackV2 TensorArray TensorArrayCloseV3 TensorArrayConcatV3 "
    "TensorArrayGatherV3 TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3 TensorArrayGradWithShape "
    "TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayV2 TensorArrayV3 "
    "TensorArrayWriteV3 AddManySparseToTensorsMap AddSparseToTensorsMap TakeManySparseFromTensorsMap"
)
_QUEUES = (
    "FIFOQueue FIFOQueueV2 PaddingFIFOQueue PaddingFIFOQueueV2 PriorityQueue PriorityQueueV2 QueueCloseV2 "
    "QueueDequeueManyV2 QueueDequeueUpToV2 QueueDequeueV2 QueueEnqueueManyV2 QueueEnqueueV2 QueueIsClosedV2 "
    "QueueSizeV2 RandomShuffleQueue RandomShuffleQueueV2"
)
_DATASETS = (
    "AnonymousIterator AnonymousIteratorV2 AnonymousIteratorV3 AnonymousRandomSeedGenerator AnonymousSeedGenerator "
    "DatasetToSingleElement DeleteIterator DeleteRandomSeedGenerator DeleteSeedGenerator DummySeedGenerator "
    "GlobalShuffleDataset GroupByReducerDataset InitializeTableFromDataset Iterator IteratorGetDevice IteratorGetNext "
    "IteratorGetNextAsOptional IteratorGetNextSync IteratorV2 ListDataset MakeIterator OneShotIterator RandomDataset "
    "RandomDatasetV2 RangeDataset ReduceDataset ShuffleAndRepeatDatasetV2 ShuffleDatasetV2 ShuffleDatasetV3 "
    "SparseTensorSliceDataset TensorDataset TensorSliceDataset"
)
_TREES = (
    "BoostedTreesCreateEnsemble BoostedTreesCreateQuantileStreamResource BoostedTreesDeserializeEnsemble "
    "BoostedTreesEnsembleResourceHandleOp BoostedTreesGetEnsembleStates BoostedTreesPredict "
    "BoostedTreesQuantileStreamResourceDeserialize BoostedTreesQuantileStreamResourceGetBucketBoundaries "
    "BoostedTreesQuantileStreamResourceHandleOp BoostedTreesSerializeEnsemble IsBoostedTreesEnsembleInitialized "
    "IsBoostedTreesQuantileStreamResourceInitialized"
)
_RECURRENT = "CudnnRNN CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 CudnnRNNV2 CudnnRNNV3"

STATEFUL = frozenset(
    " ".join(
        (_CONTROL, _VARIABLES, _TRAINING, _TABLES, _RANDOM, _CONTAINERS, _QUEUES, _DATASETS, _TREES, _RECURRENT)
    ).split()
)
"""Stateful operators that models need. What they keep stays in the memory of the process."""

_RUNS = "runs code that isn't part of the graph"
_READS = "reads files"
_WRITES = "writes files"
_NETWORK = "opens network connections"

TOUCHING = {
    "Abort": "ends the process",
    "CacheDataset": _WRITES,
    "CustomAggregator": _WRITES,
    "DatasetFromGraph": "runs a graph that is stored in a tensor",
    "DebugIdentity": _WRITES,
    "DebugNanCount": _WRITES,
    "DebugNumericSummary": _WRITES,
    "GenerateVocabRemapping": _READS,
    "ImmutableConst": _READS,
    "MatchingFiles": _READS,
    "MlirPassthroughOp": _RUNS,
    "PyFuncStateless": _RUNS,
    "ReadFile": _READS,
    "ReaderRead": _READS,
    "ReaderReadUpTo": _READS,
    "RegisterDataset": _NETWORK,
    "RegisterDatasetV2": _NETWORK,
    "RewriteDataset": _RUNS,
    "SnapshotChunkDataset": _READS,
    "SnapshotDataset": _WRITES,
    "SnapshotDatasetReader": _READS,
    "SnapshotDatasetV2": _WRITES,
    "SnapshotNestedDatasetReader": _READS,
    "XlaCustomCall": _RUNS,
    "XlaCustomCallV2": _RUNS,
    "XlaLaunchV2": _RUNS,
}
"""Operators that TensorFlow doesn't mark as stateful although they touch more than tensors, and what they do."""

_EFFECTS = {
    "EagerPyFunc": _RUNS,
    "FileSystemSetConfiguration": _NETWORK,
    "FixedLengthRecordDatasetV2": _READS,
    "LoadDataset": _READS,
    "MatchingFilesDataset": _READS,
    "MergeV2Checkpoints": _WRITES,
    "PrintV2": _WRITES,
    "PyFunc": _RUNS,
    "RemoteCall": _NETWORK,
    "Restore": _READS,
    "RestoreSlice": _READS,
    "RestoreV2": _READS,
    "Save": _WRITES,
    "SaveDatasetV2": _WRITES,
    "SaveSlices": _WRITES,
    "SaveV2": _WRITES,
    "SqlDataset": _READS,
    "TFRecordDatasetV2": _READS,
    "TextLineDataset": _READS,
    "WriteFile": _WRITES,
    "XlaCallModule": _RUNS,
}
"""What well-known stateful operators do that are refused; for the message only."""

# A saved model leaves out attributes that have their default, which is stderr here.
_STREAMS = {b"", b"stdout", b"stderr", b"log(info)", b"log(warning)", b"log(error)"}


def effect_of(node: Any) -> str | None:
    """What a ``NodeDef`` does beyond computing, for an operator that may not run; None if it may.

    Operators that aren't registered can't run, so they pass; TensorFlow rejects their graph.
    """
    if node.op in TOUCHING:
        return TOUCHING[node.op]
    if node.op == "PrintV2":
        return None if node.attr["output_stream"].s in _STREAMS else _WRITES
    if node.op in {"DecodeProtoV2", "EncodeProto"}:
        return _reads_descriptor(node.attr["descriptor_source"].s)
    if node.op in STATEFUL or not _is_stateful(node.op):
        return None
    return _EFFECTS.get(node.op, "does more than compute")


def _reads_descriptor(source: bytes) -> str | None:
    """``descriptor_source`` may be the path of a file."""
    return None if source in {b"", b"local://"} or source.startswith(b"bytes://") else _READS


def _is_stateful(name: str) -> bool:
    from tensorflow.python.framework import op_def_registry

    definition = op_def_registry.get(name)
    return definition is not None and bool(definition.is_stateful)
