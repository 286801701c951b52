#include "world.h"

#include <time.h>

#include <chrono>
#include <cmath>
#include <cstdlib>

#include "camera.h"

namespace {

// A rate below this is none.
constexpr double SLOWEST_PULSES_HZ = 0.01;

int64_t clock_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::string state_folder_of(const std::string& folder) {
  const char* named = std::getenv("CYCLERIG_SIMULATOR_STATE");
  return named != nullptr && *named != 0 ? named : folder;
}

std::string scene_of(const std::string& folder) {
  const char* named = std::getenv("CYCLERIG_SIMULATOR_SCENE");
  return named != nullptr && *named != 0 ? named : folder + "/scene.bin";
}

}  // namespace

int64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
int64_t real_ns() { return clock_ns(CLOCK_REALTIME); }

std::mutex& World::mutex() {
  static std::mutex& mutex = *new std::mutex;  // never destroyed: threads may end after statics do
  return mutex;
}

World::World(const std::string& folder) : state_folder(state_folder_of(folder)), scene_(scene_of(folder)) {
  cameras.push_back(std::make_unique<Camera>(
      *this, CameraIdentity{"CycleRig_SIM-MONO", "SIM-MONO", "Simulated mono", false}, scene_));
  cameras.push_back(std::make_unique<Camera>(
      *this, CameraIdentity{"CycleRig_SIM-COLOR", "SIM-COLOR", "Simulated colour", true}, scene_));
  for (const auto& camera : cameras) camera->power_up();
  thread_ = std::thread([this] { run(); });
}

World::~World() {
  {
    Lock lock(mutex());
    stopping_ = true;
    woken_.notify_all();
  }
  thread_.join();
}

Camera& World::other(const Camera& camera) const { return *cameras[cameras[0].get() == &camera ? 1 : 0]; }

void World::schedule(int64_t time_ns, Happening happening) {
  agenda_.emplace(time_ns, std::move(happening));
  woken_.notify_all();
}

void World::run() {
  Lock lock(mutex());
  while (!stopping_) {
    if (agenda_.empty()) {
      woken_.wait(lock);
      continue;
    }
    const int64_t ahead_ns = agenda_.begin()->first - monotonic_ns();
    if (ahead_ns > 0) {
      woken_.wait_for(lock, std::chrono::nanoseconds(ahead_ns));
      continue;
    }
    const auto next = agenda_.extract(agenda_.begin());
    next.mapped()(next.key(), lock);
    lock.unlock();  // a busy agenda must not keep everybody out
    lock.lock();
  }
}

void World::start_pulses() {
  ++pulse_generation_;
  pulse_is_high = false;
  if (pulse_rate_hz >= SLOWEST_PULSES_HZ) pulse(monotonic_ns(), true, pulse_generation_);
}

void World::pulse(int64_t time_ns, bool is_high, int64_t generation) {
  schedule(time_ns, [this, is_high, generation](int64_t now_ns, Lock&) {
    if (generation != pulse_generation_) return;
    pulse_is_high = is_high;
    for (const auto& camera : cameras) camera->feel_edge(PULSE_LINE, is_high, now_ns);
    pulse(now_ns + std::llround(0.5e9 / pulse_rate_hz), !is_high, generation);
  });
}
