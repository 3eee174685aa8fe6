"""Cases of the attention layers."""

import numpy as np

from case import add, steps_mask, values

Q, V, K = values(2, 3, 4, key="q"), values(2, 5, 4, key="v"), values(2, 5, 4, key="k")
Q_MASK, V_MASK = steps_mask(3, 2, steps=3), steps_mask(4, 2, steps=5)


def dense_attention():
    for cls, options in (("Attention", [{}, dict(use_scale=True), dict(score_mode="concat"), dict(score_mode="concat", use_scale=True)]), ("AdditiveAttention", [{}, dict(use_scale=False)])):
        for arguments in options:
            name = "_".join(f"{k}_{v}" for k, v in arguments.items()).lower() or "default"
            add(cls, name, arguments, [Q, V])
            add(cls, name + "_key", arguments, [Q, V, K])
            add(cls, name + "_causal", arguments, [Q, V], dict(use_causal_mask=True))
        add(cls, "masks", {}, [Q, V], dict(mask=[Q_MASK, V_MASK]))
        add(cls, "masks_causal", {}, [Q, V, K], dict(mask=[Q_MASK, V_MASK, None], use_causal_mask=True))
        add(cls, "value_mask", {}, [Q, V], dict(mask=[None, V_MASK]))
        add(cls, "scores", {}, [Q, V], dict(return_attention_scores=True))
        add(cls, "dropout", dict(dropout=0.4), [Q, V], random=True)
        add(cls, "rank2", {}, [Q[0], V[0]])
        add(cls, "rank2_causal", {}, [Q[0], V[0]], dict(use_causal_mask=True, return_attention_scores=True))
        q, v = values(2, 2, 3, 4, key="q"), values(2, 2, 5, 4, key="v")
        add(cls, "rank4", {}, [q, v])
        add(cls, "rank4_causal", {}, [q, v], dict(use_causal_mask=True))
        add(cls, "rank4_masks", {}, [q, v], dict(mask=[steps_mask(3, 2, 1, 2, steps=3).reshape(2, 2, 3), steps_mask(4, 2, 5, 1, steps=5).reshape(2, 2, 5)]))


def multi_head():
    cls = "MultiHeadAttention"
    two = dict(num_heads=2, key_dim=3)
    add(cls, "self", two, Q, dict(value=Q.copy()))
    add(cls, "cross", two, Q, dict(value=V))
    add(cls, "key", two, Q, dict(value=V, key=K))
    add(cls, "value_dim", dict(num_heads=2, key_dim=3, value_dim=2), Q, dict(value=V))
    add(cls, "no_bias", dict(**two, use_bias=False), Q, dict(value=V))
    add(cls, "output_shape", dict(**two, output_shape=5), Q, dict(value=V))
    add(cls, "output_shape_two", dict(**two, output_shape=(2, 3)), Q, dict(value=V))
    add(cls, "one_head", dict(num_heads=1, key_dim=4), Q, dict(value=V))
    add(cls, "scores", two, Q, dict(value=V, return_attention_scores=True))
    add(cls, "causal", two, Q, dict(value=Q.copy(), use_causal_mask=True))
    attention_mask = np.array([[[1, 0, 1, 1, 0], [1, 1, 1, 1, 1], [0, 1, 0, 0, 1]], [[1, 1, 0, 0, 0]] * 3], bool)
    add(cls, "attention_mask", two, Q, dict(value=V, attention_mask=attention_mask))
    add(cls, "attention_mask_causal", two, Q, dict(value=V, attention_mask=attention_mask, use_causal_mask=True))
    add(cls, "attention_axes", dict(**two, attention_axes=(1, 2)), values(2, 2, 3, 4, key="q"), dict(value=values(2, 2, 3, 4, key="v")))
    add(cls, "attention_axes_one", dict(**two, attention_axes=(2,)), values(2, 2, 3, 4, key="q"), dict(value=values(2, 2, 3, 4, key="v")))
    for name, axes in [("heads", (-2,)), ("axis2", (2,)), ("batch", (0,)), ("batch_and_steps", (0, 1)), ("steps_and_heads", (2, 1))]:
        add(cls, "attention_axes_" + name, dict(**two, attention_axes=axes), Q, dict(value=Q.copy()))
    add(cls, "rank2_axis0", dict(**two, attention_axes=(0,)), Q[0], dict(value=V[0]))
    add(cls, "rank2_heads", dict(**two, attention_axes=(1,)), Q[0], dict(value=Q[1]))
    add(cls, "widths", two, Q, dict(value=values(2, 5, 6, key="v"), key=values(2, 5, 3, key="k")))
    add(cls, "regularized", dict(**two, kernel_regularizer="l2", bias_regularizer="l1"), Q, dict(value=V))
    add(cls, "activity", dict(**two, activity_regularizer="l2"), Q, dict(value=V))
    add(cls, "dropout", dict(**two, dropout=0.3), Q, dict(value=V), random=True)


def run():
    dense_attention()
    multi_head()
