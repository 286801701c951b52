#include "registers.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace {

constexpr uint64_t FIRST = 0x10000, STRIDE = 256, TEXT_AT = 64, TEXT_SIZE = 128;
constexpr uint64_t MINIMUM_AT = 8, MAXIMUM_AT = 16, INCREMENT_AT = 24, LOCKED_AT = 32;

bool is_integral(Kind kind) { return kind != Kind::Float && kind != Kind::String; }

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else out += c;
  }
  return out;
}

// "ExposureTime" → "Exposure Time"
std::string spaced(const std::string& name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool begins = i > 0 && std::isupper(name[i]) &&
                        (std::islower(name[i - 1]) || (i + 1 < name.size() && std::islower(name[i + 1])));
    if (begins) out += ' ';
    out += name[i];
  }
  return out;
}

std::string hexadecimal(uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace

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

// -- the description (GenApi schema 1.1)

namespace {

class Description {
 public:
  Description(const std::string& port, const std::string& model) {
    xml_ << "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<RegisterDescription ModelName=\"" << model
         << "\" VendorName=\"CycleRig\" ToolTip=\"Simulated\" StandardNameSpace=\"None\""
            " SchemaMajorVersion=\"1\" SchemaMinorVersion=\"1\" SchemaSubMinorVersion=\"0\""
            " MajorVersion=\"1\" MinorVersion=\"0\" SubMinorVersion=\"0\""
            " ProductGuid=\"1f0d1d5a-6a0e-4a51-9a61-5f0c1c0a7c01\""
            " VersionGuid=\"8a1f6a43-02d3-4a54-8f83-0f3d1f6d2b17\""
            " xmlns=\"http://www.genicam.org/GenApi/Version_1_1\""
            " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
            " xsi:schemaLocation=\"http://www.genicam.org/GenApi/Version_1_1"
            " http://www.genicam.org/GenApi/GenApiSchema_Version_1_1.xsd\">\n";
    xml_ << "<Port Name=\"" << port << "\" NameSpace=\"Standard\"><Visibility>Invisible</Visibility></Port>\n";
  }

  void categories(const std::vector<Feature>& features) {
    std::vector<std::string> names;
    for (const Feature& feature : features)
      if (std::find(names.begin(), names.end(), feature.category) == names.end())
        names.push_back(feature.category);
    xml_ << "<Category Name=\"Root\" NameSpace=\"Standard\">";
    for (const std::string& name : names) xml_ << "<pFeature>" << name << "</pFeature>";
    xml_ << "</Category>\n";
    for (const std::string& name : names) {
      xml_ << "<Category Name=\"" << name << "\" NameSpace=\""
           << (name == "SimulatorControl" ? "Custom" : "Standard") << "\"><DisplayName>" << spaced(name)
           << "</DisplayName>";
      for (const Feature& feature : features)
        if (feature.category == name) xml_ << "<pFeature>" << feature.name << "</pFeature>";
      xml_ << "</Category>\n";
    }
  }

  void feature(const Feature& f, const std::vector<std::string>& selected, uint64_t address,
               const std::string& port) {
    const bool in_chunk = f.chunk_id != 0;
    const std::string chunk_port = f.name + "_Port";
    if (in_chunk)
      xml_ << "<Port Name=\"" << chunk_port << "\"><Visibility>Invisible</Visibility><ChunkID>"
           << hexadecimal(f.chunk_id) << "</ChunkID></Port>\n";
    const std::string where = in_chunk ? chunk_port : port;
    if (in_chunk) address = 0;
    if (f.kind == Kind::String) {
      open("StringReg", f);
      xml_ << "<Address>0x" << hexadecimal(address + TEXT_AT) << "</Address><Length>" << TEXT_SIZE
           << "</Length><AccessMode>" << access(f) << "</AccessMode><pPort>" << where
           << "</pPort><Cachable>NoCache</Cachable></StringReg>\n";
      return;
    }
    static const std::map<Kind, std::string> tags = {{Kind::Integer, "Integer"},
                                                     {Kind::Float, "Float"},
                                                     {Kind::Boolean, "Boolean"},
                                                     {Kind::Enumeration, "Enumeration"},
                                                     {Kind::Command, "Command"}};
    const std::string& tag = tags.at(f.kind);
    const bool ranges = (f.kind == Kind::Integer || f.kind == Kind::Float) && !(f.rules & READ_ONLY) && !in_chunk;
    const bool lockable = !(f.rules & READ_ONLY) && !in_chunk && f.name != "TLParamsLocked";
    open(tag, f);
    if (lockable) xml_ << "<pIsLocked>" << f.name << "_Locked</pIsLocked>";
    if (f.kind != Kind::Command) xml_ << "<Streamable>" << (f.rules & KEPT ? "Yes" : "No") << "</Streamable>";
    for (const Entry& entry : f.entries)
      xml_ << "<EnumEntry Name=\"" << entry.name << "\" NameSpace=\"Standard\"><DisplayName>"
           << entry.name << "</DisplayName><Value>" << entry.value << "</Value></EnumEntry>";
    xml_ << "<pValue>" << f.name << "_Value</pValue>";
    if (f.kind == Kind::Command) xml_ << "<CommandValue>1</CommandValue>";
    if (f.kind == Kind::Boolean) xml_ << "<OnValue>1</OnValue><OffValue>0</OffValue>";
    if (ranges) xml_ << "<pMin>" << f.name << "_Minimum</pMin><pMax>" << f.name << "_Maximum</pMax>";
    if (ranges && f.kind == Kind::Integer) xml_ << "<pInc>" << f.name << "_Increment</pInc>";
    if (!f.unit.empty()) xml_ << "<Unit>" << f.unit << "</Unit>";
    if (f.kind == Kind::Integer || f.kind == Kind::Float)
      xml_ << "<Representation>" << (f.unit == "µs" ? "Logarithmic" : "Linear") << "</Representation>";
    for (const std::string& name : selected) xml_ << "<pSelected>" << name << "</pSelected>";
    xml_ << "</" << tag << ">\n";
    const std::string value_tag = f.kind == Kind::Float ? "FloatReg" : "IntReg";
    reg(value_tag, f.name + "_Value", address, f.kind == Kind::Command ? "WO" : access(f), where);
    if (ranges) {
      reg(value_tag, f.name + "_Minimum", address + MINIMUM_AT, "RO", where);
      reg(value_tag, f.name + "_Maximum", address + MAXIMUM_AT, "RO", where);
      if (f.kind == Kind::Integer) reg(value_tag, f.name + "_Increment", address + INCREMENT_AT, "RO", where);
    }
    if (lockable) reg("IntReg", f.name + "_Locked", address + LOCKED_AT, "RO", where);
  }

  std::string finished() {
    xml_ << "</RegisterDescription>\n";
    return xml_.str();
  }

 private:
  static std::string access(const Feature& f) {
    return f.rules & READ_ONLY || f.chunk_id != 0 ? "RO" : f.rules & WRITE_ONLY ? "WO" : "RW";
  }

  void open(const std::string& tag, const Feature& f) {
    const std::string first = escaped(f.about.substr(0, f.about.find(". ")));
    xml_ << "<" << tag << " Name=\"" << f.name << "\" NameSpace=\"" << (f.is_standard ? "Standard" : "Custom")
         << "\"><ToolTip>" << first << "</ToolTip><Description>" << escaped(f.about)
         << "</Description><DisplayName>" << spaced(f.name) << "</DisplayName><Visibility>" << f.visibility
         << "</Visibility>";
  }

  void reg(const std::string& tag, const std::string& name, uint64_t address, const std::string& mode,
           const std::string& port) {
    xml_ << "<" << tag << " Name=\"" << name << "\"><Visibility>Invisible</Visibility><Address>0x"
         << hexadecimal(address) << "</Address><Length>8</Length><AccessMode>" << mode << "</AccessMode><pPort>"
         << port << "</pPort><Cachable>NoCache</Cachable>";
    if (tag == "IntReg") xml_ << "<Sign>Signed</Sign>";
    xml_ << "<Endianess>LittleEndian</Endianess></" << tag << ">\n";
  }

  std::ostringstream xml_;
};

}  // namespace

void Registers::describe(const std::string& model) {
  Description description(port_, model);
  description.categories(features_);
  for (size_t i = 0; i < features_.size(); ++i) {
    std::vector<std::string> selected;
    for (const Feature& other : features_)
      if (other.selector == features_[i].name) selected.push_back(other.name);
    description.feature(features_[i], selected, FIRST + i * STRIDE, port_);
  }
  description_ = description.finished();
}
