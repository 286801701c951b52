// GenTL's functions for the system, the interface and devices.

#include "calls.h"

namespace {

Camera& camera_called(const Interface& interface, const char* id) {
  for (Camera* camera : interface.found)
    if (camera->identity.id == &needed(id)) return *camera;
  throw Failure{GC_ERR_INVALID_ID, "No camera of this name was found."};
}

}  // namespace

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
