// Features of a GenTL module: one table gives its GenICam description, its registers and their rules.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gentl.h"

enum class Kind { Integer, Float, Boolean, Enumeration, Command, String };

enum Rules : int {
  FREE = 0,
  READ_ONLY = 1,
  WRITE_ONLY = 2,
  FROZEN = 4,  // cannot be written while TLParamsLocked is set
  KEPT = 8,    // part of the user sets
};

struct Entry {
  std::string name;
  int64_t value;
};

struct Limits {
  double minimum, maximum, increment;
};

// One feature, named and measured as in SFNC.
struct Feature {
  std::string name;
  Kind kind;
  std::string category;
  std::string visibility;
  std::string about;
  int rules = FREE;
  double initial = 0;
  Limits limits = {0, 0, 1};
  std::string unit;
  std::vector<Entry> entries;
  std::string selector;
  std::string text;        // initial value of a String
  uint64_t chunk_id = 0;   // a chunk feature lies in this chunk of a buffer, not in a register
  bool is_standard = true; // false: the name is this simulator's own
};

// The value of a feature; which member counts follows from its kind (Boolean, Enumeration: integer).
struct Value {
  int64_t integer = 0;
  double number = 0;
  std::string text;
};

// Where registers lie: a block of STRIDE bytes per feature; offsets in it.
namespace register_layout {
constexpr uint64_t FIRST = 0x10000, STRIDE = 256, TEXT_AT = 64, TEXT_SIZE = 128;
constexpr uint64_t MINIMUM_AT = 8, MAXIMUM_AT = 16, INCREMENT_AT = 24, LOCKED_AT = 32;
}  // namespace register_layout

std::string hexadecimal(uint64_t number);

// The registers of one module, behind a GenTL port. Every call needs the world's lock.
//
// Each feature has a block: value, minimum, maximum, increment and a flag that tells whether it is locked now,
// 8 bytes each, little-endian; then the text of a String.
class Registers {
 public:
  Registers(std::string port, std::string model, std::vector<Feature> features);
  virtual ~Registers() = default;

  const std::string& port() const { return port_; }
  const std::string& description() const { return description_; }
  std::string description_url() const;
  static constexpr uint64_t DESCRIPTION_ADDRESS = 0x40000000;

  void read(uint64_t address, void* out, size_t size);
  void write(uint64_t address, const void* in, size_t size);

  int64_t integer(const std::string& name) const { return value(name).integer; }
  double number(const std::string& name) const { return value(name).number; }
  std::string text(const std::string& name) const { return value(name).text; }
  bool is(const std::string& name, const std::string& entry) const;
  int64_t entry_value(const std::string& name, const std::string& entry) const;
  // Value for one setting of the feature's selector, counted from 0.
  const Value& value_at(const std::string& name, size_t slot) const;
  // Store without asking the rules.
  void put(const std::string& name, double number);
  void put_at(const std::string& name, size_t slot, double number);
  void put_text(const std::string& name, const std::string& text);
  // Go back to what the tables say, or `set_initial` said since.
  void reset(const std::string& name, size_t slot);
  void reset_all() { values_ = initial_; }

  const std::vector<Feature>& features() const { return features_; }
  const Feature* find(const std::string& name) const;
  size_t slots(const Feature& feature) const;

  // Write as a consumer does, by name: `entry` for enumerations, numbers as text. Throws Failure.
  void assign(const std::string& name, const std::string& value);

 protected:
  virtual void check_alive() const {}
  virtual Limits limits(const Feature& feature) const { return feature.limits; }
  virtual bool locked(const Feature& feature) const;

  // What to do after a feature was written or a command executed; how to find out a value that changes.
  std::map<std::string, std::function<void()>> on_write_;
  std::map<std::string, std::function<double()>> on_read_;

  void set_initial(const std::string& name, size_t slot, double number);

 private:
  size_t index_of(const std::string& name) const;
  size_t slot_of(const Feature& feature) const;
  const Value& value(const std::string& name) const;
  const Value& value_of(size_t index) const { return values_[index][slot_of(features_[index])]; }
  void read_register(size_t index, uint64_t offset, void* out, size_t size);
  void store(const Feature& feature, Value value);
  void describe(const std::string& model);

  std::string port_;
  std::vector<Feature> features_;
  std::map<std::string, size_t> by_name_;
  std::vector<std::vector<Value>> values_, initial_;  // feature, slot
  std::string description_;
  std::string file_name_;
};
