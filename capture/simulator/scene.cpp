#include "scene.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "gentl.h"

namespace {

constexpr int TILE = 8;

// Mapped as a whole from the start: memory that grows as the scene is seen would look like a leak.
#ifdef MAP_POPULATE
constexpr int AT_ONCE = MAP_POPULATE;
#else
constexpr int AT_ONCE = 0;
#endif

struct Header {
  char magic[8];
  uint32_t width, height;
};

struct FrameRecord {
  double time_s;
  uint64_t tiles_at, tile_count;
};

struct TilePlace {
  uint16_t column, row;
};

}  // namespace

Scene::Scene(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Failure{GC_ERR_IO, "The scene of the simulator is missing; run `make simulator`."};
  struct stat status;
  const bool known = fstat(file, &status) == 0 && status.st_size > 0;
  void* mapped = known ? mmap(nullptr, status.st_size, PROT_READ, MAP_SHARED | AT_ONCE, file, 0) : MAP_FAILED;
  close(file);
  if (mapped == MAP_FAILED) throw Failure{GC_ERR_IO, "The scene of the simulator cannot be read."};
  bytes_ = static_cast<const uint8_t*>(mapped);
  size_ = status.st_size;
  const bool is_scene = size_ > sizeof(Header) + 2 * sizeof(SensorRecord) && !std::memcmp(bytes_, "CYRIG-S1", 8);
  if (!is_scene) {
    munmap(mapped, size_);
    throw Failure{GC_ERR_IO, "The scene of the simulator is of another version; run `make simulator`."};
  }
  const Header& header = *at<Header>(0, 1);
  width_ = static_cast<int>(header.width);
  height_ = static_cast<int>(header.height);
  sensors_ = at<SensorRecord>(sizeof(Header), 2);
}

Scene::~Scene() { munmap(const_cast<uint8_t*>(bytes_), size_); }

template <typename T>
const T* Scene::at(uint64_t offset, uint64_t count) const {
  if (offset > size_ || count > (size_ - offset) / sizeof(T))
    throw Failure{GC_ERR_IO, "The scene of the simulator is cut short; run `make simulator`."};
  return reinterpret_cast<const T*>(bytes_ + offset);
}

void Scene::draw(int camera, double time_s, bool with_board, std::vector<uint16_t>& light) const {
  const SensorRecord& sensor = sensors_[camera];
  const size_t pixels = static_cast<size_t>(width_) * height_;
  const uint16_t* still = at<uint16_t>(sensor.still_at, pixels);
  light.assign(still, still + pixels);

  const double length = with_board ? sensor.board_length_s : sensor.live_length_s;
  double time = std::fmod(time_s, with_board ? length : 2 * length);
  if (time > length) time = 2 * length - time;
  const uint64_t count = with_board ? sensor.board_count : sensor.live_count;
  const FrameRecord* frames = at<FrameRecord>(with_board ? sensor.board_at : sensor.live_at, count);
  uint64_t first = 0, last = count;  // the frame is in [first, last)
  while (last - first > 1) {
    const uint64_t middle = (first + last) / 2;
    (frames[middle].time_s <= time ? first : last) = middle;
  }
  const FrameRecord& frame = frames[first];
  const TilePlace* places = at<TilePlace>(frame.tiles_at, frame.tile_count);
  const uint64_t tiles_at = frame.tiles_at + frame.tile_count * sizeof(TilePlace);
  const uint16_t* tile = at<uint16_t>(tiles_at, frame.tile_count * TILE * TILE);
  for (uint64_t i = 0; i < frame.tile_count; ++i) {
    if ((places[i].column + 1) * TILE > width_ || (places[i].row + 1) * TILE > height_)
      throw Failure{GC_ERR_IO, "The scene of the simulator is damaged; run `make simulator`."};
    for (int y = 0; y < TILE; ++y, tile += TILE) {
      uint16_t* row = &light[static_cast<size_t>(places[i].row * TILE + y) * width_ + places[i].column * TILE];
      std::memcpy(row, tile, TILE * sizeof(uint16_t));
    }
  }
}
