// What the functions of the interface share: the library's state, errors, handles and answers.
#pragma once

#include <cstring>
#include <string>

#include "gentl.h"
#include "modules.h"
#include "world.h"

#define GENTL extern "C" __attribute__((visibility("default"))) GC_ERROR

extern bool is_initialized;  // between GCInitLib and GCCloseLib
extern World* the_world;     // between TLOpen and TLClose, as is
extern System* the_system;

// Remember an error for GCGetLastError; returns its code.
GC_ERROR failed(GC_ERROR code, const std::string& text);
// The folder of this library, and its whole path.
std::string library_path();
std::string folder_of(const std::string& path);

// Run a function of the interface under the world's lock.
template <typename Function>
GC_ERROR guarded(Function function) {
  try {
    Lock lock(World::mutex());
    if (!is_initialized) throw Failure{GC_ERR_NOT_INITIALIZED, "GCInitLib was not called."};
    function(lock);
    return GC_ERR_SUCCESS;
  } catch (const Failure& failure) {
    return failed(failure.code, failure.text);
  } catch (const std::exception& error) {
    return failed(GC_ERR_ERROR, error.what());
  }
}

template <typename Module>
Module& of_handle(void* handle) {
  Handle* known = static_cast<Handle*>(handle);
  Module* module = nullptr;
  const bool is_open = the_world != nullptr && !the_world->is_closing;
  if (is_open && the_world->handles.count(known)) module = dynamic_cast<Module*>(known);
  if (module == nullptr) throw Failure{GC_ERR_INVALID_HANDLE, "The handle is not valid."};
  return *module;
}

inline void* handle_of(Handle& handle) { return &handle; }

template <typename T>
T& needed(T* pointer) {
  if (pointer == nullptr) throw Failure{GC_ERR_INVALID_PARAMETER, "A pointer is missing."};
  return *pointer;
}

// Where the answer to a question goes: GenTL's type, buffer and size.
struct Answer {
  INFO_DATATYPE* type;
  void* buffer;
  size_t* size;

  void bytes(INFO_DATATYPE of_type, const void* data, size_t count) const {
    size_t& room = needed(size);
    if (type != nullptr) *type = of_type;
    if (buffer != nullptr) {
      if (room < count) throw Failure{GC_ERR_BUFFER_TOO_SMALL, "The buffer is too small for the answer."};
      std::memcpy(buffer, data, count);
    }
    room = count;
  }
  void text(const std::string& value) const { bytes(INFO_DATATYPE_STRING, value.c_str(), value.size() + 1); }
  void int32(int32_t value) const { bytes(INFO_DATATYPE_INT32, &value, sizeof value); }
  void uint32(uint32_t value) const { bytes(INFO_DATATYPE_UINT32, &value, sizeof value); }
  void uint64(uint64_t value) const { bytes(INFO_DATATYPE_UINT64, &value, sizeof value); }
  void flag(bool value) const { bytes(INFO_DATATYPE_BOOL8, &value, 1); }
  void count(size_t value) const { bytes(INFO_DATATYPE_SIZET, &value, sizeof value); }
  void pointer(const void* value) const { bytes(INFO_DATATYPE_PTR, &value, sizeof value); }
};

[[noreturn]] inline void no_such_question() { throw Failure{GC_ERR_NOT_IMPLEMENTED, "The question is not known here."}; }

void answer_system(int question, const Answer& answer);
void answer_interface(int question, const Answer& answer);
void answer_device(const Camera& camera, const Device* device, int question, const Answer& answer);
void answer_stream(const Stream& stream, int question, const Answer& answer);
void answer_buffer(const Buffer& buffer, int question, const Answer& answer);
void answer_url(const Registers& registers, int question, const Answer& answer);

// Close a module and what is below it. They wait until nobody uses it any more.
void close_event(Stream& stream, Lock& lock);
void close_stream(Device& device, Lock& lock);
void close_interface(Lock& lock);
void close_system(Lock& lock);
