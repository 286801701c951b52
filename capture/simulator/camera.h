// One simulated camera: its settings, its clock, and when it exposes what.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "registers.h"
#include "sensor.h"
#include "tables.h"
#include "world.h"

class Stream;

// What is known of a frame besides its picture.
struct FrameFacts {
  Shot shot;
  int64_t timestamp_ns;   // the camera's clock as the exposure began
  int64_t due_ns;         // host time at which the last byte arrives
  bool is_incomplete;
  std::vector<Chunk> chunks;
};

class Camera : public Registers {
 public:
  Camera(World& world, CameraIdentity identity, const Scene& scene);

  const CameraIdentity identity;
  Stream* stream = nullptr;  // where frames go, if one is open
  // How often the camera was unplugged: what was opened before the last time is dead.
  int64_t unplugged = 0;
  Sensor sensor;             // for the world's thread
  double hang_s = 0;         // how long the next fetch hangs

  // Begin as after switching on: defaults, then the user set of UserSetDefault, then the environment's settings.
  void power_up();
  // Whether it can be found; asks the file, because another process may have unplugged it.
  bool is_present() const;
  // The file that whoever owns the camera has locked.
  std::string ownership_path() const { return world_.state_folder + "/" + identity.serial + ".lock"; }
  int64_t image_bytes() const;
  int64_t payload_bytes() const;

  // Let automatic features look at a frame that was taken.
  void look_at(const Shot& shot, const Sensor::Means& means);

  int64_t clock_at(int64_t host_ns) const;
  // An edge arrived at an input.
  void feel_edge(int line, bool rising, int64_t time_ns);
  // An action command arrived. With `scheduled_ns` it is obeyed when the camera's own clock says so.
  void feel_action(int64_t device_key, int64_t group_key, int64_t group_mask, const int64_t* scheduled_ns);

 protected:
  Limits limits(const Feature& feature) const override;
  bool locked(const Feature& feature) const override;

 private:
  void connect_acquisition();
  void connect_clock();
  void connect_user_sets();
  void connect_simulator();

  void start();
  void stop();
  void run_freely();
  void trigger(int64_t source, int64_t time_ns);
  void expose(int64_t time_ns);
  void send(const FrameFacts& facts);
  FrameFacts facts_of(int64_t time_ns, double exposure_us);
  bool takes(const char* count, const char* share);
  int64_t shortest_period_ns() const;
  double highest_rate_hz() const { return 1e9 / static_cast<double>(shortest_period_ns()); }
  bool line_is_high(int64_t line) const;
  void adapt(const char* feature, size_t slot, double number, const char* automatic);

  int64_t own_clock_at(int64_t host_ns) const;
  int64_t host_at(int64_t clock_ns) const;
  void set_clock(int64_t host_ns, int64_t clock_ns);
  Camera* ptp_master() const;
  bool is_slave(int64_t host_ns) const;
  int64_t ptp_status(int64_t host_ns) const;

  using Memory = std::map<std::string, std::string>;
  std::string memory_path() const;
  Memory memory() const;
  void remember(const Memory& memory) const;  // throws Failure
  void save_user_set();
  void load_user_set(const std::string& set);
  void vanish(double seconds);

  World& world_;
  const int index_;
  bool acquiring_ = false;
  int64_t acquisition_ = 0;     // running number, so that what belongs to an older one can be told
  int64_t free_run_ = 0;        // likewise for the free-running trigger
  int64_t last_exposure_ns_ = 0;
  int64_t exposure_end_ns_ = 0;
  int64_t ready_ns_ = 0;        // the sensor can begin an exposure again
  int64_t last_due_ns_ = 0;
  uint64_t next_frame_id_ = 0;
  int64_t frames_left_ = -1;
  uint64_t random_ = 0;

  int64_t clock_host_ns_, clock_ns_;  // the clock showed clock_ns_ at clock_host_ns_
  double clock_rate_ = 1;
  int64_t ptp_since_ns_ = 0;
};
