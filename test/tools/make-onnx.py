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


class Article(nn.Module):
    """The article's network with fewer channels."""

    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Conv2d(1, 4, 5, padding=2)
        self.cnn2 = nn.Conv2d(4, 6, 5, padding=2)
        self.fc1 = nn.Linear(6 * 4 * 4, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.cnn1(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.cnn2(x)), 2)
        return self.fc1(x.view(x.size(0), -1))


class Residual(nn.Module):
    """Two blocks as torchvision writes them, the second with strides and a projection."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = Basic(4, 4, 1)
        self.layer2 = Basic(4, 6, 2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        x = self.layer2(self.layer1(torch.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Basic(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.down = None
        if stride != 1:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.down(x) if self.down else x))


class Separable(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(3, 3, 3, stride=2, padding=1, groups=3, bias=False)
        self.pointwise = nn.Conv2d(3, 8, 1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.act = nn.LeakyReLU(0.1)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        x = self.act(self.bn(self.pointwise(self.depthwise(x))))
        x = nn.functional.adaptive_avg_pool2d(x, 1)
        return torch.log_softmax(self.fc(x.view(x.size(0), x.size(1) * x.size(2) * x.size(3))), 1)


class Gated(nn.Module):
    """Normalisations of one image and smooth activations, which older opsets write as arithmetic."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 8, 3, padding=1)
        self.gn = nn.GroupNorm(4, 8)
        self.instance = nn.InstanceNorm2d(8, affine=True)
        self.plain = nn.InstanceNorm2d(8)
        self.whole = nn.LayerNorm([8, 6, 5])
        self.mix = nn.Conv2d(8, 6, 1)
        self.fc1 = nn.Linear(6, 7)
        self.ln = nn.LayerNorm(7)
        self.fc2 = nn.Linear(7, 3)

    def forward(self, x):
        x = nn.functional.gelu(self.gn(self.stem(x)))
        x = self.instance(x) + self.plain(nn.functional.silu(x))
        x = self.mix(nn.functional.gelu(self.whole(x), approximate="tanh")).mean([2, 3])
        return self.fc2(torch.tanh(self.ln(self.fc1(x))) * 0.5)


class Windows(nn.Module):
    """Pads that differ from side to side, pools, cuts, and what a transposed convolution adds."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=2)
        self.even = nn.Conv2d(4, 4, 4)
        self.up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1)

    def forward(self, x):
        x = self.even(nn.functional.pad(self.conv(nn.functional.pad(x, (0, 1, 0, 1))), (1, 2, 1, 2)))
        x = self.up(nn.functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False))
        x = nn.functional.avg_pool2d(x, 3, 1, 1) + nn.functional.max_pool2d(x, 3, 1, 1)
        return x[:, :, 1:, :-1].mean(3, keepdim=True).flatten(1)


class Hard(nn.Module):
    """Activations of small networks that are cut off, which older opsets write as arithmetic."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 8, 3, padding=1)
        self.mix = nn.Conv2d(8, 8, 1)
        self.last = nn.Conv2d(8, 6, 1)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = nn.functional.relu6(8 * self.stem(x))
        x = nn.functional.hardswish(self.mix(x))
        x = nn.functional.hardtanh(nn.functional.elu(self.last(x), 0.7), -0.5, 2.0)
        return nn.functional.hardsigmoid(4 * self.fc(x.mean([2, 3])))


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
write("article", seeded(Article()), (1, 16, 16), dynamic_axes=open_batch, opset_version=13)
residual = seeded(Residual())
write("residual", residual, (3, 8, 8), dynamic_axes=open_batch, opset_version=17)
write(
    "residual-unfolded", residual, (3, 8, 8), dynamic_axes=open_batch, opset_version=12,
    do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE,
)
write("separable", seeded(Separable()), (3, 9, 8), dynamic_axes=open_batch, opset_version=14)
gated = seeded(Gated())
write("gated", gated, (2, 6, 5), dynamic_axes=open_batch, opset_version=14)
write("gated-opset-17", gated, (2, 6, 5), dynamic_axes=open_batch, opset_version=17)
write("gated-unfolded", gated, (2, 6, 5), opset_version=11, do_constant_folding=False)
write("windows", seeded(Windows()), (2, 8, 8), dynamic_axes=open_batch, opset_version=13)
hard = seeded(Hard())
write("hard", hard, (2, 6, 5), dynamic_axes=open_batch, opset_version=14)
write("hard-opset-9", hard, (2, 6, 5), dynamic_axes=open_batch, opset_version=9)
