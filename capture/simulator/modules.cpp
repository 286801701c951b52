#include "modules.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace {

// A frame that would be filled later than this is lost: the machine does not keep up at all.
constexpr int64_t LATEST_NS = 5'000'000'000;

void write_chunk(const Chunk& chunk, const FrameFacts& facts, uint8_t* out) {
  const Shot& shot = facts.shot;
  int64_t whole = 0;
  double real = 0;
  bool is_real = false;
  if (chunk.name == "FrameID") whole = static_cast<int64_t>(shot.frame_id);
  else if (chunk.name == "Timestamp") whole = facts.timestamp_ns;
  else if (chunk.name == "OffsetX") whole = shot.offset_x;
  else if (chunk.name == "OffsetY") whole = shot.offset_y;
  else if (chunk.name == "Width") whole = shot.width;
  else if (chunk.name == "Height") whole = shot.height;
  else if (chunk.name == "PixelFormat") whole = shot.format->code;
  else {
    is_real = true;
    real = chunk.name == "ExposureTime" ? shot.exposure_us : chunk.name == "Gain" ? shot.gain_db : shot.black_level;
  }
  if (is_real) std::memcpy(out, &real, 8);
  else std::memcpy(out, &whole, 8);
}

}  // namespace

BufferEvent::BufferEvent(Stream& of) : Handle(of.world()), stream(of) {}

Stream::Stream(Device& of)
    : Handle(of.world()), Registers("StreamPort", "Stream", stream_features(of.camera.identity)), device(of) {
  on_read_["StreamDeliveredFrameCount"] = [this] { return static_cast<double>(delivered); };
  on_read_["StreamLostFrameCount"] = [this] { return static_cast<double>(underrun); };
  on_read_["StreamAnnouncedBufferCount"] = [this] { return static_cast<double>(buffers.size()); };
  on_read_["StreamInputBufferCount"] = [this] { return static_cast<double>(input.size()); };
  on_read_["StreamOutputBufferCount"] = [this] { return static_cast<double>(output.size()); };
  device.camera.stream = this;
}

Stream::~Stream() { device.camera.stream = nullptr; }

std::string Stream::id() const { return device.camera.identity.id + "_Stream"; }

Buffer& Stream::announce(void* base, size_t size, void* user) {
  std::vector<uint8_t> owned;
  if (base == nullptr) {
    owned.resize(size);
    base = owned.data();
  }
  buffers.push_back(std::make_unique<Buffer>(world(), base, size, user));
  buffers.back()->owned = std::move(owned);
  return *buffers.back();
}

void Stream::revoke(Buffer& buffer, Lock& lock, void** base, void** user) {
  wait_until_filled(lock);
  if (buffer.state != Buffer::IDLE) throw Failure{GC_ERR_BUSY, "The buffer is still queued."};
  if (base != nullptr) *base = buffer.owned.empty() ? buffer.base : nullptr;
  if (user != nullptr) *user = buffer.user;
  buffers.erase(std::find_if(buffers.begin(), buffers.end(), [&](const auto& b) { return b.get() == &buffer; }));
}

void Stream::queue(Buffer& buffer) {
  if (buffer.state != Buffer::IDLE) throw Failure{GC_ERR_RESOURCE_IN_USE, "The buffer is queued already."};
  buffer.state = Buffer::QUEUED;
  buffer.is_new = false;
  buffer.size_filled = 0;
  input.push_back(&buffer);
}

void Stream::discard_output() {
  for (Buffer* buffer : output) buffer->state = Buffer::IDLE;
  output.clear();
}

void Stream::flush(int operation, Lock& lock) {
  wait_until_filled(lock);
  auto to_input = [this](Buffer* buffer) {
    buffer->state = Buffer::QUEUED;
    input.push_back(buffer);
  };
  switch (operation) {
    case ACQ_QUEUE_INPUT_TO_OUTPUT:
      for (Buffer* buffer : input) {
        buffer->state = Buffer::FILLED;
        output.push_back(buffer);
      }
      input.clear();
      world().changed.notify_all();
      return;
    case ACQ_QUEUE_OUTPUT_DISCARD:
      discard_output();
      return;
    case ACQ_QUEUE_ALL_TO_INPUT:
      discard_output();
      [[fallthrough]];
    case ACQ_QUEUE_UNQUEUED_TO_INPUT:
      for (const auto& buffer : buffers)
        if (buffer->state == Buffer::IDLE) to_input(buffer.get());
      return;
    case ACQ_QUEUE_ALL_DISCARD:
      discard_output();
      for (Buffer* buffer : input) buffer->state = Buffer::IDLE;
      input.clear();
      return;
    default: throw Failure{GC_ERR_INVALID_PARAMETER, "There is no such operation on the queues."};
  }
}

void Stream::start(uint64_t frames) {
  device.check_alive();
  if (is_grabbing) throw Failure{GC_ERR_RESOURCE_IN_USE, "The stream is started already."};
  is_grabbing = true;
  frames_left_ = frames;
  delivered = started = underrun = 0;
}

void Stream::stop(Lock& lock) {
  is_grabbing = false;
  wait_until_filled(lock);
}

void Stream::wait_until_filled(Lock& lock) {
  world().changed.wait(lock, [this] { return !is_filling_; });
}

void Stream::deliver(const FrameFacts& facts, Sensor& sensor, Lock& lock) {
  if (!is_grabbing || frames_left_ == 0 || !device.is_alive()) return;
  if (input.empty() || monotonic_ns() - facts.due_ns > LATEST_NS) {
    ++underrun;
    return;
  }
  Buffer& buffer = *input.front();
  input.pop_front();
  buffer.state = Buffer::FILLING;
  buffer.facts = facts;
  is_filling_ = true;
  ++started;
  lock.unlock();  // registers can be read, and buffers fetched, while the picture is drawn
  fill(buffer, sensor);
  lock.lock();
  is_filling_ = false;
  if (!buffer.is_incomplete) device.camera.look_at(facts.shot, sensor.means());
  if (is_grabbing) {
    buffer.state = Buffer::FILLED;
    buffer.is_new = true;
    output.push_back(&buffer);
    ++delivered;
    if (frames_left_ != UINT64_MAX) --frames_left_;
    if (event) ++event->fired;
  } else {
    buffer.state = Buffer::QUEUED;
    input.push_front(&buffer);
  }
  world().changed.notify_all();
}

void Stream::fill(Buffer& buffer, Sensor& sensor) const {
  const FrameFacts& facts = buffer.facts;
  const Shot& shot = facts.shot;
  uint8_t* out = static_cast<uint8_t*>(buffer.base);
  const size_t image_size = shot.format->image_bytes(shot.width, shot.height);
  const size_t chunks_at = (image_size + 7) / 8 * 8;
  const size_t whole = facts.chunks.empty() ? image_size : chunks_at + 8 * facts.chunks.size();
  buffer.image_size = image_size;
  buffer.chunks.clear();
  buffer.is_too_small = buffer.size < whole;
  buffer.is_incomplete = facts.is_incomplete || buffer.is_too_small;
  if (buffer.is_too_small) {
    buffer.size_filled = 0;
    return;
  }
  sensor.expose(shot, out);
  buffer.size_filled = whole;
  if (facts.is_incomplete) {  // packets from the middle of the image are missing
    std::memset(out + image_size / 2, 0, image_size / 8);
    buffer.size_filled = whole - image_size / 8;
  }
  for (size_t i = 0; i < facts.chunks.size(); ++i) {
    const size_t at = chunks_at + 8 * i;
    write_chunk(facts.chunks[i], facts, out + at);
    buffer.chunks.push_back({facts.chunks[i].id, static_cast<ptrdiff_t>(at), 8});
  }
}

Buffer& Stream::fetch(BufferEvent& waiting, uint64_t timeout_ms, Lock& lock) {
  Camera& camera = device.camera;
  if (camera.hang_s > 0) {
    const auto hang = std::chrono::duration<double>(camera.hang_s);
    camera.hang_s = 0;
    lock.unlock();
    std::this_thread::sleep_for(hang);
    lock.lock();
    if (world().is_closing) throw Failure{GC_ERR_ABORT, "The library is being closed."};
  }
  const int64_t kills = waiting.kills;
  const auto is_over = [&] { return !output.empty() || waiting.kills != kills || world().is_closing; };
  constexpr uint64_t LONGEST_MS = 1'000'000'000;  // ten days: longer ones overflow
  const bool is_done = timeout_ms > LONGEST_MS
                           ? (world().changed.wait(lock, is_over), true)
                           : world().changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), is_over);
  if (waiting.kills != kills || world().is_closing) throw Failure{GC_ERR_ABORT, "The wait was ended."};
  if (!is_done) throw Failure{GC_ERR_TIMEOUT, "No buffer was filled in time."};
  Buffer& buffer = *output.front();
  output.pop_front();
  buffer.state = Buffer::IDLE;
  return buffer;
}

RemotePort::RemotePort(Device& of) : Handle(of.world()), device(of) {}

Registers& RemotePort::registers() {
  device.check_alive();
  return device.camera;
}

std::string RemotePort::id() const { return device.id(); }

Ownership::Ownership(const std::string& path) : file_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (file_ < 0 || flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  close(file_);
  throw Failure{GC_ERR_RESOURCE_IN_USE, "Another process has opened the device."};
}

Ownership::~Ownership() {
  if (file_ >= 0) close(file_);
}

Device::Device(World& world, Camera& of, int with_access)
    : Handle(world),
      Registers("DevicePort", "Device", device_features(of.identity)),
      camera(of),
      access(with_access),
      remote(*this),
      unplugged_(of.unplugged) {
  if (access != DEVICE_ACCESS_READONLY) ownership_ = std::make_unique<Ownership>(of.ownership_path());
}

Device::~Device() = default;

void Device::check_alive() const {
  if (!is_alive()) throw Failure{GC_ERR_IO, "The device does not answer."};
}

Interface::Interface(World& world) : Handle(world), Registers("InterfacePort", "Interface", interface_features()) {
  on_write_["ActionCommand"] = [this] {
    const int64_t time_ns = integer("ActionScheduledTime");
    const int64_t* scheduled_ns = integer("ActionScheduledTimeEnable") ? &time_ns : nullptr;
    for (const auto& camera : this->world().cameras)
      camera->feel_action(integer("ActionDeviceKey"), integer("ActionGroupKey"), integer("ActionGroupMask"),
                          scheduled_ns);
  };
}

bool Interface::update() {
  std::vector<Camera*> present;
  for (const auto& camera : world().cameras)
    if (camera->is_present()) present.push_back(camera.get());
  const bool is_changed = present != found;
  found = std::move(present);
  return is_changed;
}

System::System(World& world) : Handle(world), Registers("TLPort", "System", system_features()) {}
