"""Writes test/fixtures/reference.safetensors with Python's safetensors: every dtype that Twill reads.

Run: python3 -m pip install safetensors==0.8.0 numpy && python3 test/tools/make-safetensors.py
"""

import ctypes
import json
import pathlib
import struct

import numpy as np
from safetensors import TensorSpec, serialize

tensors = {
    "half": ("float16", [2, 3], struct.pack("<6e", 0.5, -2, 65504, 2**-24, float("inf"), -0.0)),
    "brain": ("bfloat16", [2], struct.pack("<2H", 0x3FC0, 0xC2F7)),
    "bool": ("bool", [3], bytes([1, 0, 1])),
    "empty": ("float32", [0, 4], b""),
    "scalar": ("int64", [], np.array(-(2**40), "<i8").tobytes()),
}
for dtype in ["float64", "float32", "int64", "uint64", "int32", "uint32", "int16", "uint16", "int8", "uint8"]:
    values = np.array([1, 2, 100], dtype) if dtype.startswith("u") else np.array([1, -2, 100], dtype)
    tensors[dtype] = (dtype, [3], values.astype(np.dtype(dtype).newbyteorder("<")).tobytes())

buffers = {name: ctypes.create_string_buffer(data, len(data)) for name, (_, _, data) in tensors.items()}
entries = {
    name: TensorSpec(dtype=dtype, shape=shape, data_ptr=ctypes.addressof(buffers[name]), data_len=len(data))
    for name, (dtype, shape, data) in tensors.items()
}
out = pathlib.Path(__file__).parent.parent / "fixtures" / "reference.safetensors"
out.parent.mkdir(exist_ok=True)
out.write_bytes(serialize(entries, {"made by": "Python's safetensors", "unicode": "ä€😀"}))
print(json.dumps({"bytes": out.stat().st_size}))
