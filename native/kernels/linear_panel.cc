// Linear layers of many weights, cut into panels of features instead of slices of images.
//
// Slices would each bring all weights into the cache, and each have a gradient of its own to be added up: 16
// times 4.7 MB for 9216 inputs and 128 outputs. A panel is kPanel columns of the sums, taken kTerms terms at
// a time: its weights, 32 KB, are copied side by side and stay in the first-level cache while the images
// pass, and a weight's gradient is one chain over the batch.
//
// Products: a block of sums is kImages images by two vectors, 24 of the 32 registers of AVX-512 and NEON, 12
// of 16, 8 of WebAssembly's 12. A term costs 2 loads and a broadcast for each image: 14 loads for 24
// multiply-adds, 8 for 12, 6 for 8, within what machines load beside that many.
#include "accumulators.h"
#include "elementwise.h"
#include "image_blocks.h"
#include "kernel.h"
#include "outer_products.h"
#include "params_layers.h"

namespace twill {
namespace TWILL_ISA {

using namespace simd;

namespace {

constexpr int64_t kTerms = 256;  // of a sum at a time; the sums of the parts are added up
constexpr int kImages = kAccumulators / 2 < 12 ? kAccumulators / 2 : 12;

struct Range {
  int64_t begin, end;
};

// The unit's panel of `columns` columns, and its share of `count` in that.
struct Unit {
  int64_t panel, block, blocks;

  Unit(int64_t unit, int64_t units, int64_t columns) {
    blocks = units / ((columns + kPanel - 1) / kPanel);
    panel = unit / blocks;
    block = unit % blocks;
  }
  Range columns(int64_t all) const {
    const int64_t begin = panel * kPanel;
    return {begin, all - begin < kPanel ? all : begin + kPanel};
  }
  Range share(int64_t count) const { return {block * count / blocks, (block + 1) * count / blocks}; }
};

// Lanes that differ in bit kApart trade places with rows that do, then those that do in the next bit.
template <int kApart>
TWILL_INLINE void trade_lanes(Vec (&row)[kWidth]) {
  if constexpr (kApart < kWidth) {
    float bit[kWidth];
    for (int lane = 0; lane < kWidth; ++lane) bit[lane] = lane & kApart ? 1.0f : 0.0f;
    const Mask odd = gt(load(bit), zero());
    unroll<0, kWidth>([&](auto r) TWILL_INLINE_LAMBDA {
      if constexpr ((r.value & kApart) == 0) {
        const Vec low = row[r.value], high = row[r.value + kApart];
        row[r.value] = select(odd, exchange<kApart>(high), low);
        row[r.value + kApart] = select(odd, high, exchange<kApart>(low));
      }
    });
    trade_lanes<2 * kApart>(row);
  }
}

// to[col][row] = from[row][col] for kWidth rows, of which `rows` are there and the others zero, and `cols`
// columns.
TWILL_INLINE void transpose_block(const float* from, int64_t from_row, int rows, int cols, float* to) {
  Vec row[kWidth];
  unroll<0, kWidth>([&](auto r) TWILL_INLINE_LAMBDA {
    row[r.value] = load_partial(from + r.value * from_row, r.value < rows ? cols : 0);
  });
  trade_lanes<1>(row);
  unroll<0, kWidth>([&](auto col) TWILL_INLINE_LAMBDA {
    if (col.value < cols) store(to + col.value * kPanel, row[col.value]);
  });
}

// y [images][OUT] = x [images][IN] times a matrix, [IN][OUT] or, turned, [OUT][IN] (+ bias).
struct Product {
  const float* x;
  const float* matrix;
  bool turned;
  const float* bias;
  float* y;
  int64_t IN, OUT;
};

// panel [terms][kPanel] = the matrix's rows `terms` and columns `columns`, then zeros.
void copy_panel(const Product& p, Range terms, Range columns, float* panel) {
  const int64_t count = terms.end - terms.begin;
  if (!p.turned) {
    const float* from = p.matrix + terms.begin * p.OUT + columns.begin;
    for (int64_t i = 0; i < count; ++i, from += p.OUT, panel += kPanel) {
      copy_floats(panel, from, columns.end - columns.begin);
      zero_floats(panel + columns.end - columns.begin, columns.begin + kPanel - columns.end);
    }
    return;
  }
  for (int64_t c = 0; c < kPanel; c += kWidth) {
    const int64_t rows = columns.end - columns.begin - c;
    const float* from = p.matrix + (columns.begin + c) * p.IN + terms.begin;
    for (int64_t i = 0; i < count; i += kWidth) {
      transpose_block(from + i, p.IN,
                      rows < 0        ? 0
                      : rows < kWidth ? static_cast<int>(rows)
                                      : kWidth,
                      count - i < kWidth ? static_cast<int>(count - i) : kWidth, panel + i * kPanel + c);
    }
  }
}

// sums[image][lane] over `terms` terms, for two vectors of lanes.
template <int images>
TWILL_INLINE void sum_products(const float* x, int64_t x_row, const float* panel, int64_t terms,
                               float* sums) {
  Vec sum[images][2];
  unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA { sum[r.value][0] = sum[r.value][1] = zero(); });
  for (int64_t i = 0; i < terms; ++i, panel += kPanel) {
    const Vec w[2] = {load(panel), load(panel + kWidth)};
    unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
      const Vec value = broadcast(x[r.value * x_row + i]);
      sum[r.value][0] = fma(value, w[0], sum[r.value][0]);
      sum[r.value][1] = fma(value, w[1], sum[r.value][1]);
    });
  }
  unroll<0, images>([&](auto r) TWILL_INLINE_LAMBDA {
    store(sums + r.value * 2 * kWidth, sum[r.value][0]);
    store(sums + r.value * 2 * kWidth + kWidth, sum[r.value][1]);
  });
}

// y[image][lane] = start[image][lane], if there is one, + sums[image][lane]. Once, not in every block's code:
// it is as long as that.
__attribute__((noinline)) void add_sums(const float* sums, int images, const float* start, int64_t start_row,
                                        float* y, int64_t y_row, int lanes) {
  for (int n = 0; n < images; ++n, sums += 2 * kWidth, y += y_row) {
    each_vector(0, lanes, [&](int64_t v, int some) TWILL_INLINE_LAMBDA {
      const Vec sum = load(sums + v);
      store_lanes(y + v, start ? add(load_lanes(start + v, some), sum) : sum, some);
    });
    if (start) start += start_row;
  }
}

void run_product(const Product& p, int64_t batch, int64_t units, int64_t begin, int64_t end) {
  alignas(64) float panel[kTerms * kPanel];
  for (int64_t u = begin; u < end; ++u) {
    const Unit unit(u, units, p.OUT);
    const Range columns = unit.columns(p.OUT), images = unit.share(batch);
    for (int64_t i = 0; i < p.IN; i += kTerms) {
      const Range terms{i, p.IN - i < kTerms ? p.IN : i + kTerms};
      copy_panel(p, terms, columns, panel);
      for (int64_t o = columns.begin; o < columns.end; o += 2 * kWidth) {
        const int64_t left = columns.end - o;
        const int lanes = left < 2 * kWidth ? static_cast<int>(left) : 2 * kWidth;
        each_block<kImages>(images.end - images.begin, [&](int64_t n, auto size) TWILL_INLINE_LAMBDA {
          const int64_t image = images.begin + n;
          alignas(64) float sums[kImages * 2 * kWidth];
          sum_products<size.value>(p.x + image * p.IN + i, p.IN, panel + (o - columns.begin),
                                   terms.end - terms.begin, sums);
          float* y = p.y + image * p.OUT + o;
          const float* start = i > 0 ? y : p.bias ? p.bias + o : nullptr;
          add_sums(sums, size.value, start, i > 0 ? p.OUT : 0, y, p.OUT, lanes);
        });
      }
    }
  }
}

}  // namespace

void linear_panel_forward(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<LinearPanelParams>(work);
  const Product product{operand<const float>(work, 0),
                        operand<const float>(work, 1),
                        false,
                        operand<const float>(work, 2),
                        operand<float>(work, 3),
                        p.IN,
                        p.OUT};
  run_product(product, work.batch, p.count, begin, end);
}

void linear_panel_backward_input(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<LinearPanelParams>(work);
  const Product product{operand<const float>(work, 0),
                        operand<const float>(work, 1),
                        true,
                        nullptr,
                        operand<float>(work, 2),
                        p.OUT,
                        p.IN};
  run_product(product, work.batch, p.count, begin, end);
}

// A panel's inputs are copied side by side as well: IN floats apart, they would share few sets of the cache.
void linear_panel_backward_weight(const Work& work, int64_t begin, int64_t end) {
  const auto& p = params_of<LinearPanelWeightParams>(work);
  alignas(64) float panel[kTerms * kPanel];
  for (int64_t u = begin; u < end; ++u) {
    const Unit unit(u, p.count, p.IN);
    const Range inputs = unit.columns(p.IN);
    const Range panels = unit.share((p.OUT + kPanel - 1) / kPanel);
    const int64_t first = panels.begin * kPanel;
    const int64_t outputs = (panels.end * kPanel < p.OUT ? panels.end * kPanel : p.OUT) - first;
    if (outputs <= 0) continue;
    const int count = static_cast<int>(inputs.end - inputs.begin);
    float* grad_weight = operand<float>(work, 2) + inputs.begin * p.OUT + first;
    for (int64_t n = 0; n < work.batch; n += kTerms) {
      const int images = static_cast<int>(work.batch - n < kTerms ? work.batch - n : kTerms);
      const float* x = operand<const float>(work, 0) + n * p.IN + inputs.begin;
      for (int image = 0; image < images; ++image)
        copy_floats(panel + image * kPanel, x + image * p.IN, count);
      const float* grad_output = operand<const float>(work, 1) + n * p.OUT + first;
      add_outer_products({1, 1, images}, {{panel, 0, 0, kPanel}, 1, count, 0}, {grad_output, 0, 0, p.OUT},
                         static_cast<int>(outputs), {grad_weight, 0, p.OUT, n == 0 && !p.accumulate});
    }
  }
}

}  // namespace TWILL_ISA
}  // namespace twill
