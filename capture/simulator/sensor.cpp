#include "sensor.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace {

constexpr size_t NOISE_SIZE = 1 << 16;  // a power of two

uint64_t mixed(uint64_t number) {  // splitmix64: neighbours in, strangers out
  number += 0x9E3779B97F4A7C15;
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
  return number ^ (number >> 31);
}

}  // namespace

const std::vector<PixelFormat>& pixel_formats(bool is_color) {
  static const std::vector<PixelFormat> mono = {
      {"Mono8", 0x01080001, 8, PixelFormat::PLAIN},
      {"Mono10", 0x01100003, 10, PixelFormat::PLAIN},
      {"Mono10p", 0x010A0046, 10, PixelFormat::LSB_PACKED},
      {"Mono10Packed", 0x010C0004, 10, PixelFormat::GEV_PACKED},
      {"Mono12", 0x01100005, 12, PixelFormat::PLAIN},
      {"Mono12p", 0x010C0047, 12, PixelFormat::LSB_PACKED},
      {"Mono12Packed", 0x010C0006, 12, PixelFormat::GEV_PACKED},
  };
  static const std::vector<PixelFormat> color = {
      {"BayerRG8", 0x01080009, 8, PixelFormat::PLAIN},
      {"BayerRG10", 0x0110000D, 10, PixelFormat::PLAIN},
      {"BayerRG10p", 0x010A0058, 10, PixelFormat::LSB_PACKED},
      {"BayerRG10Packed", 0x010C0027, 10, PixelFormat::GEV_PACKED},
      {"BayerRG12", 0x01100011, 12, PixelFormat::PLAIN},
      {"BayerRG12p", 0x010C0059, 12, PixelFormat::LSB_PACKED},
      {"BayerRG12Packed", 0x010C002B, 12, PixelFormat::GEV_PACKED},
  };
  return is_color ? color : mono;
}

Sensor::Sensor(const Scene& scene, int camera) : scene_(scene), camera_(camera), noise_(NOISE_SIZE) {
  std::mt19937_64 random(1 + camera);
  std::normal_distribution<float> normal;
  for (float& number : noise_) number = normal(random);
}

void Sensor::expose(const Shot& shot, uint8_t* out) {
  scene_.draw(camera_, shot.scene_time_s, shot.with_board, light_);
  fill_curve(shot);
  develop(shot);
  pack(*shot.format, out);
}

void Sensor::fill_curve(const Shot& shot) {
  if (shot.gamma == curve_gamma_ && shot.black_level == curve_black_ && shot.format->bits == curve_bits_) return;
  curve_gamma_ = shot.gamma;
  curve_black_ = shot.black_level;
  curve_bits_ = shot.format->bits;
  curve_.resize(1 << 16);
  const double full = (1 << curve_bits_) - 1;
  for (size_t i = 0; i < curve_.size(); ++i) {
    const double linear = std::min(1.0, i / 65535.0 + curve_black_ / 4095.0);
    curve_[i] = static_cast<uint16_t>(std::lround(std::pow(linear, curve_gamma_) * full));
  }
}

void Sensor::develop(const Shot& shot) {
  const SensorRecord& sensor = scene_.sensor(camera_);
  const float to_electrons = static_cast<float>(sensor.light_per_count * sensor.electrons * shot.exposure_us);
  const float full_well = static_cast<float>(sensor.full_well);
  const float read_variance = static_cast<float>(sensor.read_noise * sensor.read_noise);
  const float gain = static_cast<float>(65535 / sensor.full_well * std::pow(10, shot.gain_db / 20));
  const float balance[2][2] = {{gain * static_cast<float>(shot.balance_red), gain},
                               {gain, gain * static_cast<float>(shot.balance_blue)}};
  values_.resize(shot.width * shot.height);
  means_ = {};
  for (int64_t y = 0; y < shot.height; ++y) {
    const int64_t row = shot.offset_y + y;
    const uint16_t* light = &light_[row * scene_.width() + shot.offset_x];
    const uint64_t random = mixed(shot.frame_id * 65536 + row);
    uint16_t* values = &values_[y * shot.width];
    for (int64_t x = 0; x < shot.width; ++x) {
      const float electrons = std::min(light[x] * to_electrons, full_well);
      const float noise = noise_[(random + x) & (NOISE_SIZE - 1)] * std::sqrt(electrons + read_variance);
      const float value = (electrons + noise) * balance[row & 1][(shot.offset_x + x) & 1] + 0.5f;
      values[x] = curve_[static_cast<uint16_t>(std::min(std::max(value, 0.0f), 65535.0f))];
    }
    uint64_t sums[2] = {};  // width and offset are even
    for (int64_t x = 0; x < shot.width; x += 2) sums[0] += values[x], sums[1] += values[x + 1];
    for (int column = 0; column < 2; ++column)
      means_[row & 1][column] += 4.0 * sums[column] / (shot.width * shot.height) / ((1 << shot.format->bits) - 1);
  }
}

void Sensor::pack(const PixelFormat& format, uint8_t* out) const {
  const size_t count = values_.size();
  if (format.storage == PixelFormat::PLAIN) {
    for (size_t i = 0; i < count; ++i) {
      *out++ = static_cast<uint8_t>(values_[i]);
      if (format.bits > 8) *out++ = static_cast<uint8_t>(values_[i] >> 8);
    }
  } else if (format.storage == PixelFormat::LSB_PACKED) {
    uint32_t held = 0;
    int bits = 0;
    for (uint16_t value : values_) {
      held |= static_cast<uint32_t>(value) << bits;
      for (bits += format.bits; bits >= 8; bits -= 8, held >>= 8) *out++ = static_cast<uint8_t>(held);
    }
    if (bits > 0) *out = static_cast<uint8_t>(held);
  } else {
    const int low = format.bits - 8;
    const uint16_t mask = static_cast<uint16_t>((1 << low) - 1);
    for (size_t i = 0; i + 1 < count; i += 2) {
      *out++ = static_cast<uint8_t>(values_[i] >> low);
      *out++ = static_cast<uint8_t>((values_[i + 1] & mask) << 4 | (values_[i] & mask));
      *out++ = static_cast<uint8_t>(values_[i + 1] >> low);
    }
  }
}
