// The light that falls on both sensors, drawn beforehand by `scene.py` and mapped into memory.
//
// Layout of the file, little-endian: Header, two SensorRecords (mono, colour), and where they point to.
// A frame is the still picture with some tiles of 8×8 pixels replaced.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct SensorRecord {
  // Light to electrons to values, and the settings after power-up: as in `capture/virtual/sensor.py`.
  double electrons, full_well, read_noise, light_per_count;
  double exposure_us, gain_db, gamma, balance_red, balance_blue;
  uint64_t still_at;                   // height × width counts
  uint64_t live_at, live_count;        // FrameRecords of the moving scene
  uint64_t board_at, board_count;      // … and of the scene with the calibration board
  double live_length_s, board_length_s;
};

class Scene {
 public:
  // Throws Failure where the file is missing or is none.
  explicit Scene(const std::string& path);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  int width() const { return width_; }
  int height() const { return height_; }
  const SensorRecord& sensor(int camera) const { return sensors_[camera]; }

  // Fill `light` with height × width counts at a time. The scene goes to and fro, so that it never jumps;
  // the board goes round through its poses.
  void draw(int camera, double time_s, bool with_board, std::vector<uint16_t>& light) const;

 private:
  template <typename T>
  const T* at(uint64_t offset, uint64_t count) const;

  const uint8_t* bytes_ = nullptr;
  size_t size_ = 0;
  int width_ = 0, height_ = 0;
  const SensorRecord* sensors_ = nullptr;
};
