"""The article's network in PyTorch, measured on request (bench/lib/peer.ts has the protocol).

    python3 pytorch.py <folder with weights and data> <threads> plain|tuned

plain: as somebody writes it. tuned: channels_last for training, a frozen and optimised script for inference.
"""
import contextlib
import json
import os
import sys
import time
from urllib.parse import unquote

import numpy as np
import torch
from torch import nn

FOLDER, THREADS, TUNED = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "tuned"
LAYOUT = torch.channels_last if TUNED else torch.contiguous_format
BATCH = 100


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Conv2d(1, 16, 5, padding=2)
        self.cnn2 = nn.Conv2d(16, 32, 5, padding=2)
        self.fc1 = nn.Linear(32 * 7 * 7, 10)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        x = self.pool(torch.relu(self.cnn1(x)))
        x = self.pool(torch.relu(self.cnn2(x)))
        return self.fc1(x.reshape(x.size(0), -1))


def model():
    cnn = Cnn()
    with torch.no_grad():
        for name, parameter in cnn.named_parameters():
            values = np.fromfile(os.path.join(FOLDER, name + ".f32"), np.float32)
            parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))
    return cnn.to(memory_format=LAYOUT)


def data(split, count=-1):
    pixels = -1 if count < 0 else count * 784
    images = np.fromfile(os.path.join(FOLDER, split + ".images.u8"), np.uint8, pixels).astype(np.float32) / 255
    labels = np.fromfile(os.path.join(FOLDER, split + ".labels.u8"), np.uint8, count).astype(np.int64)
    return torch.from_numpy(images).reshape(-1, 1, 28, 28), torch.from_numpy(labels)


class Training:
    def __init__(self):
        self.cnn = model()
        self.optimizer = torch.optim.SGD(self.cnn.parameters(), lr=0.1)
        self.loss = nn.CrossEntropyLoss()

    def step(self, images, labels):
        self.optimizer.zero_grad()
        loss = self.loss(self.cnn(images.contiguous(memory_format=LAYOUT)), labels)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def prepare_step(batch):
    images, labels = data("train")
    training = Training()
    at = [0]

    def run():
        start = at[0]
        at[0] = start + batch if start + 2 * batch <= len(labels) else 0
        return training.step(images[start : start + batch], labels[start : start + batch])

    return run, run()


def prepare_inference(batch):
    images, _ = data("test")
    cnn = model().eval()
    if TUNED:
        cnn = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.script(cnn.to(memory_format=torch.contiguous_format))))
    at = [0]

    def run():
        start = at[0]
        at[0] = start + batch if start + 2 * batch <= len(images) else 0
        with torch.no_grad():
            return cnn(images[start : start + batch])

    return run, run()[0].sum().item()


def block(inputs, outputs, kernel=3, stride=1, groups=1):
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def separable(inputs, outputs, stride):
    return [*block(inputs, inputs, 3, stride, inputs), *block(inputs, outputs, 1)]


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Sequential(*block(inputs, outputs, 3, stride))
        self.second = nn.Sequential(*block(outputs, outputs)[:2])
        self.shortcut = nn.Sequential(*([] if inputs == outputs else block(inputs, outputs, 1, stride)[:2]))

    def forward(self, x):
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


def lenet():
    return [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]


def keras():
    return [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10)]


def mlp():
    return [nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]


def vgg():
    return [*block(3, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2),
            *block(64, 128), *block(128, 128), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2048, 10)]


def resnet():
    return [*block(3, 16), Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]


def mobilenet():
    return [*block(3, 32), *separable(32, 64, 1), *separable(64, 128, 2), *separable(128, 128, 1),
            *separable(128, 256, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10)]


# What src/bench/networks.ts has, under the same names.
GREY, COLOUR = (1, 28, 28), (3, 32, 32)
NETWORKS = {
    "LeNet-5 with ReLU": (lenet, GREY),
    "Keras' MNIST CNN": (keras, GREY),
    "784-512-512-10 MLP": (mlp, GREY),
    "VGG of 6 normalised layers": (vgg, COLOUR),
    "ResNet-8": (resnet, COLOUR),
    "MobileNet of 4 separable layers": (mobilenet, COLOUR),
}


def fractions(stream, shape):
    """Of multiples of constants: what everybody can make up anew."""
    i = np.arange(int(np.prod(shape)), dtype=np.float64)
    return ((i * 0.6180339887498949 + i * i * 1e-3 + stream * 0.4142135623730951) % 1).reshape(shape)


def prepare_network(name, batch):
    make, shape = NETWORKS[name]
    network = nn.Sequential(*make())
    stream = 0
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 1:
                if (parameter != 1).any():
                    parameter.zero_()
                continue
            stream += 1
            reach = np.sqrt(6 / np.prod(parameter.shape[1:]))
            parameter.copy_(torch.from_numpy(reach * (2 * fractions(stream, tuple(parameter.shape)) - 1)))
    network = network.to(memory_format=LAYOUT)
    images = torch.from_numpy(fractions(0, (batch, *shape)).astype(np.float32))
    labels = torch.arange(batch) % 10
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-5, momentum=0.9)  # NETWORK_RATE there
    criterion = nn.CrossEntropyLoss()

    def run():
        optimizer.zero_grad()
        loss = criterion(network(images.contiguous(memory_format=LAYOUT)), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run, run()


def train(epochs):
    images, labels = data("train")
    test_images, test_labels = data("test")
    training = Training()
    results = []
    right = 0
    for _ in range(epochs):
        start = time.perf_counter()
        for at in range(0, len(labels), BATCH):
            training.step(images[at : at + BATCH], labels[at : at + BATCH])
        middle = time.perf_counter()
        with torch.no_grad():
            right = 0
            for at in range(0, len(test_labels), 1000):
                scores = training.cnn(test_images[at : at + 1000].contiguous(memory_format=LAYOUT))
                right += (scores.argmax(1) == test_labels[at : at + 1000]).sum().item()
        results.append({"train": middle - start, "validation": time.perf_counter() - middle})
    return {"epochs": results, "accuracy": right / len(test_labels)}


def resident(what):
    """VmRSS, or VmHWM for its peak, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(what))


def memory(batch):
    """By how much the process grows, at its peak, from steps of one image to steps of a batch."""
    images, labels = data("train", 20 * batch)
    training = Training()

    def steps(size):
        for at in range(0, 20 * size, size):
            training.step(images[at : at + size], labels[at : at + size])

    steps(1)
    before = resident("VmRSS")
    with open("/proc/self/clear_refs", "w") as peaks:
        peaks.write("5")
    steps(batch)
    return {"grown": resident("VmHWM") - before}


def sample(run, seconds):
    taken = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not taken:
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return taken


def blas():
    with contextlib.suppress(OSError), open("/proc/self/maps") as maps:
        return "OpenBLAS" if "openblas" in maps.read() else "reference BLAS"
    return "unknown BLAS"


def answer(command, options, state):
    if command == "prepare":
        if options["kind"] not in ("step", "network", "inference"):
            return {"unsupported": True}
        batch = int(options["batch"])
        if options["kind"] == "network":
            state["run"], check = prepare_network(unquote(options["name"]), batch)
            return {"ok": True, "check": check}
        make = prepare_step if options["kind"] == "step" else prepare_inference
        state["run"], check = make(batch)
        return {"ok": True, "check": check}
    if command == "sample":
        return {"seconds": sample(state["run"], float(options["seconds"]))}
    if command == "train":
        return train(int(options["epochs"]))
    if command == "memory":
        return memory(int(options["batch"]))
    state.clear()
    return {"ok": True}


def main():
    torch.set_num_threads(THREADS)
    version = torch.__version__
    print(json.dumps({"name": f"PyTorch {version}", "detail": f"{blas()}, {'channels_last' if TUNED else 'NCHW'}"}), flush=True)
    state = {}
    for line in sys.stdin:
        command, *rest = line.split()
        try:
            reply = answer(command, dict(pair.split("=", 1) for pair in rest), state)
        except Exception as error:  # whatever it is, the bench reports it and goes on
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


main()
