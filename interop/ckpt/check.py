"""TensorFlow reads what kerox writes, and kerox reads what TensorFlow writes: checkpoints of every form."""
# also-tf221
import os
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf

try:
    # Keras 3 knows nothing of checkpoints: beside it there is the older one.
    import tf_keras as keras
except ImportError:
    keras = tf.keras
from tensorflow.core.protobuf import trackable_object_graph_pb2
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workspace

tf.get_logger().setLevel("ERROR")
TOOL = workspace.example("ckpt_tool")


def tool(*arguments):
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(prefix):
    """key -> (dtype, shape, bytes) as kerox reads them."""
    found = {}
    for line in tool("list", prefix).splitlines():
        key, dtype, shape, data = line.split("\t")
        found[key] = (dtype, shape, bytes.fromhex(data))
    return found


def of_tensorflow(prefix, known):
    """The same as TensorFlow reads them; `known` has what its reader cannot read."""
    reader = tf.train.load_checkpoint(prefix)
    dtypes = reader.get_variable_to_dtype_map()
    found = {}
    for key, shape in reader.get_variable_to_shape_map().items():
        value = known[key] if key in known else reader.get_tensor(key)
        if dtypes[key] == tf.string:
            strings = [value] if isinstance(value, bytes) else list(np.ravel(value))
            data = b"".join(len(s).to_bytes(8, "little") + s for s in strings)
        else:
            data = np.ascontiguousarray(value).tobytes()
        found[key] = (dtypes[key].name, str(list(shape)), data)
    return found


def equal(prefix, known={}):
    ours, theirs = listed(prefix), of_tensorflow(prefix, known)
    assert ours == theirs, [k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k)]
    return len(ours)


def same_bytes(a, b):
    for suffix in (".index", ".data-00000-of-00001"):
        with open(a + suffix, "rb") as one, open(b + suffix, "rb") as other:
            assert one.read() == other.read(), (a, b, suffix)


def mlp(compiled=None):
    model = keras.Sequential(
        [
            keras.layers.Dense(6, activation="relu", input_shape=(8,)),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(4),
        ]
    )
    if compiled is not None:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(compiled, loss)
        x = np.random.default_rng(0).random((16, 8), "float32")
        model.fit(x, np.arange(16) % 4, epochs=1, verbose=0)
    return model


def variables(model):
    found = model.optimizer.variables
    return [v.numpy() for v in (found() if callable(found) else found)]


def check_types(base):
    for shards in (1, 3):
        prefix = os.path.join(base, f"types{shards}")
        tool("types", prefix, shards)
        assert len([f for f in os.listdir(base) if f.startswith(f"types{shards}.data")]) == shards
        count = equal(prefix)
        reader = tf.train.load_checkpoint(prefix)
        assert np.array_equal(reader.get_tensor("large").ravel(), np.arange(700000, dtype="float32"))
        assert reader.get_tensor("all/float64").tolist() == [[1.5, -2.0, 0.1]]
        assert list(reader.get_tensor("all/string")[0]) == [b"", b"\0\xff", b"x" * 300]
        print(f"types: {count} tensors in {shards} data files")


def check_weights(base):
    """Uncompiled models: kerox's files are Keras's, byte for byte."""
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 3)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Flatten()(x)
    functional = keras.Model(inputs, keras.layers.Dense(3)(x))

    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = [keras.layers.Dense(3), keras.layers.Dense(2)]
            self.named = {"a.b/c": keras.layers.Dense(2)}

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return self.named["a.b/c"](x)

    subclassed = Subclassed()
    subclassed(np.ones((1, 4), "float32"))
    for name, model in (("mlp", mlp()), ("functional", functional), ("subclassed", subclassed)):
        theirs, ours = os.path.join(base, name, "theirs"), os.path.join(base, name, "ours")
        model.save_weights(theirs, save_format="tf")
        equal(theirs)
        tool("copy", theirs, ours, 1)
        same_bytes(theirs, ours)
        values = model.get_weights()
        model.set_weights([np.zeros_like(v) for v in values])
        for shards in (1, 3):
            tool("copy", theirs, ours, shards)
            model.load_weights(ours).assert_consumed()
            assert all(np.array_equal(a, b) for a, b in zip(values, model.get_weights()))
        assert tf.train.latest_checkpoint(os.path.join(base, name)) == ours
        print(f"{name}: same bytes, restored from 1 and 3 data files")


def check_optimizers(base):
    """Compiled and trained: optimizer variables and slots travel both ways."""
    optimizers = {
        "adam": lambda: keras.optimizers.Adam(),
        "sgd": lambda: keras.optimizers.SGD(momentum=0.9),
        "rmsprop": lambda: keras.optimizers.RMSprop(momentum=0.5, centered=True),
        "legacy_adam": lambda: keras.optimizers.legacy.Adam(),
        "legacy_sgd": lambda: keras.optimizers.legacy.SGD(momentum=0.9),
    }
    for name, make in optimizers.items():
        trained = mlp(make())
        theirs, ours = os.path.join(base, name, "theirs"), os.path.join(base, name, "ours")
        trained.save_weights(theirs, save_format="tf")
        equal(theirs)
        other = mlp(make())
        other.set_weights([v * 0 for v in other.get_weights()])
        for shards in (1, 3):
            tool("copy", theirs, ours, shards)
            status = other.load_weights(ours)
            status.assert_consumed()
            assert all(np.array_equal(a, b) for a, b in zip(trained.get_weights(), other.get_weights()))
            assert all(np.array_equal(a, b) for a, b in zip(variables(trained), variables(other))), name
        x = np.random.default_rng(1).random((5, 8), "float32")
        assert np.allclose(trained.predict(x, verbose=0), other.predict(x, verbose=0), atol=1e-6)
        print(f"{name}: {len(variables(trained))} optimizer variables restored")


def check_checkpoint(base):
    """tf.train.Checkpoint with any parts."""
    dense = keras.layers.Dense(3)
    dense.build((None, 2))
    parts = {"zeta": tf.Variable(2.0), "layer": dense, "alpha": tf.Variable([1, 2], dtype=tf.int64)}
    checkpoint = tf.train.Checkpoint(**parts)
    theirs = checkpoint.save(os.path.join(base, "parts", "theirs"))
    ours = os.path.join(base, "parts", "ours")
    tool("copy", theirs, ours, 1)
    graphs = []
    for prefix in (theirs, ours):
        graph = trackable_object_graph_pb2.TrackableObjectGraph()
        graph.ParseFromString(tf.train.load_checkpoint(prefix).get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
        graphs.append([[c.local_name for c in n.children if c.local_name != "root"] for n in graph.nodes])
    assert graphs[0] == graphs[1], graphs
    assert graphs[0][0] == ["alpha", "layer", "zeta", "save_counter"], graphs[0][0]
    parts["zeta"].assign(0.0)
    checkpoint.restore(ours).assert_consumed()
    assert parts["zeta"].numpy() == 2.0
    print("tf.train.Checkpoint: parts restored")


def check_manager(base):
    """Each side goes on where the other stopped."""
    directory = os.path.join(base, "managed")
    weight = tf.Variable(0.0, name="weight")
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(weight=weight), directory, max_to_keep=2)
    weight.assign(10.0)
    manager.save()
    tool("manage", directory, 3)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(weight=weight), directory, max_to_keep=2)
    assert [os.path.basename(p) for p in manager.checkpoints] == ["ckpt-3", "ckpt-4"], manager.checkpoints
    assert manager.restore_or_initialize() == os.path.join(directory, "ckpt-4")
    assert weight.numpy() == 13.0, weight
    weight.assign(20.0)
    manager.save()
    tool("manage", directory, 1)
    state = tf.train.get_checkpoint_state(directory)
    assert [os.path.basename(p) for p in state.all_model_checkpoint_paths] == ["ckpt-5", "ckpt-6"]
    assert len(state.all_model_checkpoint_timestamps) == 2
    assert tf.train.load_variable(directory, "weight/.ATTRIBUTES/VARIABLE_VALUE") == 21.0
    print("CheckpointManager: taken over three times")


def check_old_forms(base):
    """Name-based, partitioned, merged and V1 checkpoints."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        partitioned = v1.get_variable(
            "part", [5, 3], initializer=v1.random_uniform_initializer(), partitioner=v1.fixed_size_partitioner(2)
        )
        names = v1.get_variable("names", initializer=tf.constant(["a", "bc"]), use_resource=False)
        v1.get_variable("dense/kernel", [4, 2], initializer=v1.random_uniform_initializer())
        session.run(v1.global_variables_initializer())
        # TensorFlow's own reader refuses partitioned tensors of V1.
        known = {"part": session.run(tf.convert_to_tensor(partitioned))}
        for version, name in ((v1.train.SaverDef.V2, "v2"), (v1.train.SaverDef.V1, "v1")):
            variables = [v for v in v1.global_variables() if name == "v2" or v.dtype.base_dtype != tf.string]
            saver = v1.train.Saver(variables, write_version=version)
            prefix = saver.save(session, os.path.join(base, name), write_meta_graph=False)
            print(f"{name}: {equal(prefix, known)} tensors, partitioned ones among them")
    with tf.Graph().as_default(), v1.Session() as session:
        for i in range(2):
            with tf.device(f"/CPU:{i}"):
                v1.get_variable(f"on_{i}", [3, 2], initializer=v1.random_uniform_initializer())
        session.run(v1.global_variables_initializer())
        prefix = v1.train.Saver(sharded=True).save(session, os.path.join(base, "devices"), write_meta_graph=False)
        assert os.path.exists(prefix + ".data-00001-of-00002")
        print(f"a data file for each device: {equal(prefix)} tensors")
    parts = []
    for i in range(2):
        part = os.path.join(base, f"part{i}")
        tf.raw_ops.SaveV2(
            prefix=part, tensor_names=[f"t{i}"], shape_and_slices=[""], tensors=[tf.range(10 + i, dtype=tf.float32)]
        )
        parts.append(part)
    merged = os.path.join(base, "merged")
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=merged)
    assert os.path.exists(merged + ".data-00001-of-00002")
    print(f"merged: {equal(merged)} tensors of 2 data files")


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    checks = [check_types, check_weights, check_optimizers, check_checkpoint, check_manager, check_old_forms]
    with tempfile.TemporaryDirectory() as base:
        for check in checks:
            folder = os.path.join(base, check.__name__)
            os.mkdir(folder)
            check(folder)


sys.exit(main())
