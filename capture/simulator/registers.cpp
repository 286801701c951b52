#include "registers.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace register_layout;

namespace {

bool is_integral(Kind kind) { return kind != Kind::Float && kind != Kind::String; }

}  // namespace

std::string hexadecimal(uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(number));
  return text;
}

Registers::Registers(std::string port, std::string model, std::vector<Feature> features)
    : port_(std::move(port)), features_(std::move(features)) {
  for (size_t i = 0; i < features_.size(); ++i) by_name_[features_[i].name] = i;
  for (const Feature& feature : features_) {
    Value initial;
    initial.integer = std::llround(feature.initial);
    initial.number = feature.initial;
    initial.text = feature.text;
    initial_.emplace_back(slots(feature), initial);
  }
  values_ = initial_;
  file_name_ = "CycleRig_" + model + ".xml";
  describe(model);
}

size_t Registers::index_of(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {  // a slip in this library: its tables name every feature it uses
    std::fprintf(stderr, "CycleRig simulator: no feature is called %s\n", name.c_str());
    std::abort();
  }
  return found->second;
}

const Feature* Registers::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &features_[found->second];
}

size_t Registers::slots(const Feature& feature) const {
  if (feature.selector.empty()) return 1;
  const Feature& selector = features_[index_of(feature.selector)];
  if (selector.kind == Kind::Enumeration) return selector.entries.size();
  return static_cast<size_t>(selector.limits.maximum - selector.limits.minimum + 1);
}

size_t Registers::slot_of(const Feature& feature) const {
  if (feature.selector.empty()) return 0;
  const size_t index = index_of(feature.selector);
  const Feature& selector = features_[index];
  const int64_t selected = values_[index][0].integer;
  if (selector.kind == Kind::Integer) return static_cast<size_t>(selected - selector.limits.minimum);
  for (size_t slot = 0; slot < selector.entries.size(); ++slot)
    if (selector.entries[slot].value == selected) return slot;
  return 0;
}

const Value& Registers::value(const std::string& name) const { return value_of(index_of(name)); }

const Value& Registers::value_at(const std::string& name, size_t slot) const {
  return values_[index_of(name)].at(slot);
}

int64_t Registers::entry_value(const std::string& name, const std::string& entry) const {
  for (const Entry& candidate : features_[index_of(name)].entries)
    if (candidate.name == entry) return candidate.value;
  throw Failure{GC_ERR_INVALID_VALUE, "The feature has no such entry."};
}

bool Registers::is(const std::string& name, const std::string& entry) const {
  return integer(name) == entry_value(name, entry);
}

void Registers::put(const std::string& name, double number) {
  put_at(name, slot_of(features_[index_of(name)]), number);
}

void Registers::put_at(const std::string& name, size_t slot, double number) {
  Value& value = values_[index_of(name)].at(slot);
  value.integer = std::llround(number);
  value.number = number;
}

void Registers::put_text(const std::string& name, const std::string& text) {
  values_[index_of(name)][0].text = text;
}

void Registers::set_initial(const std::string& name, size_t slot, double number) {
  put_at(name, slot, number);
  initial_[index_of(name)][slot] = values_[index_of(name)][slot];
}

void Registers::reset(const std::string& name, size_t slot) {
  values_[index_of(name)].at(slot) = initial_[index_of(name)].at(slot);
}

bool Registers::locked(const Feature& feature) const {
  return (feature.rules & FROZEN) && find("TLParamsLocked") && integer("TLParamsLocked") != 0;
}

std::string Registers::description_url() const {
  return "local:" + file_name_ + ";" + hexadecimal(DESCRIPTION_ADDRESS) + ";" +
         hexadecimal(description_.size()) + "?SchemaVersion=1.1.0";
}

void Registers::read(uint64_t address, void* out, size_t size) {
  check_alive();
  if (address >= DESCRIPTION_ADDRESS) {
    const uint64_t offset = address - DESCRIPTION_ADDRESS;
    if (offset > description_.size() || size > description_.size() - offset)
      throw Failure{GC_ERR_INVALID_ADDRESS, "The description is shorter."};
    std::memcpy(out, description_.data() + offset, size);
    return;
  }
  const uint64_t index = (address - FIRST) / STRIDE;
  if (address < FIRST || index >= features_.size())
    throw Failure{GC_ERR_INVALID_ADDRESS, "There is no register at this address."};
  read_register(index, (address - FIRST) % STRIDE, out, size);
}

void Registers::read_register(size_t index, uint64_t offset, void* out, size_t size) {
  const Feature& feature = features_[index];
  if (offset == TEXT_AT) {
    char text[TEXT_SIZE] = {};
    const std::string& stored = value_of(index).text;
    std::memcpy(text, stored.data(), std::min(stored.size(), sizeof text - 1));
    if (size > sizeof text) throw Failure{GC_ERR_INVALID_ADDRESS, "The register is shorter."};
    std::memcpy(out, text, size);
    return;
  }
  if (size != 8) throw Failure{GC_ERR_INVALID_ADDRESS, "Registers have 8 bytes."};
  if (offset == 0 && (feature.rules & WRITE_ONLY))
    throw Failure{GC_ERR_ACCESS_DENIED, "The feature can only be written."};
  double number;
  const auto dynamic = on_read_.find(feature.name);
  switch (offset) {
    case 0: {
      if (dynamic != on_read_.end()) {
        number = dynamic->second();
        break;
      }
      const Value& value = value_of(index);
      if (is_integral(feature.kind)) std::memcpy(out, &value.integer, 8);
      else std::memcpy(out, &value.number, 8);
      return;
    }
    case MINIMUM_AT: number = limits(feature).minimum; break;
    case MAXIMUM_AT: number = limits(feature).maximum; break;
    case INCREMENT_AT: number = limits(feature).increment; break;
    case LOCKED_AT: {
      const int64_t flag = locked(feature);
      std::memcpy(out, &flag, 8);
      return;
    }
    default: throw Failure{GC_ERR_INVALID_ADDRESS, "There is no register at this address."};
  }
  if (is_integral(feature.kind)) {
    const int64_t whole = std::llround(number);
    std::memcpy(out, &whole, 8);
  } else {
    std::memcpy(out, &number, 8);
  }
}

void Registers::write(uint64_t address, const void* in, size_t size) {
  check_alive();
  const uint64_t index = (address - FIRST) / STRIDE, offset = (address - FIRST) % STRIDE;
  if (address < FIRST || index >= features_.size())
    throw Failure{GC_ERR_INVALID_ADDRESS, "There is no register at this address."};
  const Feature& feature = features_[index];
  Value value;
  if (feature.kind == Kind::String && offset == TEXT_AT && size <= TEXT_SIZE) {
    value.text.assign(static_cast<const char*>(in), strnlen(static_cast<const char*>(in), size));
  } else if (feature.kind != Kind::String && offset == 0 && size == 8) {
    if (is_integral(feature.kind)) {
      std::memcpy(&value.integer, in, 8);
      value.number = static_cast<double>(value.integer);
    } else {
      std::memcpy(&value.number, in, 8);
      value.integer = std::llround(value.number);
    }
  } else {
    throw Failure{GC_ERR_INVALID_ADDRESS, "The register cannot be written."};
  }
  store(feature, value);
}

void Registers::store(const Feature& feature, Value value) {
  if ((feature.rules & READ_ONLY) || locked(feature))
    throw Failure{GC_ERR_ACCESS_DENIED, "The feature cannot be written now."};
  if (feature.kind == Kind::Integer || feature.kind == Kind::Float) {
    const Limits allowed = limits(feature);
    const double steps = (value.number - allowed.minimum) / allowed.increment;
    const bool fits = feature.kind == Kind::Float || steps == std::floor(steps);
    if (!(value.number >= allowed.minimum && value.number <= allowed.maximum) || !fits)
      throw Failure{GC_ERR_INVALID_VALUE, "The value is out of range."};
  }
  if (feature.kind == Kind::Enumeration &&
      std::none_of(feature.entries.begin(), feature.entries.end(),
                   [&](const Entry& entry) { return entry.value == value.integer; }))
    throw Failure{GC_ERR_INVALID_VALUE, "The feature has no such entry."};
  if (feature.kind != Kind::Command)
    values_[index_of(feature.name)][slot_of(feature)] = std::move(value);
  const auto reaction = on_write_.find(feature.name);
  if (reaction != on_write_.end()) reaction->second();
}

void Registers::assign(const std::string& name, const std::string& text) {
  const Feature* feature = find(name);
  if (feature == nullptr) throw Failure{GC_ERR_INVALID_ID, "There is no such feature."};
  Value value;
  if (feature->kind == Kind::String) value.text = text;
  else if (feature->kind == Kind::Enumeration) value.integer = entry_value(name, text);
  else value.integer = std::llround(value.number = std::atof(text.c_str()));
  store(*feature, value);
}
