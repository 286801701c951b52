// The simulated bench: two cameras, the cables between them, a pulse generator, and the thread in which
// everything happens in order of time. Exists while the system is open.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "scene.h"

class Camera;
class Handle;

using Lock = std::unique_lock<std::mutex>;
// What happens at a time (ns of the host's monotonic clock); may release the lock meanwhile.
using Happening = std::function<void(int64_t time_ns, Lock& lock)>;

int64_t monotonic_ns();
int64_t real_ns();

class World {
 public:
  // `folder` holds the scene and, if nothing else is asked for, what the cameras remember. Throws Failure.
  explicit World(const std::string& folder);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Guards everything here, in the cameras and behind the handles.
  static std::mutex& mutex();
  // Signals new buffers, buffers that were filled, and threads that left.
  std::condition_variable changed;

  void schedule(int64_t time_ns, Happening happening);
  std::vector<std::unique_ptr<Camera>> cameras;
  Camera& other(const Camera& camera) const;

  bool board = false;
  double pulse_rate_hz = 0;
  bool pulse_is_high = false;
  void start_pulses();

  std::unordered_set<Handle*> handles;  // those that are valid
  int waiting = 0;                      // threads in EventGetData
  bool is_closing = false;

  const std::string state_folder;

 private:
  void run();
  void pulse(int64_t time_ns, bool is_high, int64_t generation);

  Scene scene_;
  std::multimap<int64_t, Happening> agenda_;
  std::condition_variable woken_;
  int64_t pulse_generation_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};
