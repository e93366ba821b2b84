// oneDNN's convolutions, measured on request (bench/lib/peer.ts has the protocol).
//
//   g++ -std=c++17 -O2 -fopenmp bench/peers/onednn.cc -ldnnl -o onednn && ./onednn <threads>
//
// Layouts are of oneDNN's own choice; bringing tensors into them is not timed. Written for its versions 2.x.
#include <omp.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

namespace {

using dnnl::memory;
using Any = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

const memory::data_type kFloat = memory::data_type::f32;

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

class Options {
 public:
  explicit Options(std::istream& words) {
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      values_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  const std::string& text(const std::string& name) const { return values_.at(name); }
  int64_t number(const std::string& name) const { return std::stoll(values_.at(name)); }
  double real(const std::string& name) const { return std::stod(values_.at(name)); }

 private:
  std::map<std::string, std::string> values_;
};

// A primitive with its arguments.
struct Work {
  dnnl::primitive primitive;
  Arguments arguments;
};

class Bench {
 public:
  std::string prepare(const Options& options) {
    if (options.text("kind") != "layer" || options.text("fused") == "1") return "{\"unsupported\": true}";
    work_ = layer(options);
    run();
    return "{\"ok\": true}";
  }

  std::string sample(double seconds) {
    std::ostringstream reply;
    reply.precision(9);
    reply << "{\"seconds\": [";
    const double end = now() + seconds;
    for (int runs = 0; runs == 0 || now() < end; ++runs) {
      const double start = now();
      run();
      reply << (runs ? ", " : "") << std::fixed << now() - start;
    }
    reply << "]}";
    return reply.str();
  }

 private:
  void run() {
    work_.primitive.execute(stream_, work_.arguments);
    stream_.wait();
  }

  memory make(const memory::desc& desc) {
    memory result(desc, engine_);
    float* values = static_cast<float*>(result.get_data_handle());
    for (size_t i = 0; i < desc.get_size() / sizeof(float); ++i)
      values[i] = static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f;
    return result;
  }

  Work layer(const Options& o) {
    const int64_t size = o.number("size"), kernel = o.number("kernel"), padding = o.number("padding");
    const int64_t stride = o.number("stride"), dilation = o.number("dilation"), groups = o.number("groups");
    const int64_t ic = o.number("IC"), oc = o.number("OC"), batch = o.number("batch");
    const int64_t out = (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
    const auto any = [](const memory::dims& dims) { return memory::desc(dims, kFloat, Any::any); };
    const auto x = any({batch, ic, size, size});
    const auto weight =
        groups == 1 ? any({oc, ic, kernel, kernel}) : any({groups, oc / groups, ic / groups, kernel, kernel});
    const memory::desc bias({oc}, kFloat, Any::x);
    const auto y = any({batch, oc, out, out});
    const memory::dims strides{stride, stride}, dilates{dilation - 1, dilation - 1}, pads{padding, padding};
    const auto direct = dnnl::algorithm::convolution_direct;

    using Forward = dnnl::convolution_forward;
    const Forward::primitive_desc forward(Forward::desc(dnnl::prop_kind::forward_training, direct, x, weight,
                                                        bias, y, strides, dilates, pads, pads),
                                          engine_);
    const std::string pass = o.text("pass");
    if (pass == "forward") {
      return {Forward(forward),
              {{DNNL_ARG_SRC, make(forward.src_desc())},
               {DNNL_ARG_WEIGHTS, make(forward.weights_desc())},
               {DNNL_ARG_BIAS, make(forward.bias_desc())},
               {DNNL_ARG_DST, make(forward.dst_desc())}}};
    }
    if (pass == "input_gradient") {
      using Input = dnnl::convolution_backward_data;
      const Input::primitive_desc backward(Input::desc(direct, x, weight, y, strides, dilates, pads, pads),
                                           engine_, forward);
      return {Input(backward),
              {{DNNL_ARG_DIFF_SRC, make(backward.diff_src_desc())},
               {DNNL_ARG_WEIGHTS, make(backward.weights_desc())},
               {DNNL_ARG_DIFF_DST, make(backward.diff_dst_desc())}}};
    }
    using Weight = dnnl::convolution_backward_weights;
    const Weight::primitive_desc backward(
        Weight::desc(direct, x, weight, bias, y, strides, dilates, pads, pads), engine_, forward);
    return {Weight(backward),
            {{DNNL_ARG_SRC, make(backward.src_desc())},
             {DNNL_ARG_DIFF_WEIGHTS, make(backward.diff_weights_desc())},
             {DNNL_ARG_DIFF_BIAS, make(backward.diff_bias_desc())},
             {DNNL_ARG_DIFF_DST, make(backward.diff_dst_desc())}}};
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  Work work_;
};

std::string answer(Bench& bench, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  const Options options(words);
  if (command == "prepare") return bench.prepare(options);
  if (command == "sample") return bench.sample(options.real("seconds"));
  return "{\"ok\": true}";
}

}  // namespace

int main(int, char** argv) {
  omp_set_num_threads(std::stoi(argv[1]));
  const auto* version = dnnl_version();
  std::printf("{\"name\": \"oneDNN %d.%d.%d\", \"detail\": \"blocked layouts of its own choice\"}\n",
              version->major, version->minor, version->patch);
  std::fflush(stdout);
  Bench bench;
  for (std::string line; std::getline(std::cin, line);) {
    std::string reply;
    try {
      reply = answer(bench, line);
    } catch (const std::exception& error) {
      reply = std::string("{\"error\": \"") + error.what() + "\"}";
    }
    std::printf("%s\n", reply.c_str());
    std::fflush(stdout);
  }
}
