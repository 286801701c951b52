// A camera's clock: a crystal of its own, or the PTP master's.

#include <cmath>

#include "camera.h"

namespace {

// Time for which a PTP port listens, then measures, before it follows.
constexpr int64_t PTP_LISTENING_NS = 200'000'000, PTP_CALIBRATING_NS = 200'000'000;
constexpr double PTP_ERROR_NS = 80;
enum PtpStatus : int64_t { DISABLED, LISTENING, UNCALIBRATED, MASTER, SLAVE };

}  // namespace

void Camera::connect_clock() {
  on_read_["Timestamp"] = [this] { return static_cast<double>(clock_at(monotonic_ns())); };
  on_write_["TimestampReset"] = [this] { set_clock(monotonic_ns(), 0); };
  on_write_["TimestampLatch"] = [this] { put("TimestampLatchValue", static_cast<double>(clock_at(monotonic_ns()))); };
  on_write_["SimulatorClockDrift"] = [this] {
    const int64_t now_ns = monotonic_ns();
    set_clock(now_ns, own_clock_at(now_ns));
  };
  on_write_["SimulatorClockStep"] = [this] {
    const int64_t now_ns = monotonic_ns();
    set_clock(now_ns, own_clock_at(now_ns) + std::llround(number("SimulatorClockStepSize") * 1e9));
  };
  on_write_["PtpEnable"] = [this] { ptp_since_ns_ = monotonic_ns(); };
  on_write_["PtpDataSetLatch"] = [this] {
    const int64_t now_ns = monotonic_ns();
    put("PtpStatus", static_cast<double>(ptp_status(now_ns)));
    const Camera* master = ptp_master();
    const int64_t offset_ns = master == nullptr ? 0 : clock_at(now_ns) - master->clock_at(now_ns);
    put("PtpOffsetFromMaster", static_cast<double>(offset_ns));
  };
}

void Camera::set_clock(int64_t host_ns, int64_t clock_ns) {
  clock_host_ns_ = host_ns;
  clock_ns_ = clock_ns;
  clock_rate_ = 1 + number("SimulatorClockDrift") * 1e-6;
}

int64_t Camera::own_clock_at(int64_t host_ns) const {
  const int64_t passed_ns = host_ns - clock_host_ns_;
  return clock_ns_ + passed_ns + std::llround(passed_ns * (clock_rate_ - 1));
}

int64_t Camera::clock_at(int64_t host_ns) const {
  if (!is_slave(host_ns)) return own_clock_at(host_ns);
  const double wobble = std::sin(2 * M_PI * static_cast<double>(host_ns % 3'000'000'000) / 3e9);
  return ptp_master()->own_clock_at(host_ns) + std::llround(PTP_ERROR_NS * wobble);
}

int64_t Camera::host_at(int64_t clock_ns) const {
  const Camera& clock = is_slave(monotonic_ns()) ? *ptp_master() : *this;
  return clock.clock_host_ns_ + std::llround((clock_ns - clock.clock_ns_) / clock.clock_rate_);
}

Camera* Camera::ptp_master() const {
  for (const auto& camera : world_.cameras)
    if (camera->integer("PtpEnable")) return camera.get();
  return nullptr;
}

bool Camera::is_slave(int64_t host_ns) const { return ptp_status(host_ns) == SLAVE; }

int64_t Camera::ptp_status(int64_t host_ns) const {
  if (!integer("PtpEnable")) return DISABLED;
  const int64_t enabled_for_ns = host_ns - ptp_since_ns_;
  if (enabled_for_ns < PTP_LISTENING_NS) return LISTENING;
  if (ptp_master() == this) return MASTER;
  return enabled_for_ns < PTP_LISTENING_NS + PTP_CALIBRATING_NS ? UNCALIBRATED : SLAVE;
}
