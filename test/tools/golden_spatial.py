"""Cases of layers that work over space and channels, for make-golden.py."""

import torch
import torch.nn.functional as F


def families(case, random):
    return [family(case, random) for family in (pools, joins, pads, norms, transposed, grouped)]


def pools(case, random):
    def one(name, shape, kernel, stride=None, padding=0, **rest):
        options = {"ceil_mode": False, "count_include_pad": True, "divisor_override": None, **rest}
        attrs = {"kernel": kernel, "stride": stride or kernel, "padding": padding, **options}
        function = lambda x: F.avg_pool2d(x, kernel, stride, padding, **options)
        case(name, "avg_pool2d", attrs, {"x": random(*shape)}, function)

    def adaptive(name, shape, size):
        function = lambda x: F.adaptive_avg_pool2d(x, size)
        case(name, "adaptive_avg_pool2d", {"outputSize": size}, {"x": random(*shape)}, function)

    def run():
        one("avg_pool2d", (2, 3, 8, 6), 2)
        one("avg_pool2d_overlapping", (2, 17, 7, 9), (3, 2), (2, 1))
        one("avg_pool2d_gaps", (1, 5, 9, 8), 2, 3)
        one("avg_pool2d_padded", (2, 4, 7, 7), 3, 2, 1)
        one("avg_pool2d_padding_left_out", (2, 4, 7, 7), 3, 2, 1, count_include_pad=False)
        one("avg_pool2d_ceil", (1, 6, 8, 7), (3, 2), 2, (1, 0), ceil_mode=True)
        one("avg_pool2d_ceil_left_out", (1, 6, 8, 7), 3, 2, 1, ceil_mode=True, count_include_pad=False)
        one("avg_pool2d_divisor", (2, 3, 6, 6), 3, 2, 1, divisor_override=5)
        adaptive("adaptive_avg_pool2d_global", (3, 18, 7, 7), [1, 1])
        adaptive("adaptive_avg_pool2d_uneven", (2, 5, 10, 7), [4, 3])
        adaptive("adaptive_avg_pool2d_even", (2, 5, 8, 6), [4, 3])
        adaptive("adaptive_avg_pool2d_kept", (2, 3, 5, 7), [None, 2])
        adaptive("adaptive_avg_pool2d_larger", (1, 4, 3, 5), [7, 5])

    return run


def joins(case, random):
    def concat(name, shapes):
        inputs = {key: random(*shape) for key, shape in zip("abc", shapes)}
        case(name, "concat", {}, inputs, lambda **inputs: torch.cat(list(inputs.values()), 1))

    def reshape(name, shape, to):
        case(name, "reshape", {"shape": list(to)}, {"x": random(*shape)}, lambda x: x.reshape(shape[0], *to))

    def run():
        concat("concat_images", [(2, 3, 4, 5), (2, 17, 4, 5), (2, 1, 4, 5)])
        concat("concat_two", [(3, 16, 2, 2), (3, 32, 2, 2)])
        concat("concat_features", [(4, 7), (4, 20)])
        reshape("reshape_features_to_image", (3, 60), (5, 4, 3))
        reshape("reshape_image_to_image", (2, 6, 4, 5), (10, 3, 4))
        reshape("reshape_image_to_features", (2, 6, 4, 5), (120,))
        reshape("reshape_image_to_one_channel", (2, 6, 4, 5), (1, 24, 5))
        reshape("reshape_one_channel_to_image", (2, 1, 8, 9), (4, 3, 6))

    return run


def pads(case, random):
    def one(name, shape, padding, mode="constant", value=0.0):
        rest = {"value": value} if mode == "constant" else {}
        function = lambda x: F.pad(x, padding, mode, **rest)
        case(name, "pad", {"padding": padding, "mode": mode, "value": value}, {"x": random(*shape)}, function)

    def run():
        one("pad_zero", (2, 3, 5, 4), [1, 2, 3, 0])
        one("pad_constant", (2, 17, 3, 4), [2, 2, 2, 2], value=-1.5)
        one("pad_cropping", (2, 3, 6, 7), [-1, 2, -2, -1], value=0.5)
        one("pad_reflect", (2, 5, 4, 6), [3, 5, 2, 3], "reflect")
        one("pad_replicate", (2, 5, 3, 2), [4, 1, 2, 5], "replicate")

    return run


def norms(case, random):
    def inputs_of(shape, parameters, offset):
        inputs = {"x": random(*shape) * 2 + offset}
        if parameters:
            inputs.update(weight=random(*parameters), bias=random(*parameters))
        return inputs

    def group(name, shape, groups, affine=True, offset=0.0, eps=1e-5):
        function = lambda x, weight=None, bias=None: F.group_norm(x, groups, weight, bias, eps)
        inputs = inputs_of(shape, (shape[1],) if affine else None, offset)
        case(name, "group_norm", {"groups": groups, "eps": eps}, inputs, function)

    def layer(name, shape, affine=True, offset=0.0, eps=1e-5):
        normalized = list(shape[1:])
        function = lambda x, weight=None, bias=None: F.layer_norm(x, normalized, weight, bias, eps)
        inputs = inputs_of(shape, normalized if affine else None, offset)
        case(name, "layer_norm", {"shape": normalized, "eps": eps}, inputs, function)

    def instance(name, shape, affine=False, eps=1e-5):
        function = lambda x, weight=None, bias=None: F.instance_norm(x, None, None, weight, bias, True, 0.1, eps)
        inputs = inputs_of(shape, (shape[1],) if affine else None, 0.0)
        case(name, "instance_norm", {"eps": eps}, inputs, function)

    def run():
        group("group_norm", (3, 12, 5, 4), 4)
        group("group_norm_wide", (2, 40, 3, 3), 2, eps=1e-3)
        group("group_norm_one_group", (2, 6, 5, 5), 1)
        group("group_norm_far_from_zero", (2, 6, 4, 4), 3, offset=300.0)
        group("group_norm_no_affine", (2, 6, 4, 4), 2, affine=False)
        group("group_norm_features", (4, 20), 5)
        layer("layer_norm_image", (3, 5, 6, 7))
        layer("layer_norm_features", (4, 70))
        layer("layer_norm_no_affine", (2, 3, 4, 4), affine=False)
        layer("layer_norm_far_from_zero", (2, 3, 4, 4), offset=300.0)
        instance("instance_norm", (2, 7, 5, 5))
        instance("instance_norm_affine", (3, 18, 4, 3), affine=True)

    return run


def transposed(case, random):
    def one(name, shape, out, kernel, bias=True, **options):
        groups = options.get("groups", 1)
        pair = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        inputs = {"x": random(*shape), "weight": random(shape[1], out // groups, *pair)}
        if bias:
            inputs["bias"] = random(out)
        function = lambda x, weight, bias=None: F.conv_transpose2d(x, weight, bias, **options)
        case(name, "conv_transpose2d", options, inputs, function)

    def run():
        one("conv_transpose2d", (2, 5, 4, 4), 7, 3)
        one("conv_transpose2d_stride", (2, 16, 5, 4), 18, 4, stride=2, padding=1)
        one("conv_transpose2d_output_padding", (2, 3, 4, 5), 6, 3, stride=(2, 3), padding=1, output_padding=(1, 2))
        one("conv_transpose2d_dilation", (1, 4, 5, 5), 3, (2, 3), dilation=(3, 2), padding=(0, 1))
        one("conv_transpose2d_groups", (2, 6, 4, 4), 9, 3, groups=3, stride=2)
        one("conv_transpose2d_depthwise", (2, 5, 4, 4), 5, 3, groups=5, stride=2, padding=1, output_padding=1)
        one("conv_transpose2d_no_bias", (2, 4, 3, 3), 1, 2, bias=False, stride=2)
        one("conv_transpose2d_gaps", (1, 3, 3, 4), 2, 2, stride=3)
        one("conv_transpose2d_wide_output", (2, 3, 4, 3), 5, 3, dilation=(3, 4), padding=1, output_padding=(2, 3))
        one("conv_transpose2d_wide_output_stride", (2, 4, 3, 4), 6, (3, 2), stride=(2, 3), dilation=(4, 5),
            padding=(3, 1), output_padding=(3, 4), groups=2)

    return run


def grouped(case, random):
    def one(name, shape, out, kernel, **options):
        inputs = {
            "x": random(*shape),
            "weight": random(out, shape[1] // options["groups"], kernel, kernel),
            "bias": random(out),
        }
        function = lambda x, weight, bias: F.conv2d(x, weight, bias, **options)
        case(name, "conv2d", options, inputs, function)

    def run():
        one("conv2d_groups_5_to_7", (2, 15, 6, 6), 21, 3, groups=3, padding=1)
        one("conv2d_groups_17_to_3", (1, 34, 5, 5), 6, 3, groups=2, stride=2, padding=1)
        one("conv2d_groups_1_to_3", (2, 5, 6, 6), 15, 3, groups=5, padding=1)
        one("conv2d_groups_3_to_1", (2, 21, 5, 5), 7, 2, groups=7)
        one("conv2d_depthwise_33", (1, 33, 5, 5), 33, 3, groups=33, padding=2, dilation=2)

    return run
