// What consumers hold: modules of GenTL behind handles. Every call needs the world's lock.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "camera.h"
#include "registers.h"
#include "world.h"

// Anything that a consumer has a handle to; valid while it exists.
class Handle {
 public:
  explicit Handle(World& world) : world_(world) { world.handles.insert(this); }
  virtual ~Handle() { world_.handles.erase(this); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  // The module's registers, where it has a port. Throws Failure where the device is gone.
  virtual Registers& registers() { throw Failure{GC_ERR_NOT_IMPLEMENTED, "This module has no port."}; }
  virtual std::string id() const = 0;
  virtual const char* module_name() const = 0;
  World& world() const { return world_; }

 private:
  World& world_;
};

struct Buffer : Handle {
  enum State { IDLE, QUEUED, FILLING, FILLED };
  Buffer(World& world, void* base, size_t size, void* user) : Handle(world), base(base), size(size), user(user) {}
  std::string id() const override { return std::to_string(reinterpret_cast<uintptr_t>(base)); }
  const char* module_name() const override { return "TLBuffer"; }

  void* base;
  size_t size;
  void* user;
  std::vector<uint8_t> owned;  // memory that the stream allocated
  State state = IDLE;
  // Of the last frame:
  FrameFacts facts{};
  bool is_new = false, is_incomplete = false, is_too_small = false;
  size_t size_filled = 0, image_size = 0;
  std::vector<SINGLE_CHUNK_DATA> chunks;
};

class Device;
class Stream;

// The event of new buffers; its queue is the stream's output queue.
struct BufferEvent : Handle {
  explicit BufferEvent(Stream& stream);
  std::string id() const override { return "EventNewBuffer"; }
  const char* module_name() const override { return "Event"; }
  Stream& stream;
  uint64_t fired = 0;
  int64_t kills = 0;  // waits that began before the last one are over
  int waiters = 0;
};

class Stream : public Handle, public Registers {
 public:
  explicit Stream(Device& device);
  ~Stream() override;
  Registers& registers() override { return *this; }
  std::string id() const override;
  const char* module_name() const override { return "TLDataStream"; }

  Buffer& announce(void* base, size_t size, void* user);
  void revoke(Buffer& buffer, Lock& lock, void** base, void** user);
  void queue(Buffer& buffer);
  void flush(int operation, Lock& lock);
  void start(uint64_t frames);
  void stop(Lock& lock);
  // Called by the world's thread: fill a buffer with a frame, if one is queued.
  void deliver(const FrameFacts& facts, Sensor& sensor, Lock& lock);
  // Take the oldest filled buffer; waits. Throws Failure.
  Buffer& fetch(BufferEvent& event, uint64_t timeout_ms, Lock& lock);
  void discard_output();

  Device& device;
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::deque<Buffer*> input, output;
  bool is_grabbing = false;
  uint64_t delivered = 0, started = 0, underrun = 0;
  std::unique_ptr<BufferEvent> event;

 private:
  void wait_until_filled(Lock& lock);
  void fill(Buffer& buffer, Sensor& sensor) const;

  bool is_filling_ = false;
  uint64_t frames_left_ = 0;
};

// The camera's own port, opened through a device.
struct RemotePort : Handle {
  explicit RemotePort(Device& device);
  Registers& registers() override;
  std::string id() const override;
  const char* module_name() const override { return "Device"; }
  Device& device;
};

// Ownership of a camera among processes; the system ends it with the process that has it.
class Ownership {
 public:
  // Throws Failure if another process has it. Where nothing can be written, nobody is kept out.
  explicit Ownership(const std::string& path);
  ~Ownership();
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

 private:
  int file_;
};

class Device : public Handle, public Registers {
 public:
  Device(World& world, Camera& camera, int access);
  ~Device() override;
  Registers& registers() override { return *this; }
  std::string id() const override { return camera.identity.id; }
  const char* module_name() const override { return "TLDevice"; }
  // Whether the camera was there all the time since this was opened.
  bool is_alive() const { return unplugged_ == camera.unplugged; }
  void check_alive() const override;

  Camera& camera;
  const int access;
  RemotePort remote;
  std::unique_ptr<Stream> stream;

 private:
  const int64_t unplugged_;
  std::unique_ptr<Ownership> ownership_;  // none where it was opened for reading only
};

class Interface : public Handle, public Registers {
 public:
  explicit Interface(World& world);
  Registers& registers() override { return *this; }
  std::string id() const override { return "CycleRigBench"; }
  const char* module_name() const override { return "TLInterface"; }
  // The cameras found by the last `update`; tells whether anything changed.
  bool update();
  std::vector<Camera*> found;
  std::map<Camera*, std::unique_ptr<Device>> devices;
};

class System : public Handle, public Registers {
 public:
  explicit System(World& world);
  Registers& registers() override { return *this; }
  std::string id() const override { return "CycleRigSimulator"; }
  const char* module_name() const override { return "TLSystem"; }
  std::unique_ptr<Interface> interface;
};
