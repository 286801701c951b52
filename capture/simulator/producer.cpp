// The GenTL 1.5 functions: look up the handle, call the module, turn failures into error codes.

#include <dlfcn.h>

#include <cstring>
#include <memory>
#include <string>

#include "gentl.h"
#include "stream.h"
#include "world.h"

#define GENTL extern "C" __attribute__((visibility("default"))) GC_ERROR

namespace {

bool is_initialized = false;   // between GCInitLib and GCCloseLib
World* the_world = nullptr;    // between TLOpen and TLClose, as is
System* the_system = nullptr;

thread_local GC_ERROR last_error = GC_ERR_SUCCESS;
thread_local std::string last_text = "No error";

GC_ERROR failed(GC_ERROR code, const std::string& text) {
  last_error = code;
  last_text = text;
  return code;
}

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
  if (the_world != nullptr && !the_world->is_closing && the_world->handles.count(known)) module = dynamic_cast<Module*>(known);
  if (module == nullptr) throw Failure{GC_ERR_INVALID_HANDLE, "The handle is not valid."};
  return *module;
}

void* handle_of(Handle& handle) { return &handle; }

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

[[noreturn]] void no_such_question() { throw Failure{GC_ERR_NOT_IMPLEMENTED, "The question is not known here."}; }

std::string library_path() {
  Dl_info info;
  return dladdr(reinterpret_cast<void*>(&library_path), &info) && info.dli_fname ? info.dli_fname : "";
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

void answer_system(int question, const Answer& answer) {
  const std::string path = library_path();
  switch (question) {
    case TL_INFO_ID: return answer.text("CycleRigSimulator");
    case TL_INFO_VENDOR: return answer.text("CycleRig");
    case TL_INFO_MODEL: return answer.text("CycleRig simulator");
    case TL_INFO_VERSION: return answer.text("1.0");
    case TL_INFO_TLTYPE: return answer.text("Custom");
    case TL_INFO_NAME: return answer.text(path.substr(path.rfind('/') + 1));
    case TL_INFO_PATHNAME: return answer.text(path);
    case TL_INFO_DISPLAYNAME: return answer.text("CycleRig simulator");
    case TL_INFO_CHAR_ENCODING: return answer.int32(1);  // UTF-8
    case TL_INFO_GENTL_VER_MAJOR: return answer.uint32(1);
    case TL_INFO_GENTL_VER_MINOR: return answer.uint32(5);
    default: no_such_question();
  }
}

void answer_interface(int question, const Answer& answer) {
  switch (question) {
    case INTERFACE_INFO_ID: return answer.text("CycleRigBench");
    case INTERFACE_INFO_DISPLAYNAME: return answer.text("Simulated bench");
    case INTERFACE_INFO_TLTYPE: return answer.text("Custom");
    default: no_such_question();
  }
}

int access_status(const Camera& camera, const Device* device) {
  if (device == nullptr) {
    if (!camera.is_present()) return DEVICE_ACCESS_STATUS_NOACCESS;
    try {
      Ownership could_be_had(camera.ownership_path());
      return DEVICE_ACCESS_STATUS_READWRITE;
    } catch (const Failure&) {
      return DEVICE_ACCESS_STATUS_BUSY;
    }
  }
  if (!device->is_alive()) return DEVICE_ACCESS_STATUS_NOACCESS;
  return device->access == DEVICE_ACCESS_READONLY ? DEVICE_ACCESS_STATUS_OPEN_READONLY
                                                   : DEVICE_ACCESS_STATUS_OPEN_READWRITE;
}

void answer_device(const Camera& camera, const Device* device, int question, const Answer& answer) {
  const CameraIdentity& identity = camera.identity;
  switch (question) {
    case DEVICE_INFO_ID: return answer.text(identity.id);
    case DEVICE_INFO_VENDOR: return answer.text("CycleRig");
    case DEVICE_INFO_MODEL: return answer.text(identity.model);
    case DEVICE_INFO_TLTYPE: return answer.text("Custom");
    case DEVICE_INFO_DISPLAYNAME: return answer.text("CycleRig " + identity.model + " (" + identity.serial + ")");
    case DEVICE_INFO_ACCESS_STATUS: return answer.int32(access_status(camera, device));
    case DEVICE_INFO_USER_DEFINED_NAME: return answer.text(camera.text("DeviceUserID"));
    case DEVICE_INFO_SERIAL_NUMBER: return answer.text(identity.serial);
    case DEVICE_INFO_VERSION: return answer.text("1.0");
    case DEVICE_INFO_TIMESTAMP_FREQUENCY: return answer.uint64(1'000'000'000);
    default: no_such_question();
  }
}

void answer_stream(const Stream& stream, int question, const Answer& answer) {
  switch (question) {
    case STREAM_INFO_ID: return answer.text(stream.id());
    case STREAM_INFO_NUM_DELIVERED: return answer.uint64(stream.delivered);
    case STREAM_INFO_NUM_UNDERRUN: return answer.uint64(stream.underrun);
    case STREAM_INFO_NUM_ANNOUNCED: return answer.count(stream.buffers.size());
    case STREAM_INFO_NUM_QUEUED: return answer.count(stream.input.size());
    case STREAM_INFO_NUM_AWAIT_DELIVERY: return answer.count(stream.output.size());
    case STREAM_INFO_NUM_STARTED: return answer.uint64(stream.started);
    case STREAM_INFO_PAYLOAD_SIZE: return answer.count(stream.device.camera.payload_bytes());
    case STREAM_INFO_IS_GRABBING: return answer.flag(stream.is_grabbing);
    case STREAM_INFO_DEFINES_PAYLOADSIZE: return answer.flag(false);
    case STREAM_INFO_TLTYPE: return answer.text("Custom");
    case STREAM_INFO_NUM_CHUNKS_MAX: return answer.count(chunks().size());
    case STREAM_INFO_BUF_ANNOUNCE_MIN: return answer.count(1);
    case STREAM_INFO_BUF_ALIGNMENT: return answer.count(1);
    default: no_such_question();
  }
}

void answer_frame(const Buffer& buffer, int question, const Answer& answer) {
  if (buffer.facts.shot.format == nullptr) throw Failure{GC_ERR_NO_DATA, "The buffer was never filled."};
  const Shot& shot = buffer.facts.shot;
  switch (question) {
    case BUFFER_INFO_TIMESTAMP:
    case BUFFER_INFO_TIMESTAMP_NS: return answer.uint64(buffer.facts.timestamp_ns);
    case BUFFER_INFO_WIDTH: return answer.count(shot.width);
    case BUFFER_INFO_HEIGHT: return answer.count(shot.height);
    case BUFFER_INFO_XOFFSET: return answer.count(shot.offset_x);
    case BUFFER_INFO_YOFFSET: return answer.count(shot.offset_y);
    case BUFFER_INFO_XPADDING:
    case BUFFER_INFO_YPADDING:
    case BUFFER_INFO_IMAGEOFFSET: return answer.count(0);
    case BUFFER_INFO_FRAMEID: return answer.uint64(shot.frame_id);
    case BUFFER_INFO_IMAGEPRESENT: return answer.flag(true);
    case BUFFER_INFO_PAYLOADTYPE: return answer.count(PAYLOAD_TYPE_IMAGE);
    case BUFFER_INFO_PIXELFORMAT: return answer.uint64(shot.format->code);
    case BUFFER_INFO_PIXELFORMAT_NAMESPACE: return answer.uint64(PIXELFORMAT_NAMESPACE_PFNC_32BIT);
    case BUFFER_INFO_PIXEL_ENDIANNESS: return answer.int32(PIXELENDIANNESS_LITTLE);
    case BUFFER_INFO_DELIVERED_IMAGEHEIGHT: return answer.count(shot.height);
    case BUFFER_INFO_DELIVERED_CHUNKPAYLOADSIZE: return answer.count(8 * buffer.chunks.size());
    case BUFFER_INFO_CHUNKLAYOUTID: return answer.uint64(buffer.chunks.size());
    case BUFFER_INFO_CONTAINS_CHUNKDATA: return answer.flag(!buffer.chunks.empty());
    case BUFFER_INFO_DATA_SIZE: return answer.count(buffer.size_filled);
    case BUFFER_INFO_DATA_LARGER_THAN_BUFFER: return answer.flag(buffer.is_too_small);
    default: no_such_question();
  }
}

void answer_buffer(const Buffer& buffer, int question, const Answer& answer) {
  switch (question) {
    case BUFFER_INFO_BASE: return answer.pointer(buffer.base);
    case BUFFER_INFO_SIZE: return answer.count(buffer.size);
    case BUFFER_INFO_USER_PTR: return answer.pointer(buffer.user);
    case BUFFER_INFO_NEW_DATA: return answer.flag(buffer.is_new);
    case BUFFER_INFO_IS_QUEUED: return answer.flag(buffer.state != Buffer::IDLE);
    case BUFFER_INFO_IS_ACQUIRING: return answer.flag(buffer.state == Buffer::FILLING);
    case BUFFER_INFO_IS_INCOMPLETE: return answer.flag(buffer.is_incomplete);
    case BUFFER_INFO_TLTYPE: return answer.text("Custom");
    case BUFFER_INFO_SIZE_FILLED: return answer.count(buffer.size_filled);
    default: return answer_frame(buffer, question, answer);
  }
}

void answer_url(const Registers& registers, int question, const Answer& answer) {
  switch (question) {
    case URL_INFO_URL: return answer.text(registers.description_url());
    case URL_INFO_SCHEMA_VER_MAJOR:
    case URL_INFO_SCHEMA_VER_MINOR:
    case URL_INFO_FILE_VER_MAJOR: return answer.int32(1);
    case URL_INFO_FILE_VER_MINOR:
    case URL_INFO_FILE_VER_SUBMINOR: return answer.int32(0);
    case URL_INFO_FILE_REGISTER_ADDRESS: return answer.uint64(Registers::DESCRIPTION_ADDRESS);
    case URL_INFO_FILE_SIZE: return answer.uint64(registers.description().size());
    case URL_INFO_SCHEME: return answer.int32(0);  // in the registers
    default: no_such_question();
  }
}

Camera& camera_called(const Interface& interface, const char* id) {
  for (Camera* camera : interface.found)
    if (camera->identity.id == &needed(id)) return *camera;
  throw Failure{GC_ERR_INVALID_ID, "No camera of this name was found."};
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

}  // namespace

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

// -- events

GENTL GCRegisterEvent(void* source, int32_t type, void** event) {
  return guarded([&](Lock&) {
    Handle& handle = of_handle<Handle>(source);
    Stream* stream = dynamic_cast<Stream*>(&handle);
    if (type != EVENT_NEW_BUFFER || stream == nullptr)
      throw Failure{GC_ERR_NOT_IMPLEMENTED, "This module has no such event."};
    if (stream->event) throw Failure{GC_ERR_RESOURCE_IN_USE, "The event is registered already."};
    void*& result = needed(event);
    stream->event = std::make_unique<BufferEvent>(*stream);
    result = handle_of(*stream->event);
  });
}

GENTL GCUnregisterEvent(void* source, int32_t type) {
  return guarded([&](Lock& lock) {
    Stream& stream = of_handle<Stream>(source);
    if (type != EVENT_NEW_BUFFER || !stream.event)
      throw Failure{GC_ERR_INVALID_PARAMETER, "No such event is registered."};
    close_event(stream, lock);
  });
}

GENTL EventGetData(void* event, void* buffer, size_t* size, uint64_t timeout_ms) {
  return guarded([&](Lock& lock) {
    BufferEvent& waiting = of_handle<BufferEvent>(event);
    if (needed(size) < sizeof(EVENT_NEW_BUFFER_DATA))
      throw Failure{GC_ERR_BUFFER_TOO_SMALL, "The buffer is too small for the event."};
    struct Guest {
      World& world;
      BufferEvent& event;
      Guest(World& of, BufferEvent& at) : world(of), event(at) { ++world.waiting, ++event.waiters; }
      ~Guest() {
        --world.waiting, --event.waiters;
        world.changed.notify_all();
      }
    } guest(*the_world, waiting);
    Buffer& filled = waiting.stream.fetch(waiting, timeout_ms, lock);
    const EVENT_NEW_BUFFER_DATA data{handle_of(filled), filled.user};
    std::memcpy(&needed(static_cast<char*>(buffer)), &data, sizeof data);
    *size = sizeof data;
  });
}

GENTL EventGetDataInfo(void* event, const void* in, size_t in_size, int32_t question, INFO_DATATYPE* type, void* out,
                       size_t* out_size) {
  return guarded([&](Lock&) {
    of_handle<BufferEvent>(event);
    if (in == nullptr || in_size < sizeof(EVENT_NEW_BUFFER_DATA))
      throw Failure{GC_ERR_INVALID_PARAMETER, "This is not the data of an event."};
    EVENT_NEW_BUFFER_DATA data;
    std::memcpy(&data, in, sizeof data);
    const Answer answer{type, out, out_size};
    if (question == EVENT_DATA_ID) return answer.pointer(data.BufferHandle);
    if (question == EVENT_DATA_VALUE) return answer.pointer(data.pUserPointer);
    no_such_question();
  });
}

GENTL EventGetInfo(void* event, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    const BufferEvent& known = of_handle<BufferEvent>(event);
    const Answer answer{type, buffer, size};
    switch (question) {
      case EVENT_EVENT_TYPE: return answer.int32(EVENT_NEW_BUFFER);
      case EVENT_NUM_IN_QUEUE: return answer.count(known.stream.output.size());
      case EVENT_NUM_FIRED: return answer.uint64(known.fired);
      case EVENT_SIZE_MAX: return answer.count(sizeof(EVENT_NEW_BUFFER_DATA));
      case EVENT_INFO_DATA_SIZE_MAX: return answer.count(sizeof(void*));
      default: no_such_question();
    }
  });
}

GENTL EventFlush(void* event) {
  return guarded([&](Lock&) { of_handle<BufferEvent>(event).stream.discard_output(); });
}

GENTL EventKill(void* event) {
  return guarded([&](Lock&) {
    ++of_handle<BufferEvent>(event).kills;
    the_world->changed.notify_all();
  });
}

// -- system and interface

GENTL TLOpen(void** system) {
  return guarded([&](Lock&) {
    void*& result = needed(system);
    if (the_system != nullptr) throw Failure{GC_ERR_RESOURCE_IN_USE, "The system is open already."};
    the_world = new World(folder_of(library_path()));
    the_system = new System(*the_world);
    result = handle_of(*the_system);
  });
}

GENTL TLClose(void* system) {
  return guarded([&](Lock& lock) {
    of_handle<System>(system);
    close_system(lock);
  });
}

GENTL TLGetInfo(void* system, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<System>(system);
    answer_system(question, {type, buffer, size});
  });
}

GENTL TLGetNumInterfaces(void* system, uint32_t* count) {
  return guarded([&](Lock&) {
    of_handle<System>(system);
    needed(count) = 1;
  });
}

GENTL TLGetInterfaceID(void* system, uint32_t index, char* id, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<System>(system);
    if (index != 0) throw Failure{GC_ERR_INVALID_INDEX, "There is one interface only."};
    answer_interface(INTERFACE_INFO_ID, {nullptr, id, size});
  });
}

GENTL TLGetInterfaceInfo(void* system, const char* id, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<System>(system);
    if (std::strcmp(&needed(id), "CycleRigBench") != 0) throw Failure{GC_ERR_INVALID_ID, "There is no such interface."};
    answer_interface(question, {type, buffer, size});
  });
}

GENTL TLOpenInterface(void* system, const char* id, void** interface) {
  return guarded([&](Lock&) {
    System& known = of_handle<System>(system);
    void*& result = needed(interface);
    if (std::strcmp(&needed(id), "CycleRigBench") != 0) throw Failure{GC_ERR_INVALID_ID, "There is no such interface."};
    if (known.interface) throw Failure{GC_ERR_RESOURCE_IN_USE, "The interface is open already."};
    known.interface = std::make_unique<Interface>(*the_world);
    result = handle_of(*known.interface);
  });
}

GENTL TLUpdateInterfaceList(void* system, bool* changed, uint64_t) {
  return guarded([&](Lock&) {
    of_handle<System>(system);
    if (changed != nullptr) *changed = false;
  });
}

GENTL IFClose(void* interface) {
  return guarded([&](Lock& lock) {
    of_handle<Interface>(interface);
    close_interface(lock);
  });
}

GENTL IFGetInfo(void* interface, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<Interface>(interface);
    answer_interface(question, {type, buffer, size});
  });
}

GENTL IFGetParentTL(void* interface, void** system) {
  return guarded([&](Lock&) {
    of_handle<Interface>(interface);
    needed(system) = handle_of(*the_system);
  });
}

GENTL IFUpdateDeviceList(void* interface, bool* changed, uint64_t) {
  return guarded([&](Lock&) {
    const bool is_changed = of_handle<Interface>(interface).update();
    if (changed != nullptr) *changed = is_changed;
  });
}

GENTL IFGetNumDevices(void* interface, uint32_t* count) {
  return guarded([&](Lock&) { needed(count) = of_handle<Interface>(interface).found.size(); });
}

GENTL IFGetDeviceID(void* interface, uint32_t index, char* id, size_t* size) {
  return guarded([&](Lock&) {
    const Interface& known = of_handle<Interface>(interface);
    if (index >= known.found.size()) throw Failure{GC_ERR_INVALID_INDEX, "There are fewer cameras."};
    Answer{nullptr, id, size}.text(known.found[index]->identity.id);
  });
}

GENTL IFGetDeviceInfo(void* interface, const char* id, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    Interface& known = of_handle<Interface>(interface);
    Camera& camera = camera_called(known, id);
    const auto open = known.devices.find(&camera);
    answer_device(camera, open == known.devices.end() ? nullptr : open->second.get(), question, {type, buffer, size});
  });
}

// -- devices

GENTL IFOpenDevice(void* interface, const char* id, int32_t access, void** device) {
  return guarded([&](Lock&) {
    Interface& known = of_handle<Interface>(interface);
    Camera& camera = camera_called(known, id);
    void*& result = needed(device);
    if (!camera.is_present()) throw Failure{GC_ERR_IO, "The device does not answer."};
    if (known.devices.count(&camera)) throw Failure{GC_ERR_RESOURCE_IN_USE, "The device is open already."};
    auto opened = std::make_unique<Device>(*the_world, camera, access);
    result = handle_of(*opened);
    known.devices[&camera] = std::move(opened);
  });
}

GENTL DevClose(void* device) {
  return guarded([&](Lock& lock) {
    Device& known = of_handle<Device>(device);
    close_stream(known, lock);
    known.camera.put("TLParamsLocked", 0);
    the_system->interface->devices.erase(&known.camera);
  });
}

GENTL DevGetPort(void* device, void** port) {
  return guarded([&](Lock&) {
    Device& known = of_handle<Device>(device);
    known.check_alive();
    needed(port) = handle_of(known.remote);
  });
}

GENTL DevGetParentIF(void* device, void** interface) {
  return guarded([&](Lock&) {
    of_handle<Device>(device);
    needed(interface) = handle_of(*the_system->interface);
  });
}

GENTL DevGetInfo(void* device, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) {
    const Device& known = of_handle<Device>(device);
    answer_device(known.camera, &known, question, {type, buffer, size});
  });
}

GENTL DevGetNumDataStreams(void* device, uint32_t* count) {
  return guarded([&](Lock&) {
    of_handle<Device>(device);
    needed(count) = 1;
  });
}

GENTL DevGetDataStreamID(void* device, uint32_t index, char* id, size_t* size) {
  return guarded([&](Lock&) {
    const Device& known = of_handle<Device>(device);
    if (index != 0) throw Failure{GC_ERR_INVALID_INDEX, "There is one stream only."};
    Answer{nullptr, id, size}.text(known.id() + "_Stream");
  });
}

GENTL DevOpenDataStream(void* device, const char* id, void** stream) {
  return guarded([&](Lock&) {
    Device& known = of_handle<Device>(device);
    void*& result = needed(stream);
    if (known.id() + "_Stream" != &needed(id)) throw Failure{GC_ERR_INVALID_ID, "There is no such stream."};
    if (known.stream) throw Failure{GC_ERR_RESOURCE_IN_USE, "The stream is open already."};
    known.check_alive();
    known.stream = std::make_unique<Stream>(known);
    result = handle_of(*known.stream);
  });
}

// -- streams

GENTL DSClose(void* stream) {
  return guarded([&](Lock& lock) { close_stream(of_handle<Stream>(stream).device, lock); });
}

GENTL DSGetParentDev(void* stream, void** device) {
  return guarded([&](Lock&) { needed(device) = handle_of(of_handle<Stream>(stream).device); });
}

GENTL DSGetInfo(void* stream, int32_t question, INFO_DATATYPE* type, void* buffer, size_t* size) {
  return guarded([&](Lock&) { answer_stream(of_handle<Stream>(stream), question, {type, buffer, size}); });
}

GENTL DSAnnounceBuffer(void* stream, void* memory, size_t size, void* user, void** buffer) {
  return guarded([&](Lock&) {
    Stream& known = of_handle<Stream>(stream);
    needed(buffer) = handle_of(known.announce(&needed(static_cast<char*>(memory)), size, user));
  });
}

GENTL DSAllocAndAnnounceBuffer(void* stream, size_t size, void* user, void** buffer) {
  return guarded([&](Lock&) { needed(buffer) = handle_of(of_handle<Stream>(stream).announce(nullptr, size, user)); });
}

GENTL DSRevokeBuffer(void* stream, void* buffer, void** memory, void** user) {
  return guarded([&](Lock& lock) {
    of_handle<Stream>(stream).revoke(of_handle<Buffer>(buffer), lock, memory, user);
  });
}

GENTL DSQueueBuffer(void* stream, void* buffer) {
  return guarded([&](Lock&) { of_handle<Stream>(stream).queue(of_handle<Buffer>(buffer)); });
}

GENTL DSFlushQueue(void* stream, int32_t operation) {
  return guarded([&](Lock& lock) { of_handle<Stream>(stream).flush(operation, lock); });
}

GENTL DSStartAcquisition(void* stream, int32_t, uint64_t frames) {
  return guarded([&](Lock&) { of_handle<Stream>(stream).start(frames); });
}

GENTL DSStopAcquisition(void* stream, int32_t) {
  return guarded([&](Lock& lock) { of_handle<Stream>(stream).stop(lock); });
}

GENTL DSGetBufferID(void* stream, uint32_t index, void** buffer) {
  return guarded([&](Lock&) {
    Stream& known = of_handle<Stream>(stream);
    if (index >= known.buffers.size()) throw Failure{GC_ERR_INVALID_INDEX, "There are fewer buffers."};
    needed(buffer) = handle_of(*known.buffers[index]);
  });
}

GENTL DSGetBufferInfo(void* stream, void* buffer, int32_t question, INFO_DATATYPE* type, void* out, size_t* size) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    answer_buffer(of_handle<Buffer>(buffer), question, {type, out, size});
  });
}

GENTL DSGetBufferChunkData(void* stream, void* buffer, SINGLE_CHUNK_DATA* data, size_t* count) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    const Buffer& known = of_handle<Buffer>(buffer);
    if (known.chunks.empty()) throw Failure{GC_ERR_NO_DATA, "The frame has no chunks."};
    size_t& room = needed(count);
    if (data != nullptr) {
      if (room < known.chunks.size()) throw Failure{GC_ERR_BUFFER_TOO_SMALL, "There are more chunks."};
      std::memcpy(data, known.chunks.data(), known.chunks.size() * sizeof *data);
    }
    room = known.chunks.size();
  });
}

GENTL DSGetNumBufferParts(void* stream, void* buffer, uint32_t* count) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    of_handle<Buffer>(buffer);
    needed(count) = 0;  // the payload is one image
  });
}

GENTL DSGetBufferPartInfo(void* stream, void* buffer, uint32_t, int32_t, INFO_DATATYPE*, void*, size_t*) {
  return guarded([&](Lock&) {
    of_handle<Stream>(stream);
    of_handle<Buffer>(buffer);
    throw Failure{GC_ERR_INVALID_INDEX, "The buffer has no parts."};
  });
}

// -- GenTL 1.6, asked for by consumers of that version: buffers here have neither segments nor flows

namespace {
GC_ERROR not_implemented() { return failed(GC_ERR_NOT_IMPLEMENTED, "The function is not implemented."); }
}  // namespace

GENTL DSAnnounceCompositeBuffer(void*, size_t, void**, size_t*, void*, void**) { return not_implemented(); }
GENTL DSGetNumFlows(void*, uint32_t*) { return not_implemented(); }
GENTL DSGetFlowInfo(void*, uint32_t, int32_t, INFO_DATATYPE*, void*, size_t*) { return not_implemented(); }
GENTL DSGetNumBufferSegments(void*, void*, uint32_t*) { return not_implemented(); }
GENTL DSGetBufferSegmentInfo(void*, void*, uint32_t, int32_t, INFO_DATATYPE*, void*, size_t*) {
  return not_implemented();
}
