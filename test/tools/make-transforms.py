"""Makes test/golden/transforms.json: an image turned and scaled by PyTorch's grid_sample (python3-torch 1.13).

    /usr/bin/python3 test/tools/make-transforms.py
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

TARGET = Path(__file__).parent.parent / "golden" / "transforms.json"


def transformed(image, degrees, scale, mode):
    """Turned counter-clockwise about the middle, and scaled. grid_sample wants the way back, in -1..1 a side."""
    _, height, width = image.shape
    angle = math.radians(degrees)
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    theta = torch.tensor([[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]], dtype=torch.float64)
    grid = F.affine_grid(theta[None], [1, *image.shape], align_corners=False)
    return F.grid_sample(image[None], grid, mode=mode, align_corners=False)[0]


torch.manual_seed(3)
image = torch.rand(2, 7, 9, dtype=torch.float32).double()
cases = [
    {"degrees": d, "scale": s, "interpolation": m, "pixels": transformed(image, d, s, m).flatten().tolist()}
    for d, s, m in [(33, 1.3, "nearest"), (33, 1.3, "bilinear"), (-70, 0.8, "bilinear"), (170, 1.0, "nearest")]
]
TARGET.write_text(json.dumps({"shape": list(image.shape), "image": image.flatten().tolist(), "cases": cases}) + "\n")
