"""Makes test/golden/layers and test/golden/spatial: PyTorch's numbers, with Debian's python3-torch 1.13.

    /usr/bin/python3 test/tools/make-golden.py

Every case is computed in float32 and in float64; `f64` is the largest distance between the two. All tensors of
a folder are in one safetensors file, named case/tensor.
"""

import json
import struct
from pathlib import Path

import golden_spatial
import torch
import torch.nn.functional as F

GOLDEN = Path(__file__).parent.parent / "golden"

cases = []
tensors = {}


def random(*shape):
    return torch.randn(*shape)


def keep(name, tensor):
    tensors[name] = tensor.detach().contiguous().clone()
    return list(tensor.shape)


def case(name, op, attrs, inputs, function, exact=(), state=()):
    """`function(**inputs)` gives the output. Gradients are taken of all float inputs but those of `state`, which it
    may change: what it leaves in them is an output, too."""
    runs = {}
    for dtype in (torch.float32, torch.float64):
        own = {
            key: one.to(dtype).clone() if one.is_floating_point() else one.clone()
            for key, one in inputs.items()
        }
        wanted = [key for key, one in own.items() if one.is_floating_point() and key not in state]
        for key in wanted:
            own[key].requires_grad_(True)
        y = function(**own)
        if dtype == torch.float32:
            gy = torch.randn_like(y) if y.dim() > 0 else torch.ones_like(y)
        y.backward(gy.to(dtype))
        outputs = {"y": y}
        outputs.update({f"g_{key}": own[key].grad for key in wanted if own[key].grad is not None})
        outputs.update({f"{key}_after": own[key] for key in state})
        runs[dtype] = outputs
    shapes = {key: keep(f"{name}/{key}", one) for key, one in inputs.items()}
    if gy.dim() > 0:
        shapes["gy"] = keep(f"{name}/gy", gy)
    results = {}
    for key, one in runs[torch.float32].items():
        keep(f"{name}/{key}", one)
        results[key] = {"f64": (one.double() - runs[torch.float64][key]).abs().max().item()}
    cases.append({"name": name, "op": op, "attrs": attrs, "inputs": list(shapes), "outputs": results})


def batch_norm():
    def one(name, shape, training, affine=True, offset=0.0, momentum=0.1):
        C = shape[1]
        inputs = {
            "x": random(*shape) * 2 + offset,
            "running_mean": random(C),
            "running_var": torch.rand(C) + 0.5,
        }
        if affine:
            inputs.update(weight=random(C), bias=random(C))

        def function(x, running_mean, running_var, weight=None, bias=None):
            return F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, 1e-5)

        attrs = {"training": training, "momentum": momentum, "eps": 1e-5}
        case(name, "batch_norm", attrs, inputs, function, state=("running_mean", "running_var"))

    one("batch_norm_train", (5, 18, 6, 5), True)
    one("batch_norm_far_from_zero", (6, 3, 4, 4), True, offset=300.0, momentum=0.3)
    one("batch_norm_no_affine", (3, 4, 5, 5), True, affine=False)
    one("batch_norm_eval", (2, 5, 4, 4), False)
    one("batch_norm_features_train", (7, 10), True)
    one("batch_norm_features_eval", (4, 10), False)


def activations():
    def one(name, kind, function, **attrs):
        x = random(2, 7, 3, 5) * 3
        edges = torch.tensor([0.0, -0.0, 1e-40, -1e-40, 20.0, -20.0])
        x.view(-1)[: len(edges)] = edges
        case(name, "activation", {"kind": kind, **attrs}, {"x": x}, function)

    one("leaky_relu", "leakyRelu", lambda x: F.leaky_relu(x))
    one("leaky_relu_of_slope", "leakyRelu", lambda x: F.leaky_relu(x, 0.3), options=0.3)
    one("gelu", "gelu", lambda x: F.gelu(x))
    one("gelu_tanh", "gelu", lambda x: F.gelu(x, approximate="tanh"), options={"approximate": "tanh"})
    one("silu", "silu", lambda x: F.silu(x))
    one("sigmoid", "sigmoid", torch.sigmoid)
    one("tanh", "tanh", torch.tanh)


def hard_activations():
    def one(name, kind, function, kinks=(), **attrs):
        x = random(2, 7, 3, 5) * 3
        edges = torch.tensor([0.0, -0.0, 1e-40, -1e-40, 1e-5, -1e-5, 20.0, -20.0, *kinks])
        x.view(-1)[: len(edges)] = edges
        case(name, "activation", {"kind": kind, **attrs}, {"x": x}, function)

    one("elu", "elu", lambda x: F.elu(x))
    one("elu_of_alpha", "elu", lambda x: F.elu(x, 0.7), options=0.7)
    one("relu6", "relu6", lambda x: F.relu6(x), (6.0,))
    one("hardtanh", "hardtanh", lambda x: F.hardtanh(x), (-1.0, 1.0))
    one("hardtanh_of_limits", "hardtanh", lambda x: F.hardtanh(x, -0.5, 2.5), (-0.5, 2.5), options=[-0.5, 2.5])
    one("hardsigmoid", "hardsigmoid", lambda x: F.hardsigmoid(x), (-3.0, 3.0))
    # Its gradient at the kinks is another one from PyTorch 2.8 on.
    one("hardswish", "hardswish", lambda x: F.hardswish(x))


def products():
    def one(name, shape, other):
        case(name, "mul", {}, {"x": random(*shape), "other": random(*other)}, lambda x, other: x * other)

    one("mul", (2, 17, 2, 3), (2, 17, 2, 3))
    one("mul_features", (3, 37), (3, 37))
    one("mul_gate", (2, 21, 3, 5), (2, 21, 1, 1))
    one("mul_gate_first", (2, 5, 1, 1), (2, 5, 9, 3))
    one("mul_gate_of_one_channel", (2, 1, 8, 5), (2, 1, 1, 1))


def softmaxes():
    for name, op, function in (("softmax", "softmax", F.softmax), ("log_softmax", "logSoftmax", F.log_softmax)):
        for shape in ((6, 10), (2, 21, 3, 5)):
            x = random(*shape) * 4
            x[0, 0] = 90.0
            attrs = {"kind": op}
            case(f"{name}_{len(shape)}d", "softmax", attrs, {"x": x}, lambda x: function(x, 1))


def losses():
    def one(name, kind, x, target, function, **options):
        """`function(x, target, **arguments)`, with options that are lists as tensors."""
        keep(f"{name}/target", target.int() if target.dtype == torch.int64 else target)
        names = {"posWeight": "pos_weight", "labelSmoothing": "label_smoothing", "ignoreIndex": "ignore_index"}

        def computed(x):
            arguments = {
                names.get(key, key): torch.tensor(one, dtype=x.dtype) if isinstance(one, list) else one
                for key, one in options.items()
            }
            if x.dim() == 4 and "pos_weight" in arguments:
                arguments["pos_weight"] = arguments["pos_weight"].view(-1, 1, 1)
            return function(x, target if target.dtype == torch.int64 else target.to(x.dtype), **arguments)

        case(name, "loss", {"kind": kind, "options": options}, {"x": x}, computed)

    labels = torch.tensor([3, 0, 6, 2, 2, 5, 1, 4, 6])
    some = torch.tensor([3, 0, -100, 2, 2, 5, -100, 4, 6])
    weight = [0.5, 2.0, 1.0, 0.25, 3.0, 1.0, 0.0]
    scores = lambda: random(9, 7) * 3
    for reduction in ("mean", "sum"):
        options = {"reduction": reduction}
        entropy = lambda name, target, **more: one(
            f"cross_entropy_{name}_{reduction}", "crossEntropy", scores(), target, F.cross_entropy, **options, **more
        )
        entropy("weight", labels, weight=weight)
        entropy("smoothing", labels, labelSmoothing=0.2)
        entropy("smoothing_weight", labels, labelSmoothing=0.3, weight=weight)
        entropy("ignored", some)
        entropy("everything", some, labelSmoothing=0.1, weight=weight)
        entropy("ignored_class", labels, ignoreIndex=2, weight=weight)
        nll = lambda name, target, **more: one(
            f"nll_{name}_{reduction}", "nllLoss", F.log_softmax(scores(), 1), target, F.nll_loss, **options, **more
        )
        nll("plain", labels)
        nll("ignored_weight", some, weight=weight)
        for shape in ((5, 3), (2, 3, 4, 5)):
            dimensions = f"{len(shape)}d_{reduction}"
            x, target = random(*shape) * 5, torch.rand(*shape).round()
            one(f"mse_{dimensions}", "mseLoss", x, random(*shape), F.mse_loss, **options)
            bce = F.binary_cross_entropy_with_logits
            one(f"bce_{dimensions}", "binaryCrossEntropyWithLogits", x, target, bce, **options)
            soft, pos = torch.rand(*shape), [0.5, 3.0, 1.5]
            name = f"bce_weight_{dimensions}"
            one(name, "binaryCrossEntropyWithLogits", x, soft, bce, posWeight=pos, **options)


class Normalised(torch.nn.Module):
    """A normalisation after each convolution and at the last layer."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 6, 3, padding=1)
        self.bn1 = torch.nn.BatchNorm2d(6)
        self.conv2 = torch.nn.Conv2d(6, 10, 3, padding=1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(10, momentum=None)
        self.fc = torch.nn.Linear(10 * 4 * 4, 4)
        self.bn3 = torch.nn.BatchNorm1d(4, affine=False)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.fc(x.flatten(1)))


def training():
    """Six steps of SGD with momentum, then an evaluation."""
    model = Normalised()
    for key, one in model.state_dict().items():
        keep(f"training/first/{key}", one)
    images, labels = random(6, 12, 1, 8, 8), torch.randint(0, 4, (6, 12), dtype=torch.int32)
    keep("training/images", images)
    keep("training/labels", labels)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for x, label in zip(images, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), label.long())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    for key, one in model.state_dict().items():
        keep(f"training/last/{key}", one)
    model.eval()
    keep("training/scores", model(images[0]))
    return {"losses": losses}


DTYPES = {torch.float32: "F32", torch.int64: "I64", torch.int32: "I32"}


def write(path):
    header, parts, at = {}, [], 0
    # By element size, so that all are aligned.
    for name, one in sorted(tensors.items(), key=lambda entry: (-entry[1].element_size(), entry[0])):
        data = one.numpy().tobytes()
        header[name] = {"dtype": DTYPES[one.dtype], "shape": list(one.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def run(families):
    """Each from a seed of its own, so that a new one leaves the others' numbers alone."""
    for seed, family in families.items():
        torch.manual_seed(seed)
        family()


def save(name, **rest):
    """Writes what was made so far to a folder, and begins anew."""
    target = GOLDEN / name
    target.mkdir(exist_ok=True)
    write(target / f"{name}.safetensors")
    index = {"torch": torch.__version__, "cases": cases, **rest}
    (target / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    cases.clear()
    tensors.clear()


def main():
    torch.set_num_threads(1)
    run({0: batch_norm, 10: activations, 11: softmaxes, 12: losses, 13: hard_activations, 14: products})
    torch.manual_seed(100)
    save("layers", training=training())
    run(dict(enumerate(golden_spatial.families(case, random))))
    save("spatial")


main()
