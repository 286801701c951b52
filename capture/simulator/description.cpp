// The GenICam description of a module (GenApi schema 1.1), written from its table.

#include <algorithm>
#include <sstream>

#include "registers.h"

using namespace register_layout;

namespace {

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
