// What modules say of themselves: the Info functions of GenTL.

#include <dlfcn.h>

#include "calls.h"

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

static void answer_frame(const Buffer& buffer, int question, const Answer& answer) {
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
