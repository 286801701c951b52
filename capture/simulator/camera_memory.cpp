// What a camera keeps when it is off, in a file: user sets, its name, and how long it is unplugged.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "camera.h"

namespace {

// The cameras were not switched on together.
constexpr int64_t POWERED_FOR_NS[2] = {5'000'000'000, 137'000'000'000};

}  // namespace

void Camera::connect_user_sets() {
  on_write_["UserSetLoad"] = [this] {
    const int64_t selected = integer("UserSetSelector");
    for (const Entry& entry : find("UserSetSelector")->entries)
      if (entry.value == selected) load_user_set(entry.name);
  };
  on_write_["UserSetSave"] = [this] { save_user_set(); };
  for (const char* name : {"UserSetDefault", "DeviceUserID"})
    on_write_[name] = [this, name] {
      Memory known = memory();
      known[name] = find(name)->kind == Kind::String ? text(name) : std::to_string(integer(name));
      remember(known);
    };
}

std::string Camera::memory_path() const { return world_.state_folder + "/" + identity.serial + ".state"; }

Camera::Memory Camera::memory() const {
  Memory known;
  std::ifstream file(memory_path());
  for (std::string line; std::getline(file, line);) {
    const size_t equals = line.find('=');
    if (equals != std::string::npos) known[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return known;
}

void Camera::remember(const Memory& memory) const {
  const std::string path = memory_path(), draft = path + ".new";
  std::ofstream file(draft, std::ios::trunc);
  for (const auto& [key, value] : memory) file << key << '=' << value << '\n';
  file.close();
  if (!file || std::rename(draft.c_str(), path.c_str()) != 0)
    throw Failure{GC_ERR_IO, "The simulated camera's memory cannot be written; see CYCLERIG_SIMULATOR_STATE."};
}

void Camera::save_user_set() {
  Memory known = memory();
  const std::string set = "UserSet" + std::to_string(integer("UserSetSelector") - 1);
  for (const Feature& feature : features()) {
    if (!(feature.rules & KEPT)) continue;
    for (size_t slot = 0; slot < slots(feature); ++slot) {
      std::ostringstream number;
      number.precision(17);
      number << value_at(feature.name, slot).number;
      known[set + "." + feature.name + "." + std::to_string(slot)] = number.str();
    }
  }
  remember(known);
}

void Camera::load_user_set(const std::string& set) {
  const Memory known = memory();
  for (const Feature& feature : features()) {
    if (!(feature.rules & KEPT)) continue;
    for (size_t slot = 0; slot < slots(feature); ++slot) {
      const auto kept = known.find(set + "." + feature.name + "." + std::to_string(slot));
      if (kept != known.end()) put_at(feature.name, slot, std::atof(kept->second.c_str()));
      else reset(feature.name, slot);
    }
  }
  run_freely();
}

void Camera::power_up() {
  stop();
  reset_all();
  ptp_since_ns_ = 0;
  hang_s = 0;
  const Memory known = memory();
  if (const auto name = known.find("DeviceUserID"); name != known.end()) put_text("DeviceUserID", name->second);
  if (const auto set = known.find("UserSetDefault"); set != known.end()) {
    put("UserSetDefault", std::atof(set->second.c_str()));
    if (integer("UserSetDefault") > 0) load_user_set("UserSet" + std::to_string(integer("UserSetDefault") - 1));
  }
  set_clock(monotonic_ns(), POWERED_FOR_NS[index_]);
  // "mono.SimulatorPacketLoss=5, color.ExposureTime=2000"
  const char* settings = std::getenv("CYCLERIG_SIMULATOR_SETTINGS");
  std::istringstream list(settings == nullptr ? "" : settings);
  for (std::string entry; std::getline(list, entry, ',');) {
    entry.erase(0, entry.find_first_not_of(' '));
    const size_t point = entry.find('.'), equals = entry.find('=');
    if (point == std::string::npos || equals == std::string::npos || equals < point) continue;
    if (entry.substr(0, point) != (identity.is_color ? "color" : "mono")) continue;
    assign(entry.substr(point + 1, equals - point - 1), entry.substr(equals + 1));
  }
}
