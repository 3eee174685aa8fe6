"""Writes odd.h5: what h5py can put into a file beyond what Keras does. The Keras files beside it are models of one
Dense(8, 6), Dropout, Dense(6, 4) network saved by Keras 2.15.0 and 3.15.1 (see VERSIONS)."""
import sys
import h5py
import numpy as np

out = sys.argv[1] if len(sys.argv) > 1 else "."

def fill(f):
    f.attrs["none"] = np.array([])
    f.attrs["fixed"] = np.array([b"ab", b"cdef"])
    f.attrs["text"] = "h\u00e9llo"
    f.attrs["empty"] = ""
    f.attrs["number"] = np.int64(-7)
    f.attrs["floats"] = np.arange(3, dtype=">f8")
    f.attrs["null"] = h5py.Empty("f4")
    rows = np.arange(60, dtype="f4").reshape(10, 6)
    for dtype in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "c8", "c16"]:
        f["types/" + dtype] = np.arange(6).astype(dtype).reshape(2, 3)
    for dtype in [">f2", ">f4", ">f8", ">i2", ">i4", ">i8", ">u2", ">c16"]:
        f["types/big_" + dtype[1:]] = np.arange(6).astype(dtype).reshape(2, 3)
    f["types/bool"] = np.array([True, False, True])
    f["types/scalar"] = np.int64(42)
    f["types/empty"] = np.zeros((0, 3), "f4")
    f.create_dataset("strings/variable", data=["a", "", "h\u00e9"], dtype=h5py.string_dtype())
    f["strings/fixed"] = np.array([b"a", b"bcd"])
    f.create_dataset("chunks/gzip", data=rows, chunks=(4, 4), compression="gzip")
    f.create_dataset("chunks/shuffled", data=rows, chunks=(4, 4), compression="gzip", shuffle=True)
    f.create_dataset("chunks/lzf", data=np.zeros((50, 20), "f4"), chunks=(7, 20), compression="lzf")
    f.create_dataset("chunks/checked", data=rows, chunks=(3, 6), fletcher32=True)
    f.create_dataset("chunks/plain", data=rows, chunks=(3, 5))
    f.create_dataset("chunks/one", data=rows, chunks=(10, 6))
    f.create_dataset("chunks/filled", shape=(4, 4), dtype="f4", fillvalue=2.5, chunks=(2, 2))[0, 0] = 1.0
    f.create_dataset("chunks/never", shape=(3,), dtype="i4", fillvalue=9)
    many = f.create_group("many")
    for i in range(300):
        many["w%03d" % i] = np.float32(i)
    for i in range(40):
        many.attrs["a%02d" % i] = i
    f["link/hard"] = f["types/f4"]
    f["link/soft"] = h5py.SoftLink("/types/f4")
    f["link/dangling"] = h5py.SoftLink("/nowhere")
    f["link/group"] = h5py.SoftLink("/types")

with h5py.File(out + "/odd.h5", "w") as f:
    fill(f)
with h5py.File(out + "/odd_latest.h5", "w", libver="latest") as f:
    fill(f)
with h5py.File(out + "/odd_user_block.h5", "w", userblock_size=512) as f:
    f["x"] = np.arange(3, dtype="f4")

# Files that must be refused.
with h5py.File(out + "/bad_external_link.h5", "w") as f:
    f["x"] = h5py.ExternalLink("other.h5", "/x")
with h5py.File(out + "/bad_external_storage.h5", "w") as f:
    f.create_dataset("x", (4,), "f4", external=[("/etc/hostname", 0, 16)])
with h5py.File(out + "/bad_virtual.h5", "w", libver="latest") as f:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    f.create_virtual_dataset("x", layout)
with h5py.File(out + "/bad_soft_loop.h5", "w") as f:
    f["a"] = h5py.SoftLink("/b")
    f["b"] = h5py.SoftLink("/a")
with h5py.File(out + "/bad_hard_loop.h5", "w") as f:
    b = f.create_group("a/b")
    b["up"] = f["a"]
with h5py.File(out + "/bad_shape_bomb.h5", "w") as f:
    f.create_dataset("x", (1 << 40,), "f4", chunks=(1 << 20,))
    f.create_dataset("y", (1 << 40,), "f4")
with h5py.File(out + "/bad_deflate_bomb.h5", "w") as f:
    f.create_dataset("x", data=np.zeros(1 << 24, "f4"), chunks=(1 << 22,), compression="gzip", shuffle=True)
