// GenTL's functions for the library as a whole and for ports.

#include "calls.h"

bool is_initialized = false;
World* the_world = nullptr;
System* the_system = nullptr;

namespace {

thread_local GC_ERROR last_error = GC_ERR_SUCCESS;
thread_local std::string last_text = "No error";

}  // namespace

GC_ERROR failed(GC_ERROR code, const std::string& text) {
  last_error = code;
  last_text = text;
  return code;
}

// Wake who waits for the event, and let them leave before it goes.
void close_event(Stream& stream, Lock& lock) {
  if (!stream.event) return;
  BufferEvent& event = *stream.event;
  ++event.kills;
  event.world().changed.notify_all();
  event.world().changed.wait(lock, [&] { return event.waiters == 0; });
  stream.event.reset();
}

void close_stream(Device& device, Lock& lock) {
  if (!device.stream) return;
  device.stream->stop(lock);
  close_event(*device.stream, lock);
  device.stream.reset();
}

void close_interface(Lock& lock) {
  if (!the_system->interface) return;
  for (auto& [camera, device] : the_system->interface->devices) close_stream(*device, lock);
  the_system->interface.reset();
}

void close_system(Lock& lock) {
  World* world = the_world;
  world->is_closing = true;
  world->changed.notify_all();
  world->changed.wait(lock, [&] { return world->waiting == 0; });
  close_interface(lock);
  delete the_system;
  the_system = nullptr;
  the_world = nullptr;
  lock.unlock();  // the world's thread needs it to end
  delete world;
  lock.lock();
}

// -- the library

GENTL GCInitLib() {
  Lock lock(World::mutex());
  if (is_initialized) return failed(GC_ERR_RESOURCE_IN_USE, "GCInitLib was called before.");
  is_initialized = true;
  return GC_ERR_SUCCESS;
}

GENTL GCCloseLib() {
  return guarded([](Lock& lock) {
    if (the_world != nullptr) close_system(lock);
    is_initialized = false;
  });
}

GENTL GCGetInfo(int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  try {
    answer_system(question, {type, buffer, size});  // may be asked before GCInitLib
    return GC_ERR_SUCCESS;
  } catch (const Failure& failure) {
    return failed(failure.code, failure.text);
  }
}

GENTL GCGetLastError(GC_ERROR* code, char* text, size_t* size) {
  if (code == nullptr || size == nullptr) return GC_ERR_INVALID_PARAMETER;
  *code = last_error;
  const size_t count = last_text.size() + 1;
  if (text != nullptr) {
    if (*size < count) return GC_ERR_BUFFER_TOO_SMALL;
    std::memcpy(text, last_text.c_str(), count);
  }
  *size = count;
  return GC_ERR_SUCCESS;
}

// -- ports

GENTL GCReadPort(void* port, uint64_t address, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<Handle>(port).registers().read(address, &needed(static_cast<char*>(buffer)), needed(size));
  });
}

GENTL GCWritePort(void* port, uint64_t address, const void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<Handle>(port).registers().write(address, &needed(static_cast<const char*>(buffer)), needed(size));
  });
}

GENTL GCReadPortStacked(void* port, PORT_REGISTER_STACK_ENTRY* entries, size_t* count) {
  size_t done = 0;
  const GC_ERROR result = guarded([&](Lock&) {
    Registers& registers = of_handle<Handle>(port).registers();
    for (; done < needed(count); ++done)
      registers.read(entries[done].Address, entries[done].pBuffer, entries[done].Size);
  });
  if (count != nullptr) *count = done;
  return result;
}

GENTL GCWritePortStacked(void* port, PORT_REGISTER_STACK_ENTRY* entries, size_t* count) {
  size_t done = 0;
  const GC_ERROR result = guarded([&](Lock&) {
    Registers& registers = of_handle<Handle>(port).registers();
    for (; done < needed(count); ++done)
      registers.write(entries[done].Address, entries[done].pBuffer, entries[done].Size);
  });
  if (count != nullptr) *count = done;
  return result;
}

GENTL GCGetPortURL(void* port, char* url, size_t* size) {
  return guarded([&](Lock&) {
    Answer{nullptr, url, size}.text(of_handle<Handle>(port).registers().description_url());
  });
}

GENTL GCGetNumPortURLs(void* port, uint32_t* count) {
  return guarded([&](Lock&) {
    of_handle<Handle>(port).registers();
    needed(count) = 1;
  });
}

GENTL GCGetPortURLInfo(void* port, uint32_t index, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    if (index != 0) throw Failure{GC_ERR_INVALID_INDEX, "There is one description only."};
    answer_url(of_handle<Handle>(port).registers(), question, {type, buffer, size});
  });
}

GENTL GCGetPortInfo(void* port, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    Handle& handle = of_handle<Handle>(port);
    const Answer answer{type, buffer, size};
    switch (question) {
      case PORT_INFO_ID: return answer.text(handle.id());
      case PORT_INFO_VENDOR: return answer.text("CycleRig");
      case PORT_INFO_MODEL: return answer.text("CycleRig simulator");
      case PORT_INFO_TLTYPE: return answer.text("Custom");
      case PORT_INFO_MODULE: return answer.text(handle.module_name());
      case PORT_INFO_LITTLE_ENDIAN:
      case PORT_INFO_ACCESS_READ:
      case PORT_INFO_ACCESS_WRITE: return answer.flag(true);
      case PORT_INFO_BIG_ENDIAN:
      case PORT_INFO_ACCESS_NA:
      case PORT_INFO_ACCESS_NI: return answer.flag(false);
      case PORT_INFO_VERSION: return answer.text("1.0");
      case PORT_INFO_PORTNAME: return answer.text(handle.registers().port());
      default: no_such_question();
    }
  });
}
