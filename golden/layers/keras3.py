"""Cases of the layers that exist in Keras 3 alone. Run by the environment with Keras 3 (and scipy, for windows)."""

import numpy as np

from case import CASES, add, add_both_formats, array, integers, keras, tf, values

L = keras.layers


def pooling():
    for kind in ("AdaptiveAveragePooling", "AdaptiveMaxPooling"):
        x = {1: values(2, 7, 3), 2: values(2, 7, 5, 2), 3: values(1, 5, 4, 3, 2)}
        for rank in (1, 2, 3):
            cls = f"{kind}{rank}D"
            sizes = {1: 3, 2: (3, 2), 3: (2, 3, 2)}[rank]
            add_both_formats(cls, "uneven", dict(output_size=sizes), x[rank])
            add(cls, "one", dict(output_size=1), x[rank])
            add(cls, "larger", dict(output_size=8 if rank == 1 else 6), x[rank])


def norm():
    add("RMSNormalization", "default", {}, values(2, 3, 4))
    add("RMSNormalization", "rank2", dict(epsilon=1e-3), values(3, 5))


def attention():
    q, v, k = values(2, 3, 8, key="q"), values(2, 5, 8, key="v"), values(2, 5, 8, key="k")
    two = dict(head_dim=3, num_query_heads=4, num_key_value_heads=2)
    cls = "GroupQueryAttention"
    add(cls, "self", two, q, dict(value=q.copy()))
    add(cls, "cross", two, q, dict(value=v))
    add(cls, "key", two, q, dict(value=v, key=k))
    add(cls, "multi_query", dict(head_dim=3, num_query_heads=4, num_key_value_heads=1), q, dict(value=v))
    add(cls, "no_bias", dict(**two, use_bias=False), q, dict(value=v))
    add(cls, "causal", two, q, dict(value=q.copy(), use_causal_mask=True))
    mask = np.array([[[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 0, 0, 1]], [[1, 1, 0, 0, 0]] * 3], bool)
    add(cls, "attention_mask", two, q, dict(value=v, attention_mask=mask))
    add(cls, "scores", two, q, dict(value=v, return_attention_scores=True))
    add(cls, "gate", dict(**two, use_gate=True), q, dict(value=v))
    add(cls, "gate_no_bias", dict(**two, use_gate=True, use_bias=False), q, dict(value=v))
    for steps in (1, 2, 9):
        add(cls, f"sliding_window_{steps}", dict(**two, sliding_window=steps), q, dict(value=v))
    add(cls, "sliding_window_causal", dict(**two, sliding_window=2, use_gate=True), q, dict(value=q.copy(), use_causal_mask=True))
    add(cls, "sliding_window_mask", dict(**two, sliding_window=2), q, dict(value=v, attention_mask=mask))
    add(cls, "regularized", dict(**two, use_gate=True, kernel_regularizer="l2", bias_regularizer="l1"), q, dict(value=v))
    add(cls, "activity", dict(**two, use_gate=True, activity_regularizer="l2"), q, dict(value=v))
    add(cls, "dropout", dict(**two, dropout=0.4), q, dict(value=v), random=True)


def core():
    ids = integers(2, 3, high=6)
    add("ReversibleEmbedding", "tied", dict(input_dim=6, output_dim=3), ids)
    add("ReversibleEmbedding", "reverse", dict(input_dim=6, output_dim=3), values(2, 3), dict(reverse=True))
    add("ReversibleEmbedding", "untied", dict(input_dim=6, output_dim=3, tie_weights=False), values(2, 3), dict(reverse=True))
    add("ReversibleEmbedding", "cap", dict(input_dim=6, output_dim=3, logit_soft_cap=0.5), values(2, 3), dict(reverse=True))
    add("Pipeline", "rescale_crop", {}, values(2, 4, 4, 3, low=0, high=255), make=lambda **kw: L.Pipeline([L.Rescaling(1 / 255), L.CenterCrop(2, 2)]))


def audio():
    wave = values(2, 400, key="wave")
    for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft"):
        add("STFTSpectrogram", mode, dict(mode=mode, frame_length=32, frame_step=16, fft_length=32), wave[:1, :96, None].copy())
    add("STFTSpectrogram", "hamming_same", dict(mode="magnitude", frame_length=32, frame_step=16, window="hamming", padding="same"), wave[:1, :96, None].copy())
    add("MelSpectrogram", "default", dict(fft_length=64, sequence_stride=32, sequence_length=64, sampling_rate=8000, num_mel_bins=8, min_freq=20), wave)
    add("MelSpectrogram", "power", dict(fft_length=64, sequence_stride=32, sampling_rate=8000, num_mel_bins=6, min_freq=20, power_to_db=False, mag_exp=1.0), wave)


def fixed(class_name, name, arguments, inputs):
    """A random layer whose range is one point: training=True is deterministic."""
    add(class_name, name, arguments, inputs, random=True, gradients=False)
    cases = CASES.get(class_name)
    if not cases or cases[-1]["name"] != name:
        return
    layer = getattr(L, class_name)(**arguments)
    outputs = [np.asarray(layer(tf.constant(inputs), training=True)) for _ in range(3)]
    if all(np.array_equal(outputs[0], o) for o in outputs):
        cases[-1]["training"] = {"outputs": [array(outputs[0])], "updates": [], "gradients": None}


def images():
    image = values(2, 5, 6, 3, low=0, high=255, digits=1)
    byte_range = dict(value_range=(0, 255))
    for cls, arguments in [
        ("AutoContrast", byte_range),
        ("Equalization", byte_range),
        ("Solarization", dict(addition_factor=(0.1, 0.1), threshold_factor=(0.5, 0.5), **byte_range)),
        ("RandomColorDegeneration", dict(factor=(0.3, 0.3))),
        ("RandomHue", dict(factor=(0.4, 0.4), **byte_range)),
        ("RandomSaturation", dict(factor=(0.7, 0.7), **byte_range)),
        ("RandomSharpness", dict(factor=(0.3, 0.3), **byte_range)),
        ("RandomPosterization", dict(factor=(3, 3), **byte_range)),
        ("RandomInvert", dict(factor=1.0, **byte_range)),
        ("RandomGrayscale", dict(factor=1.0)),
        ("RandomGaussianBlur", dict(factor=1.0, kernel_size=3, sigma=(0.8, 0.8), **byte_range)),
        ("RandomShear", dict(x_factor=(0.2, 0.2), y_factor=(0.1, 0.1))),
        ("RandomPerspective", dict(factor=0.0)),
        ("RandomColorJitter", dict(brightness_factor=0.0, contrast_factor=0.0, saturation_factor=(0.5, 0.5), hue_factor=0.0, **byte_range)),
        ("RandomElasticTransform", dict(factor=0.0, **byte_range)),
        ("RandomErasing", dict(factor=0.0, **byte_range)),
        ("ContrastLimitedAdaptiveHistogramEqualization", byte_range),
        ("RandAugment", byte_range),
        ("AugMix", byte_range),
        ("CutMix", {}),
        ("MixUp", {}),
    ]:
        fixed(cls, "fixed", arguments, image)


def run():
    pooling()
    norm()
    attention()
    core()
    audio()
    images()
