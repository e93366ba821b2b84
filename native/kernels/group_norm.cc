// Group normalisation: y = (x - mean) / sqrt(var + eps) * weight + bias, mean and variance being those of a
// group of channels of one image. Layer normalisation is one group of channels of one position each, instance
// normalisation as many groups as channels.
//
// Images do not depend on one another, so each goes through all passes while it is in L2: two for the
// statistics (the second mends the rounding of the first's mean, and takes distances from it, so that nothing
// is lost where that is far from zero), one for the result. Lanes are channels, or where there is one group
// whatever lies side by side.
#include "batch_norm.h"
#include "elementwise.h"
#include "kernel.h"
#include "sums.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

struct TwoSums {
  double first, second;
};

struct TwoVecs {
  Vec first, second;

  TWILL_INLINE void take(Vec one, Vec other) {
    first = add(first, one);
    second = add(second, other);
  }
};

// What is summed up over an image: d = x - mean and d * d, or where there is an upstream gradient g and g *
// d.
struct Summands {
  const float* x;
  const float* grad_output;
  const float* weight;  // of each value; g is multiplied by it

  TWILL_INLINE void take(TwoVecs& sums, int64_t i, Vec mean, int lanes) const {
    const Vec distance = sub(load_lanes(x + i, lanes), mean);
    Vec g = distance;
    if (grad_output) g = load_lanes(grad_output + i, lanes);
    if (weight) g = mul(g, load_lanes(weight + i, lanes));
    sums.take(g, mul(g, distance));
  }
};

// Sums over `count` values side by side. They are dealt out to columns, as many as the widest vector has, in
// two chains each; columns are added up in order, in double. So the sums are the same at every width of a
// vector.
TwoSums sums_of_row(const Summands& summands, int64_t count, float mean_of_all) {
  constexpr int64_t kColumns = 16, kBlock = 4096;
  static_assert(kColumns % kWidth == 0);
  float first[kColumns] = {}, second[kColumns] = {};
  const int64_t whole = count - count % kColumns;
  const Vec mean = broadcast(mean_of_all);
  for (int64_t block = 0; block < whole; block += kBlock) {
    const int64_t end = whole - block < kBlock ? whole : block + kBlock;
    for (int64_t column = 0; column < kColumns; column += kWidth) {
      TwoVecs even = {load(first + column), load(second + column)}, odd = {zero(), zero()};
      int64_t i = block + column;
      for (; i + kColumns < end; i += 2 * kColumns) {
        summands.take(even, i, mean, kWidth);
        summands.take(odd, i + kColumns, mean, kWidth);
      }
      if (i < end) summands.take(even, i, mean, kWidth);
      store(first + column, add(even.first, odd.first));
      store(second + column, add(even.second, odd.second));
    }
  }
  for (int64_t i = whole; i < count; i += kWidth) {
    const int lanes = static_cast<int>(count - i < kWidth ? count - i : kWidth);
    TwoVecs rest = {zero(), zero()};
    summands.take(rest, i, mean, lanes);
    const int64_t column = i - whole;
    store_lanes(first + column, add(load_lanes(first + column, lanes), rest.first), lanes);
    store_lanes(second + column, add(load_lanes(second + column, lanes), rest.second), lanes);
  }
  TwoSums all = {0, 0};
  for (int column = 0; column < kColumns; ++column) {
    all.first += static_cast<double>(first[column]);
    all.second += static_cast<double>(second[column]);
  }
  return all;
}

// Mean and 1 / sqrt(var + eps) of an image: two numbers, or those of each channel's group, [C] each.
struct GroupStatistics {
  float* data;
  int64_t C;
  bool one;

  GroupStatistics(const Work& work, int index, const GroupNormParams& p, int64_t image)
      : data(operand<float>(work, index) + image * (p.groups == 1 ? 2 : 3 * int64_t{p.C})),
        C(p.C),
        one(p.groups == 1) {}

  TWILL_INLINE Vec mean(int64_t c, int lanes) const {
    return one ? broadcast(data[0]) : load_lanes(data + c, lanes);
  }
  TWILL_INLINE Vec inverse(int64_t c, int lanes) const {
    return one ? broadcast(data[1]) : load_lanes(data + C + c, lanes);
  }
};

// Sums of each channel over an image's positions, into first[C] and second[C].
void sums_of_channels(const Summands& summands, const GroupNormParams& p, const GroupStatistics& statistics,
                      float* first, float* second) {
  const int64_t C = p.C;
  each_block(0, p.positions, C, [&](int64_t at, int64_t count) TWILL_INLINE_LAMBDA {
    each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const Vec mean = statistics.mean(c, lanes);
      TwoVecs even = {zero(), zero()}, odd = even;
      int64_t i = at * C + c;
      const int64_t end = (at + count) * C;
      for (; i + C < end; i += 2 * C) {
        summands.take(even, i, mean, lanes);
        summands.take(odd, i + C, mean, lanes);
      }
      if (i < end) summands.take(even, i, mean, lanes);
      if (at > 0) even.take(load_lanes(first + c, lanes), load_lanes(second + c, lanes));
      store_lanes(first + c, add(even.first, odd.first), lanes);
      store_lanes(second + c, add(even.second, odd.second), lanes);
    });
  });
}

// body(first channel, behind the last) for each group.
template <typename Body>
void each_group(const GroupNormParams& p, const Body& body) {
  const int64_t channels = p.C / p.groups;
  for (int64_t c = 0; c < p.C; c += channels) body(c, c + channels);
}

// Mean and inverse from the sums of distances, and of their squares, from a mean that was rounded.
void mend(float& mean, float& inverse, const TwoSums& sums, double count, float eps) {
  const double shift = sums.first / count;
  const double variance = sums.second / count - shift * shift;
  mean = static_cast<float>(static_cast<double>(mean) + shift);
  inverse =
      static_cast<float>(1.0 / __builtin_sqrt((variance < 0 ? 0 : variance) + static_cast<double>(eps)));
}

// Distances from 0, of which the mean is made, then from that.
void statistics_of_one(const GroupNormParams& p, const float* x, float* data) {
  const int64_t count = p.C * int64_t{p.positions};
  const Summands summands = {x, nullptr, nullptr};
  data[0] = 0;
  for (int pass = 0; pass < 2; ++pass) {
    mend(data[0], data[1], sums_of_row(summands, count, data[0]), static_cast<double>(count),
         float_of(p.eps));
  }
}

void statistics_of_groups(const GroupNormParams& p, const float* x, const GroupStatistics& statistics) {
  float *mean = statistics.data, *inverse = mean + p.C, *room = inverse + p.C;
  const double count = static_cast<double>(p.C / p.groups * int64_t{p.positions});
  zero_floats(mean, p.C);
  for (int pass = 0; pass < 2; ++pass) {
    sums_of_channels({x, nullptr, nullptr}, p, statistics, room, inverse);
    each_group(p, [&](int64_t begin, int64_t end) {
      TwoSums sums = {0, 0};
      for (int64_t c = begin; c < end; ++c) {
        sums.first += static_cast<double>(room[c]);
        sums.second += static_cast<double>(inverse[c]);
      }
      mend(mean[begin], inverse[begin], sums, count, float_of(p.eps));
      for (int64_t c = begin + 1; c < end; ++c) {
        mean[c] = mean[begin];
        inverse[c] = inverse[begin];
      }
    });
  }
}

// What the gradient of x is made of besides the upstream one: slope (x - mean) + offset, slope and offset
// being a group's.
struct GroupTerms {
  float slope, offset;

  // `sums`: of g weight and of g weight (x - mean).
  GroupTerms(const TwoSums& sums, float inverse, double count) {
    const double one = static_cast<double>(inverse);
    slope = static_cast<float>(-one * one * one * sums.second / count);
    offset = static_cast<float>(-one * sums.first / count);
  }
};

// All that one image's backward pass reads and writes.
struct Backward {
  const float* x;
  const float* grad_output;
  GroupStatistics statistics;
  const float* weight;
  float* terms;
  float* grad_input;
  float* grad_weight;
  float* grad_bias;

  Backward(const Work& work, const GroupNormParams& p, int64_t n)
      : x(operand<const float>(work, 0) + n * p.C * p.positions),
        grad_output(operand<const float>(work, 1) + n * p.C * p.positions),
        statistics(work, 2, p, n),
        weight(operand<const float>(work, 3)),
        terms(operand<float>(work, 4)),
        grad_input(operand<float>(work, 5)),
        grad_weight(operand<float>(work, 6)),
        grad_bias(operand<float>(work, 7)) {
    if (terms) terms += n * 2 * p.C;
    if (grad_input) grad_input += n * p.C * p.positions;
  }

  TWILL_INLINE Vec distance(int64_t i, int64_t c, int lanes) const {
    return sub(load_lanes(x + i, lanes), statistics.mean(c, lanes));
  }
  TWILL_INLINE Vec weighed(Vec g, int64_t c, int lanes) const {
    return weight ? mul(g, load_lanes(weight + c, lanes)) : g;
  }
  // Adds what an image gives to the gradients of weight and bias: its sums of g (x - mean) and of g.
  TWILL_INLINE void add_parameters(int64_t c, int lanes, Vec distances, Vec upstream) const {
    if (grad_weight) {
      const Vec sum = load_lanes(grad_weight + c, lanes);
      store_lanes(grad_weight + c, fma(distances, statistics.inverse(c, lanes), sum), lanes);
    }
    if (grad_bias) store_lanes(grad_bias + c, add(load_lanes(grad_bias + c, lanes), upstream), lanes);
  }
};

// One position: whatever concerns a channel concerns one value.
void backward_of_one(const GroupNormParams& p, const Backward& b) {
  const float inverse = b.statistics.data[1];
  const Summands summands = {b.x, b.grad_output, b.weight};
  const GroupTerms own(sums_of_row(summands, p.C, b.statistics.data[0]), inverse, static_cast<double>(p.C));
  const Vec scale = broadcast(inverse), slope = broadcast(own.slope), offset = broadcast(own.offset);
  each_lanes(p.C, [&](int64_t i, int lanes) TWILL_INLINE_LAMBDA {
    const Vec g = load_lanes(b.grad_output + i, lanes);
    const Vec distance = b.distance(i, i, lanes);
    b.add_parameters(i, lanes, mul(g, distance), g);
    if (!b.grad_input) return;
    store_lanes(b.grad_input + i, fma(scale, b.weighed(g, i, lanes), fma(slope, distance, offset)), lanes);
  });
}

void backward_of_channels(const GroupNormParams& p, const Backward& b) {
  const int64_t C = p.C;
  float *distances = b.terms, *upstream = b.terms + C;
  sums_of_channels({b.x, b.grad_output, nullptr}, p, b.statistics, upstream, distances);
  each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
    b.add_parameters(c, lanes, load_lanes(distances + c, lanes), load_lanes(upstream + c, lanes));
  });
  if (!b.grad_input) return;
  float *slopes = distances, *offsets = upstream;
  each_group(p, [&](int64_t begin, int64_t end) {
    TwoSums sums = {0, 0};
    for (int64_t c = begin; c < end; ++c) {
      const double weight = b.weight ? static_cast<double>(b.weight[c]) : 1.0;
      sums.first += weight * static_cast<double>(upstream[c]);
      sums.second += weight * static_cast<double>(distances[c]);
    }
    const float inverse = b.statistics.data[b.statistics.one ? 1 : C + begin];
    const GroupTerms own(sums, inverse, static_cast<double>((end - begin) * p.positions));
    for (int64_t c = begin; c < end; ++c) {
      slopes[c] = own.slope;
      offsets[c] = own.offset;
    }
  });
  each_block(0, p.positions, C, [&](int64_t at, int64_t count) TWILL_INLINE_LAMBDA {
    each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
      const Vec scale = b.weighed(b.statistics.inverse(c, lanes), c, lanes);
      const Vec slope = load_lanes(slopes + c, lanes), offset = load_lanes(offsets + c, lanes);
      const Vec mean = b.statistics.mean(c, lanes);
      for (int64_t i = at * C + c; i < (at + count) * C; i += C) {
        const Vec distance = sub(load_lanes(b.x + i, lanes), mean);
        const Vec spread = fma(slope, distance, offset);
        store_lanes(b.grad_input + i, fma(scale, load_lanes(b.grad_output + i, lanes), spread), lanes);
      }
    });
  });
}

}  // namespace

void group_norm_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<GroupNormParams>(work);
  const int64_t C = p.C;
  const float* weight = operand<const float>(work, 1);
  const float* bias = operand<const float>(work, 2);
  for (int64_t n = begin; n < end; ++n) {
    const float* x = operand<const float>(work, 0) + n * C * p.positions;
    float* y = operand<float>(work, 3) + n * C * p.positions;
    const GroupStatistics statistics(work, 4, p, n);
    if (statistics.one) {
      statistics_of_one(p, x, statistics.data);
    } else {
      statistics_of_groups(p, x, statistics);
    }
    each_block(0, p.positions, C, [&](int64_t at, int64_t count) TWILL_INLINE_LAMBDA {
      each_lanes(C, [&](int64_t c, int lanes) TWILL_INLINE_LAMBDA {
        const Vec inverse = statistics.inverse(c, lanes);
        const ChannelAffine channel = {statistics.mean(c, lanes),
                                       weight ? mul(inverse, load_lanes(weight + c, lanes)) : inverse,
                                       bias ? load_lanes(bias + c, lanes) : zero()};
        for (int64_t i = at * C + c; i < (at + count) * C; i += C) {
          store_lanes(y + i, channel.apply(load_lanes(x + i, lanes)), lanes);
        }
      });
    });
  }
}

void group_norm_backward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<GroupNormParams>(work);
  if (work.first) {
    for (int index = 6; index <= 7; ++index) {
      if (float* sum = operand<float>(work, index)) zero_floats(sum, p.C);
    }
  }
  for (int64_t n = begin; n < end; ++n) {
    const Backward own(work, p, n);
    if (own.statistics.one && p.positions == 1) {
      backward_of_one(p, own);
    } else {
      backward_of_channels(p, own);
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
