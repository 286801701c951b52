#include "camera.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>

#include "modules.h"

namespace {

// From an edge at an input, or a command, to the begin of the exposure.
constexpr int64_t TRIGGER_LATENCY_NS = 2'000, TRIGGER_JITTER_NS = 1'000;
constexpr int64_t CABLE_NS = 50;
// From the last byte leaving the sensor to its arrival.
constexpr int64_t TRANSPORT_NS = 200'000;
// No two crystals run alike.
constexpr double DRIFT_PPM[2] = {12, -8};
// What automatic exposure aims at: mean of the values, and the longest time it sets.
constexpr double AUTO_MEAN = 0.45, AUTO_LONGEST_US = 60'000;
// Automatic features leave alone what is this near.
constexpr double AUTO_TOLERANCE = 0.02;

int64_t from_us(double microseconds) { return std::llround(microseconds * 1000); }

}  // namespace

Camera::Camera(World& world, CameraIdentity of, const Scene& scene)
    : Registers("Device", of.is_color ? "SimulatedColour" : "SimulatedMono", camera_features(of, scene)),
      identity(std::move(of)),
      sensor(scene, identity.is_color),
      world_(world),
      index_(identity.is_color) {
  for (size_t slot = 0; identity.is_color && slot < 2; ++slot) {
    const SensorRecord& record = scene.sensor(index_);
    set_initial("BalanceRatio", slot, slot == 0 ? record.balance_red : record.balance_blue);
  }
  set_initial("SimulatorClockDrift", 0, DRIFT_PPM[index_]);
  connect_acquisition();
  connect_clock();
  connect_user_sets();
  connect_simulator();
}

// -- settings

void Camera::connect_acquisition() {
  on_write_["AcquisitionStart"] = [this] { start(); };
  on_write_["AcquisitionStop"] = [this] { stop(); };
  on_write_["TriggerSoftware"] = [this] { trigger(SOFTWARE, monotonic_ns()); };
  for (const char* name : {"TriggerMode", "AcquisitionFrameRate", "AcquisitionFrameRateEnable", "ExposureTime"})
    on_write_[name] = [this] { run_freely(); };
  on_read_["AcquisitionFrameRate"] = [this] {
    return std::min(number("AcquisitionFrameRate"), std::max(0.5, highest_rate_hz()));
  };
  on_read_["AcquisitionResultingFrameRate"] = [this] { return highest_rate_hz(); };
  on_read_["PayloadSize"] = [this] { return static_cast<double>(payload_bytes()); };
  on_read_["LineStatus"] = [this] { return line_is_high(integer("LineSelector")); };
}

Limits Camera::limits(const Feature& feature) const {
  Limits limits = feature.limits;
  if (feature.name == "Width") limits.maximum = integer("SensorWidth") - integer("OffsetX");
  else if (feature.name == "Height") limits.maximum = integer("SensorHeight") - integer("OffsetY");
  else if (feature.name == "OffsetX") limits.maximum = integer("SensorWidth") - integer("Width");
  else if (feature.name == "OffsetY") limits.maximum = integer("SensorHeight") - integer("Height");
  else if (feature.name == "AcquisitionFrameRate") limits.maximum = std::max(limits.minimum, highest_rate_hz());
  return limits;
}

bool Camera::locked(const Feature& feature) const {
  if (feature.name == "AcquisitionFrameRate") return !integer("AcquisitionFrameRateEnable");
  if (feature.name == "ExposureTime") return !is("ExposureAuto", "Off");
  if (feature.name == "BalanceRatio") return !is("BalanceWhiteAuto", "Off");
  if (feature.name == "LineMode" || feature.name == "LineSource") return integer("LineSelector") != OUTPUT_LINE;
  if (feature.name == "UserSetSave") return is("UserSetSelector", "Default");
  return Registers::locked(feature);
}

int64_t Camera::image_bytes() const {
  for (const PixelFormat& format : pixel_formats(identity.is_color))
    if (format.code == integer("PixelFormat")) return format.image_bytes(integer("Width"), integer("Height"));
  return 0;
}

int64_t Camera::payload_bytes() const {
  if (!integer("ChunkModeActive")) return image_bytes();
  // Chunks of 8 bytes each follow the image, at whole words.
  return (image_bytes() + 7) / 8 * 8 + 8 * static_cast<int64_t>(chunks().size());
}

// -- acquisition

void Camera::start() {
  if (acquiring_) return;
  acquiring_ = true;
  ++acquisition_;
  next_frame_id_ = 0;
  last_exposure_ns_ = exposure_end_ns_ = ready_ns_ = last_due_ns_ = 0;
  frames_left_ = is("AcquisitionMode", "Continuous")    ? -1
                 : is("AcquisitionMode", "SingleFrame") ? 1
                                                        : integer("AcquisitionFrameCount");
  put("SimulatorMissedTriggers", 0);
  run_freely();
}

void Camera::stop() {
  acquiring_ = false;
  ++acquisition_;
}

int64_t Camera::shortest_period_ns() const {
  const int64_t readout_ns = integer("Height") * LINE_READOUT_NS;
  int64_t link_ns = 0;
  if (is("DeviceLinkThroughputLimitMode", "On"))
    link_ns = std::llround(1e9 * payload_bytes() / number("DeviceLinkThroughputLimit"));
  return std::max({from_us(number("ExposureTime")) + 10'000, readout_ns, link_ns});
}

// Schedule the next exposure of a camera that waits for no trigger.
void Camera::run_freely() {
  const int64_t turn = ++free_run_;
  if (!acquiring_ || frames_left_ == 0 || is("TriggerMode", "On")) return;
  int64_t period_ns = shortest_period_ns();
  if (integer("AcquisitionFrameRateEnable"))  // measured by the camera's own crystal
    period_ns = std::max<int64_t>(period_ns, std::llround(1e9 / number("AcquisitionFrameRate") / clock_rate_));
  const int64_t now_ns = monotonic_ns();
  const int64_t next_ns = last_exposure_ns_ == 0 ? now_ns : last_exposure_ns_ + period_ns;
  world_.schedule(std::max(next_ns, ready_ns_), [this, turn](int64_t time_ns, Lock&) {
    if (turn != free_run_) return;
    expose(time_ns);
    run_freely();
  });
}

void Camera::feel_edge(int line, bool rising, int64_t time_ns) {
  if (value_at("LineInverter", line).integer) rising = !rising;
  const bool counts = is("TriggerActivation", "AnyEdge") || is("TriggerActivation", "RisingEdge") == rising;
  if (counts) trigger(line == PULSE_LINE ? LINE2 : LINE0, time_ns);
}

void Camera::feel_action(int64_t device_key, int64_t group_key, int64_t group_mask, const int64_t* scheduled_ns) {
  if (device_key != integer("ActionDeviceKey")) return;
  for (size_t action = 0; action < 2; ++action) {
    if (value_at("ActionGroupKey", action).integer != group_key) continue;
    if (!(value_at("ActionGroupMask", action).integer & group_mask)) continue;
    const int64_t now_ns = monotonic_ns();
    const int64_t time_ns = scheduled_ns == nullptr ? now_ns : std::max(now_ns, host_at(*scheduled_ns));
    world_.schedule(time_ns, [this, action](int64_t at_ns, Lock&) { trigger(ACTION1 + action, at_ns); });
  }
}

void Camera::trigger(int64_t source, int64_t time_ns) {
  if (!acquiring_ || !is("TriggerMode", "On") || integer("TriggerSource") != source) return;
  random_ = random_ * 6364136223846793005 + 1442695040888963407;
  const int64_t latency_ns = TRIGGER_LATENCY_NS + static_cast<int64_t>((random_ >> 33) % TRIGGER_JITTER_NS);
  const int64_t acquisition = acquisition_;
  world_.schedule(time_ns + latency_ns + from_us(number("TriggerDelay")), [this, acquisition](int64_t at_ns, Lock&) {
    if (acquisition == acquisition_) expose(at_ns);
  });
}

void Camera::expose(int64_t time_ns) {
  if (!acquiring_ || frames_left_ == 0) return;
  if (time_ns < ready_ns_) {
    put("SimulatorMissedTriggers", number("SimulatorMissedTriggers") + 1);
    return;
  }
  const double exposure_us = number("ExposureTime");
  const int64_t end_ns = time_ns + from_us(exposure_us);
  last_exposure_ns_ = time_ns;
  exposure_end_ns_ = end_ns;
  ready_ns_ = time_ns + shortest_period_ns();
  if (frames_left_ > 0) --frames_left_;
  if (value_at("LineMode", OUTPUT_LINE).integer && value_at("LineSource", OUTPUT_LINE).integer) {
    const bool inverted = value_at("LineInverter", OUTPUT_LINE).integer != 0;
    Camera& other = world_.other(*this);
    for (const auto& [edge_ns, rising] : {std::pair(time_ns, !inverted), std::pair(end_ns, inverted)})
      world_.schedule(edge_ns + CABLE_NS, [&other, rising = rising](int64_t at_ns, Lock&) {
        other.feel_edge(INPUT_LINE, rising, at_ns);
      });
  }
  FrameFacts facts = facts_of(time_ns, exposure_us);
  if (!takes("SimulatorLoseFrames", "SimulatorFrameLoss")) send(facts);
}

FrameFacts Camera::facts_of(int64_t time_ns, double exposure_us) {
  FrameFacts facts{};
  Shot& shot = facts.shot;
  shot.width = integer("Width");
  shot.height = integer("Height");
  shot.offset_x = integer("OffsetX");
  shot.offset_y = integer("OffsetY");
  for (const PixelFormat& format : pixel_formats(identity.is_color))
    if (format.code == integer("PixelFormat")) shot.format = &format;
  shot.exposure_us = exposure_us;
  shot.gain_db = number("Gain");
  shot.gamma = number("Gamma");
  shot.black_level = number("BlackLevel");
  shot.balance_red = identity.is_color ? value_at("BalanceRatio", 0).number : 1;
  shot.balance_blue = identity.is_color ? value_at("BalanceRatio", 1).number : 1;
  shot.frame_id = next_frame_id_++;
  shot.scene_time_s = time_ns / 1e9;
  shot.with_board = world_.board;
  facts.timestamp_ns = clock_at(time_ns);
  facts.is_incomplete = takes("SimulatorLosePackets", "SimulatorPacketLoss");
  if (integer("ChunkModeActive"))
    for (size_t slot = 0; slot < chunks().size(); ++slot)
      if (value_at("ChunkEnable", slot).integer) facts.chunks.push_back(chunks()[slot]);
  facts.due_ns = time_ns + shortest_period_ns() + TRANSPORT_NS;
  facts.due_ns = std::max(facts.due_ns, exposure_end_ns_ + shot.height * LINE_READOUT_NS + TRANSPORT_NS);
  if (takes("SimulatorDelayFrames", nullptr)) facts.due_ns += from_us(number("SimulatorDelay") * 1000);
  facts.due_ns = last_due_ns_ = std::max(facts.due_ns, last_due_ns_ + 1);  // frames do not overtake
  return facts;
}

void Camera::send(const FrameFacts& facts) {
  const int64_t acquisition = acquisition_;
  world_.schedule(facts.due_ns, [this, facts, acquisition](int64_t, Lock& lock) {
    if (acquisition == acquisition_ && stream != nullptr) stream->deliver(facts, sensor, lock);
  });
}

// Tell whether a fault hits this frame: `count` of the next ones, or a `share` of all.
bool Camera::takes(const char* count, const char* share) {
  if (integer(count) > 0) {
    put(count, number(count) - 1);
    return true;
  }
  if (share == nullptr || number(share) <= 0) return false;
  random_ = random_ * 6364136223846793005 + 1442695040888963407;
  return static_cast<double>(random_ >> 33) / (1LL << 31) * 100 < number(share);
}

void Camera::look_at(const Shot& shot, const Sensor::Means& means) {
  const double green = (means[0][1] + means[1][0]) / 2;
  if (!is("ExposureAuto", "Off")) {
    const double mean = (means[0][0] + 2 * green + means[1][1]) / 4;
    const double growth = std::pow(AUTO_MEAN / std::max(mean, 0.01), 1 / shot.gamma);
    adapt("ExposureTime", 0, shot.exposure_us * std::clamp(growth, 0.25, 4.0), "ExposureAuto");
  }
  if (identity.is_color && !is("BalanceWhiteAuto", "Off")) {
    const double red = std::pow(green / std::max(means[0][0], 0.01), 1 / shot.gamma);
    const double blue = std::pow(green / std::max(means[1][1], 0.01), 1 / shot.gamma);
    const bool is_done = std::abs(red - 1) < AUTO_TOLERANCE && std::abs(blue - 1) < AUTO_TOLERANCE;
    adapt("BalanceRatio", 0, shot.balance_red * red, is_done ? "BalanceWhiteAuto" : nullptr);
    adapt("BalanceRatio", 1, shot.balance_blue * blue, is_done ? "BalanceWhiteAuto" : nullptr);
  }
}

// Change a feature that is automatic; "Once" ends as nothing more is to be done.
void Camera::adapt(const char* feature, size_t slot, double number, const char* automatic) {
  const Limits allowed = limits(*find(feature));
  const double before = value_at(feature, slot).number;
  const double after = std::clamp(number, allowed.minimum, std::min(allowed.maximum, AUTO_LONGEST_US));
  const bool is_done = std::abs(after - before) < AUTO_TOLERANCE * before;
  if (!is_done) put_at(feature, slot, after);
  if (is_done && automatic != nullptr && is(automatic, "Once")) put(automatic, entry_value(automatic, "Off"));
}

bool Camera::line_is_high(int64_t line) const {
  const bool inverted = value_at("LineInverter", line).integer != 0;
  const int64_t now_ns = monotonic_ns();
  if (line == PULSE_LINE) return world_.pulse_is_high != inverted;
  if (line == INPUT_LINE) return world_.other(*this).line_is_high(OUTPUT_LINE) != inverted;
  const bool drives = value_at("LineMode", OUTPUT_LINE).integer && value_at("LineSource", OUTPUT_LINE).integer;
  return drives && (now_ns >= last_exposure_ns_ && now_ns < exposure_end_ns_) != inverted;
}

// -- faults

void Camera::connect_simulator() {
  on_read_["SimulatorBoard"] = [this] { return world_.board; };
  on_write_["SimulatorBoard"] = [this] { world_.board = integer("SimulatorBoard") != 0; };
  on_read_["SimulatorPulseRate"] = [this] { return world_.pulse_rate_hz; };
  on_write_["SimulatorPulseRate"] = [this] {
    world_.pulse_rate_hz = number("SimulatorPulseRate");
    world_.start_pulses();
  };
  on_write_["SimulatorHangFetch"] = [this] { hang_s = number("SimulatorHangFetch"); };
  on_read_["SimulatorHangFetch"] = [this] { return hang_s; };
  on_write_["SimulatorVanish"] = [this] { vanish(number("SimulatorAbsence")); };
  on_write_["DeviceReset"] = [this] { vanish(number("SimulatorAbsence")); };
  on_write_["SimulatorCrash"] = [] { std::raise(SIGSEGV); };
}

void Camera::vanish(double seconds) {
  Memory known = memory();
  known["AbsentUntil"] = std::to_string(real_ns() + std::llround(seconds * 1e9));
  remember(known);
  ++unplugged;
  power_up();
  world_.changed.notify_all();
}

bool Camera::is_present() const {
  const Memory known = memory();
  const auto until = known.find("AbsentUntil");
  return until == known.end() || real_ns() >= std::atoll(until->second.c_str());
}
