"""Makes test/golden/optim: 20 steps of PyTorch's optimisers and schedules, with Debian's python3-torch 1.13.

    /usr/bin/python3 test/tools/make-golden-optim.py

Every training is computed in float32 and in float64; `f64` is the largest distance between the two, over all weights.
"""

import json
import struct
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F

TARGET = Path(__file__).parent.parent / "golden" / "optim"
STEPS, BATCHES, BATCH, CLASSES = 20, 5, 6, 4

tensors = {}


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 5, 3, padding=1)
        self.fc = torch.nn.Linear(5 * 4 * 4, CLASSES)

    def forward(self, x):
        return self.fc(F.max_pool2d(F.relu(self.conv(x)), 2).flatten(1))


def train(first, images, labels, dtype, make, norm, value, decay, frozen):
    model = Net()
    model.load_state_dict(first)
    model = model.to(dtype)
    for key, one in model.named_parameters():
        one.requires_grad_(not key.startswith(frozen) if frozen else True)
    optimizer = make(model)
    average = None
    if decay is not None:
        average = torch.optim.swa_utils.AveragedModel(
            model, avg_fn=lambda mean, weight, _: decay * mean + (1 - decay) * weight
        )
    norms = []
    for step in range(STEPS):
        x, label = images[step % BATCHES].to(dtype), labels[step % BATCHES].long()
        optimizer.zero_grad()
        F.cross_entropy(model(x), label).backward()
        if norm is not None:
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), norm).item())
        if value is not None:
            torch.nn.utils.clip_grad_value_(model.parameters(), value)
        optimizer.step()
        if average is not None:
            average.update_parameters(model)
    result = {key: one.detach() for key, one in model.named_parameters()}
    if average is not None:
        result.update({f"average.{key}": one.detach() for key, one in average.module.named_parameters()})
    return result, norms


def groups(make, rest, *given):
    """An optimiser with the parameters of the given modules (prefix, options) apart from the rest."""

    def of(model):
        named = list(model.named_parameters())
        taken, lists = set(), []
        for test, options in given:
            own = [key for key, _ in named if test(key) and key not in taken]
            taken.update(own)
            lists.append({"params": [one for key, one in named if key in own], **options})
        lists.append({"params": [one for key, one in named if key not in taken]})
        return make(lists, **rest)

    return of


def trainings():
    optim = torch.optim
    first = Net().state_dict()
    for key, one in first.items():
        tensors[f"first/{key}"] = one.clone()
    images = torch.rand(BATCHES, BATCH, 1, 8, 8)
    labels = torch.randint(0, CLASSES, (BATCHES, BATCH), dtype=torch.int32)
    tensors["images"], tensors["labels"] = images, labels
    every = lambda make, **options: lambda model: make(model.parameters(), **options)
    bias = lambda key: key.endswith("bias")
    fc = lambda key: key.startswith("fc.")
    runs = {
        "adam": dict(make=every(optim.Adam, lr=0.01)),
        "adam_amsgrad_decay": dict(
            make=every(optim.Adam, lr=0.02, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.05, amsgrad=True)
        ),
        "adamw": dict(make=every(optim.AdamW, lr=0.01)),
        "adamw_amsgrad": dict(make=every(optim.AdamW, lr=0.02, weight_decay=0.3, amsgrad=True)),
        "rmsprop": dict(make=every(optim.RMSprop, lr=0.002)),
        "rmsprop_momentum": dict(make=every(optim.RMSprop, lr=0.001, momentum=0.9, weight_decay=0.01)),
        "rmsprop_centered": dict(
            make=every(optim.RMSprop, lr=0.001, alpha=0.9, eps=1e-4, momentum=0.5, centered=True)
        ),
        "sgd_clip_norm": dict(make=every(optim.SGD, lr=0.3, momentum=0.9), norm=0.4),
        "adam_measured": dict(make=every(optim.Adam, lr=0.01), norm=float("inf")),
        "sgd_clip_value": dict(make=every(optim.SGD, lr=0.3), value=0.02),
        "sgd_groups": dict(
            make=groups(
                optim.SGD,
                dict(lr=0.1, momentum=0.9, weight_decay=0.01),
                (bias, dict(lr=0.2, weight_decay=0)),
                (fc, dict(momentum=0)),
            )
        ),
        "adamw_groups": dict(
            make=groups(optim.AdamW, dict(lr=0.01, weight_decay=0.2), (bias, dict(weight_decay=0, amsgrad=True)))
        ),
        "sgd_frozen": dict(make=every(optim.SGD, lr=0.2, momentum=0.9), frozen="conv"),
        "sgd_average": dict(make=every(optim.SGD, lr=0.2, momentum=0.9), decay=0.9),
    }
    index = {}
    for name, options in runs.items():
        options = {"norm": None, "value": None, "decay": None, "frozen": None, **options}
        single, norms = train(first, images, labels, torch.float32, **options)
        double, _ = train(first, images, labels, torch.float64, **options)
        for key, one in single.items():
            tensors[f"{name}/{key}"] = one.clone()
        distance = max((one.double() - double[key]).abs().max().item() for key, one in single.items())
        index[name] = {"f64": distance, **({"norms": norms} if norms else {})}
    return index


def schedules():
    lr = torch.optim.lr_scheduler
    runs = {
        "StepLR": lambda o: lr.StepLR(o, 3, 0.5),
        "MultiStepLR": lambda o: lr.MultiStepLR(o, [2, 5, 5, 11], 0.3),
        "ExponentialLR": lambda o: lr.ExponentialLR(o, 0.9),
        "CosineAnnealingLR": lambda o: lr.CosineAnnealingLR(o, 10, 0.001),
        "LinearLR": lambda o: lr.LinearLR(o, 0.25, 0.9, 7),
        "ConstantLR": lambda o: lr.ConstantLR(o, 0.2, 4),
        "OneCycleLR": lambda o: lr.OneCycleLR(o, 0.4, total_steps=STEPS),
        "OneCycleLR_linear": lambda o: lr.OneCycleLR(
            o, 0.4, epochs=4, steps_per_epoch=5, pct_start=0.4, anneal_strategy="linear", cycle_momentum=False,
            div_factor=10, final_div_factor=100,
        ),
        "OneCycleLR_three": lambda o: lr.OneCycleLR(
            o, 0.4, total_steps=STEPS, three_phase=True, base_momentum=0.8, max_momentum=0.9
        ),
        "SequentialLR": lambda o: lr.SequentialLR(
            o, [lr.LinearLR(o, 0.1, 1, 4), lr.CosineAnnealingLR(o, 12), lr.ConstantLR(o, 0.05, 100)], [4, 16]
        ),
    }
    result = {}
    for name, make in runs.items():
        one = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([one], lr=0.1, momentum=0.7)
        schedule = make(optimizer)
        lrs, momenta = [], []
        for _ in range(STEPS):
            lrs.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            try:
                schedule.step()
            except ValueError:
                pass  # OneCycleLR is at its end.
        result[name] = {"lrs": lrs, **({"momenta": momenta} if momenta[0] != 0.7 else {})}
    return result


def plateaus():
    metrics = [5, 4, 3.9999, 3, 3, 3.1, 3.2, 2.9999, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, float("nan"), 1, 1, 1, 0.5]
    runs = {
        "default": {},
        "patient": dict(patience=2, factor=0.5),
        "abs": dict(patience=1, threshold=0.1, threshold_mode="abs", cooldown=2, factor=0.3),
        "max": dict(mode="max", patience=3, factor=0.2, min_lr=0.003),
        "max_abs": dict(mode="max", patience=0, threshold_mode="abs", threshold=0.5, factor=0.6, min_lr=0.001, eps=1e-3),
    }
    result = {}
    for name, options in runs.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        lrs = []
        for metric in metrics:
            lrs.append(optimizer.param_groups[0]["lr"])
            schedule.step(metric)
        result[name] = {"options": options, "lrs": lrs}
    return {"metrics": [None if metric != metric else metric for metric in metrics], "runs": result}


DTYPES = {torch.float32: "F32", torch.int32: "I32"}


def write(path):
    header, parts, at = {}, [], 0
    for name, one in sorted(tensors.items()):
        data = one.contiguous().numpy().tobytes()
        header[name] = {"dtype": DTYPES[one.dtype], "shape": list(one.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(7)
    index = {"torch": torch.__version__, "trainings": trainings(), "schedules": schedules(), "plateaus": plateaus()}
    TARGET.mkdir(exist_ok=True)
    write(TARGET / "optim.safetensors")
    (TARGET / "index.json").write_text(json.dumps(index, indent=1) + "\n")


main()
