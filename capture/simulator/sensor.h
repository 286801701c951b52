// From light to the bytes that a camera sends: exposure, noise, gain, curve and pixel format.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "scene.h"

// A pixel format by its PFNC name and number.
struct PixelFormat {
  std::string name;
  int64_t code;
  int bits;
  enum { PLAIN, LSB_PACKED, GEV_PACKED } storage;

  // Bits that one pixel takes: the standard has them in the number.
  int bits_per_pixel() const { return static_cast<int>(code >> 16 & 0xFF); }
  int64_t image_bytes(int64_t width, int64_t height) const { return (width * height * bits_per_pixel() + 7) / 8; }
};

const std::vector<PixelFormat>& pixel_formats(bool is_color);

// Everything that decides a picture, as it was when the exposure began.
struct Shot {
  int64_t width, height, offset_x, offset_y;
  const PixelFormat* format;
  double exposure_us, gain_db, gamma, black_level;
  double balance_red, balance_blue;
  uint64_t frame_id;
  double scene_time_s;
  bool with_board;
};

// Longest a line of pixels takes to be read out.
constexpr int64_t LINE_READOUT_NS = 8'000;

class Sensor {
 public:
  Sensor(const Scene& scene, int camera);

  // Write the picture to `out`, which holds `format->image_bytes` at least. The same shot gives the same bytes.
  void expose(const Shot& shot, uint8_t* out);
  // Mean values of the last picture, 0 … 1, in even and odd rows and columns: [row & 1][column & 1].
  using Means = std::array<std::array<double, 2>, 2>;
  const Means& means() const { return means_; }

 private:
  void fill_curve(const Shot& shot);
  void develop(const Shot& shot);
  void pack(const PixelFormat& format, uint8_t* out) const;

  const Scene& scene_;
  int camera_;
  std::vector<float> noise_;       // standard normal numbers
  std::vector<uint16_t> light_;    // the whole sensor
  std::vector<uint16_t> values_;   // the region of interest
  std::vector<uint16_t> curve_;    // linear values in 16 bits → values
  double curve_gamma_ = 0, curve_black_ = 0;
  int curve_bits_ = 0;
  Means means_{};
};
