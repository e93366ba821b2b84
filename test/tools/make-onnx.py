"""Writes test/golden/onnx: networks that PyTorch exported, and what PyTorch itself says to an input (python3-torch)."""

import pathlib
import sys

import numpy
import torch
from torch import nn

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "golden" / "onnx")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Conv2d(1, 4, 5, padding=2)
        self.bn = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.drop = nn.Dropout(0.5)
        self.fc1 = nn.Linear(4 * 5 * 4, 6)
        self.norm = nn.BatchNorm1d(6)
        self.fc2 = nn.Linear(6, 5)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn(self.cnn1(x))))
        x = self.drop(x.view(x.size(0), -1))
        return self.fc2(torch.relu(self.norm(self.fc1(x))))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4)
        self.head = nn.Linear(4 * 4 * 4, 3, bias=False)

    def forward(self, x):
        x = self.stem(x)
        return self.head(torch.flatten(torch.relu(self.depthwise(x) + x), 1))


def seeded(model):
    with torch.no_grad():
        for name, one in model.state_dict().items():
            if name.endswith("running_var"):
                one.uniform_(0.5, 1.5)
            elif one.dtype == torch.float32:
                one.uniform_(-0.5, 0.5)
    return model.eval()


def write(name, model, shape, **options):
    x = torch.randn(3, *shape)
    path = OUT / f"{name}.onnx"
    torch.onnx.export(model, x[:1], str(path), input_names=["x"], output_names=["y"], **options)
    x.numpy().astype("<f4").tofile(OUT / f"{name}.x.f32")
    with torch.no_grad():
        model.eval()(x).numpy().astype("<f4").tofile(OUT / f"{name}.y.f32")


torch.manual_seed(0)
numpy.random.seed(0)
OUT.mkdir(parents=True, exist_ok=True)
net = seeded(Net())
open_batch = {"x": {0: "batch"}, "y": {0: "batch"}}
write("net", net, (1, 9, 8), dynamic_axes=open_batch, opset_version=14)
write("net-fixed-batch", net, (1, 9, 8), opset_version=14)
write("net-opset-9", net, (1, 9, 8), dynamic_axes=open_batch, opset_version=9, keep_initializers_as_inputs=True)
write(
    "net-unfolded", net, (1, 9, 8), dynamic_axes=open_batch, opset_version=11,
    do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
)
write("block", seeded(Block()), (3, 8, 7), dynamic_axes=open_batch, opset_version=17)
